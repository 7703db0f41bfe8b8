/** Phases as SVG: one path per kind, however many devices there are. */
import { showDuration } from '../../../text.js';
import { type Html, html, raw } from '../markup.js';
import type { PhaseKind, ReportDevice } from '../model.js';
import { PHASE_KINDS } from '../model.js';
import { PHASE_LOOKS } from './kinds.js';

/** The width of the drawing in its own units. The browser scales it. */
export const WIDTH = 1000;

/** One row of the timeline. */
export interface Track {
  device: ReportDevice;
  /** Top and height of the row, in units of the drawing. */
  y: number;
  height: number;
  /** The row is too thin to distinguish phases by height: all have the full height, and differ in colour and order. */
  flat?: boolean;
  /** The time of the left edge, in wall milliseconds. */
  from: number;
}

/** The paths for all phases of `tracks`. `span`: milliseconds between the edges. */
export function trackPaths(tracks: readonly Track[], span: number): Html[] {
  const paths = new Map<PhaseKind, string[]>();
  for (const { device, y, height, flat, from } of tracks) {
    for (const phase of device.phases) {
      const x = scale(Date.parse(phase.from) - from, span);
      // A short phase must still be visible.
      const width = Math.max(1, scale(Date.parse(phase.to) - from, span) - x);
      const tall = flat ? height : PHASE_LOOKS[phase.kind].height * height;
      const top = y + (height - tall) / 2;
      const list = paths.get(phase.kind) ?? [];
      list.push(`M${round(x)} ${round(top)}h${round(width)}v${round(tall)}h${round(-width)}z`);
      paths.set(phase.kind, list);
    }
  }
  return PHASE_KINDS.flatMap((kind) => {
    const list = paths.get(kind);
    return list ? [html`<path class="p-${kind}" d="${raw(list.join(''))}"/>`] : [];
  });
}

/** The x coordinate of `ms` within `span`. */
export function scale(ms: number, span: number): number {
  return Math.min(WIDTH, Math.max(0, (ms / Math.max(1, span)) * WIDTH));
}

/** A coordinate with at most two decimals. */
export function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

/** The smallest round step, in milliseconds, that fits at most `most` times into `span`. */
export function stepOf(span: number, most: number): number {
  const found = STEPS.find((seconds) => span / (seconds * 1000) <= most);
  return (found ?? Math.ceil(span / 1000 / most)) * 1000;
}

/** The label of a tick: `0`, `30s`, `5m`, `1h30m`. */
export function tickText(ms: number): string {
  return ms === 0
    ? '0'
    : showDuration(ms)
        .replace(/(?<=[hm])00[ms]$/, '')
        .replace(/(?<=h)0(?=\dm)/, '');
}
