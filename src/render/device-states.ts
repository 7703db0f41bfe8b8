/** How states are said: one word and one symbol each, so that colour is never the only sign. */
import { resultCode } from '../protocol/result-codes.js';
import { safeText } from '../text.js';
import { type Countable, type Counted, countedAs, hasFailed, isUnconfirmed } from '../upgrade/counting.js';
import type { DeviceOutcome, RunEvent } from '../upgrade/events.js';
import type { DeviceState } from '../upgrade/tracker/state.js';
import type { Styles } from './terminal/styles.js';

/** Kinds of state, the most urgent first: what is higher up is shown first where there is not room for all. */
export const KINDS = [
  'failed',
  'unverified',
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

/** The kind of a device that has ended: how it counts, with the protocol's four bad ends in one. */
export function kindOfOutcome(device: Countable): Kind {
  return kindOfCounted(countedAs(device));
}

export function kindOfCounted(counted: Counted): Kind {
  return counted === 'rejected' || counted === 'canceled' || counted === 'timeout' ? 'failed' : counted;
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
      return kindOfOutcome(endOf(device));
    default:
      return device.status === 'paused' ? 'paused' : 'running';
  }
}

/** An ended device as an outcome. */
export function endOf(device: Readonly<DeviceState>): Ended {
  // Not copied: a large fleet is gone through several times a second. What has ended has an outcome for its status.
  return device as unknown as Ended;
}

const STYLE: Readonly<Record<Kind, keyof Styles>> = {
  failed: 'bad',
  unverified: 'bad',
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
  unverified: '!',
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
  unverified: '!',
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

/** How a device counts, as it is said: the protocol's word, without the underscore of ours. */
export function countedWord(counted: Counted): string {
  return counted === 'not_started' ? 'not started' : counted;
}

/** How a device ended, as it is said, with what its verification came to. */
export function outcomeText(device: Countable): string {
  if (isUnconfirmed(device)) return 'ok, not confirmed';
  const word = countedWord(countedAs(device));
  return device.verified === true ? `${word}, verified` : word;
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
  if (device.phase === 'ended') return countedWord(countedAs(endOf(device)));
  if (device.status === null) return device.attempt > 1 ? `attempt ${device.attempt}` : 'published';
  if (device.status === 'in_progress') return stepWord(device.step) ?? 'running';
  return safeText(device.status, 24);
}

/** What is said of a device that has ended. */
export type Ended = Countable & Pick<DeviceOutcome, 'result' | 'reason'>;

/**
 * Why a device ended so, and what to do about it; null where the outcome says it all. `simulated`: its dock has ended with
 * the program, so that nothing is left to be followed.
 */
export function reasons(device: Ended, simulated = false): { why: string | null; advice: string | null } {
  const code = device.result ? resultCode(device.result) : null;
  const counted = countedAs(device);
  const unconfirmed = counted === 'unverified' ? 'the required verification did not confirm it' : null;
  return {
    why:
      device.reason === null
        ? (code?.meaning ?? unconfirmed ?? WITHOUT_WORDS[counted] ?? null)
        : safeText(device.reason, 300),
    advice: counted === 'ok' || (simulated && counted === 'unknown') ? null : (code?.advice ?? ADVICE[counted] ?? null),
  };
}

const WITHOUT_WORDS: Readonly<Partial<Record<Counted, string>>> = {
  failed: 'failed without a code',
  rejected: 'refused without a code',
  canceled: 'canceled or stopped on the device',
  timeout: 'timed out on the device',
};

const ADVICE: Readonly<Partial<Record<Counted, string>>> = {
  unverified: 'check its version with dji-ota devices',
  unknown: 'follow it to its end with dji-ota resume or watch',
  failed: 'check the device, then try again',
  rejected: 'check the device, then try again',
  canceled: 'find out who stopped it, then try again',
  timeout: 'check the device, then try again',
};

/** Both {@link reasons} in one line; null where there is none. */
export function explain(device: Ended, simulated: boolean): string | null {
  const { why, advice } = reasons(device, simulated);
  return why !== null && advice !== null ? `${why}; ${advice}` : (why ?? advice);
}

/** Whether the outcome is one that somebody has to look at. */
export function needsLook(device: Countable): boolean {
  return hasFailed(device) || device.status === 'unknown';
}

/** A gateway whose dock and aircraft ended on different releases: who is where, and what to do. */
export function splitText({ pid, devices }: Extract<RunEvent, { event: 'pair_split' }>): string {
  const each = devices.map(({ sn, status, version_after }) => {
    const version = version_after === null ? '' : ` at ${safeText(version_after, 64)}`;
    return `${sn === pid ? 'dock' : 'aircraft'} ${safeText(sn, 64)} ${status}${version}`;
  });
  return `gateway ${safeText(pid, 64)}: ${each.join(', ')}; bring both to one release before the next flight, the aircraft may refuse to take off (code 316034)`;
}
