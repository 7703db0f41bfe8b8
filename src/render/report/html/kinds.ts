/** The look of kinds and phases: a symbol, a word and a shape for each, so that colour is never the only sign. */
import type { Kind } from '../../device-states.js';
import { symbolOf } from '../../device-states.js';
import { type Html, html } from '../markup.js';
import type { PhaseKind } from '../model.js';

/** The symbol of a kind, hidden from screen readers because the word next to it says the same. */
export function sign(kind: Kind): Html {
  return html`<span class="sign" aria-hidden="true">${symbolOf(kind, true)}</span>`;
}

interface Look {
  word: string;
  /** The filled part of the row's height, 0 to 1. */
  height: number;
}

/** Distinguished by height and by colour (`.p-...` in the style). */
export const PHASE_LOOKS: Readonly<Record<PhaseKind, Look>> = {
  waiting: { word: 'waiting for the first message', height: 0.2 },
  download: { word: 'download', height: 0.6 },
  upgrade: { word: 'upgrade', height: 1 },
  running: { word: 'in progress, step not reported', height: 0.8 },
  paused: { word: 'paused', height: 0.35 },
  silence: { word: 'silence (nothing new for a minute or more)', height: 0.12 },
  retry_wait: { word: 'waiting for another attempt', height: 0.2 },
  verifying: { word: 'verifying its version', height: 0.45 },
};

/** A number for people: `12,345`. */
export function showCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `3 devices`, `1 device`. */
export function plural(count: number, word: string): string {
  return `${showCount(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** An ISO time as `2026-11-24 08:15:30 UTC`. */
export function timeText(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}
