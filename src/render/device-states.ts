/** How states are said: one word and one symbol each, so that colour is never the only sign. */
import { resultCode } from '../protocol/result-codes.js';
import { safeText } from '../text.js';
import type { DeviceOutcome, Outcome, Verified } from '../upgrade/events.js';
import type { DeviceState } from '../upgrade/tracker/state.js';
import type { Styles } from './styles.js';

/** Kinds of state, the most urgent first: what is higher up is shown first where there is not room for all. */
export const KINDS = [
  'failed',
  'unknown',
  'paused',
  'retrying',
  'running',
  'verifying',
  'waiting',
  'not_started',
  'skipped',
  'ok',
] as const;
export type Kind = (typeof KINDS)[number];

/** The kind of a device that has ended. A version other than the target after an `ok` needs a person's look. */
export function kindOfOutcome(status: string | null, verified: Verified): Kind {
  switch (status) {
    case 'ok':
      return verified === false ? 'unknown' : 'ok';
    case 'unknown':
    case 'skipped':
    case 'not_started':
      return status;
    default:
      return 'failed';
  }
}

export function kindOf(device: Readonly<DeviceState>): Kind {
  switch (device.phase) {
    case 'waiting':
      return 'waiting';
    case 'retry_wait':
      return 'retrying';
    case 'verifying':
      return 'verifying';
    case 'ended':
      return kindOfOutcome(device.status, device.verified);
    default:
      return device.status === 'paused' ? 'paused' : 'running';
  }
}

const STYLE: Readonly<Record<Kind, keyof Styles>> = {
  failed: 'bad',
  unknown: 'warn',
  paused: 'warn',
  retrying: 'warn',
  running: 'busy',
  verifying: 'busy',
  waiting: 'dim',
  not_started: 'warn',
  skipped: 'dim',
  ok: 'good',
};

export function styleOf(kind: Kind): keyof Styles {
  return STYLE[kind];
}

const SYMBOLS: Readonly<Record<Kind, string>> = {
  failed: '✖',
  unknown: '?',
  paused: '‖',
  retrying: '↻',
  running: '▶',
  verifying: '≈',
  waiting: '·',
  not_started: '○',
  skipped: '–',
  ok: '✔',
};
const ASCII: Readonly<Record<Kind, string>> = {
  failed: 'x',
  unknown: '?',
  paused: '"',
  retrying: '@',
  running: '>',
  verifying: '~',
  waiting: '.',
  not_started: 'o',
  skipped: '-',
  ok: '+',
};

export function symbolOf(kind: Kind, unicode: boolean): string {
  return (unicode ? SYMBOLS : ASCII)[kind];
}

/** A kind as it is said, without the underscore. */
export function kindWord(kind: Kind): string {
  return kind === 'not_started' ? 'not started' : kind;
}

/** An outcome as it is said: the protocol's word, without the underscore of ours. */
export function outcomeWord(status: Outcome): string {
  return status === 'not_started' ? 'not started' : status;
}

/** A step as it is said; one that the protocol does not know is shown as it came. */
export function stepWord(step: string | null): string | null {
  if (step === 'download_firmware') return 'download';
  if (step === 'upgrade_firmware') return 'upgrade';
  return step === null ? null : safeText(step, 24);
}

/** What a device is doing, in a word or two: the step while it is in progress, otherwise the status. */
export function stateWord(device: Readonly<DeviceState>): string {
  const kind = kindOf(device);
  // These are said as they are called.
  if (kind === 'waiting' || kind === 'retrying' || kind === 'verifying') return kind;
  if (device.phase === 'ended') {
    if (device.status === 'ok' && device.verified === false) return 'unverified';
    return outcomeWord((device.status ?? 'unknown') as Outcome);
  }
  if (device.status === null) return device.attempt > 1 ? `attempt ${device.attempt}` : 'published';
  if (device.status === 'in_progress') return stepWord(device.step) ?? 'running';
  return safeText(device.status, 24);
}

/** Why a device ended so, and what to do about it; null where the outcome says it all. */
export function reasons(outcome: Pick<DeviceOutcome, 'status' | 'result' | 'reason'>): {
  why: string | null;
  advice: string | null;
} {
  const code = outcome.result ? resultCode(outcome.result) : null;
  return {
    why: outcome.reason === null ? (code?.meaning ?? null) : safeText(outcome.reason, 300),
    advice: outcome.status === 'ok' ? null : (code?.advice ?? adviceFor(outcome.status)),
  };
}

/** Both {@link reasons} in one line; null where there is none. */
export function explain(outcome: Pick<DeviceOutcome, 'status' | 'result' | 'reason'>): string | null {
  const { why, advice } = reasons(outcome);
  return why !== null && advice !== null ? `${why}; ${advice}` : (why ?? advice);
}

function adviceFor(status: Outcome): string | null {
  if (status === 'unknown') return 'dji-ota resume or watch tells how it ends';
  if (status === 'timeout') return 'check the device, then try again';
  return null;
}

/** Whether the outcome is one that somebody has to look at. */
export function isBad(outcome: Pick<DeviceOutcome, 'status' | 'verified'>): boolean {
  const kind = kindOfOutcome(outcome.status, outcome.verified);
  return kind === 'failed' || kind === 'unknown';
}
