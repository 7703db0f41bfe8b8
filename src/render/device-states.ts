/** The words and symbols for states. Each state has both, so that colour is never the only sign. */
import { resultCode } from '../protocol/result-codes.js';
import { safeText } from '../text.js';
import { type Countable, type Counted, countedAs, hasFailed, isUnconfirmed } from '../upgrade/counting.js';
import type { DeviceOutcome, RunEvent } from '../upgrade/events.js';
import type { DeviceState } from '../upgrade/tracker/state.js';
import type { Styles } from './terminal/styles.js';

/** The kinds of state, the most urgent first: they are shown first if there is no space for all. */
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
/** A kind of state. */
export type Kind = (typeof KINDS)[number];

/** The kind of a device that has ended: as it counts, with the protocol's four bad ends as one kind. */
export function kindOfOutcome(device: Countable): Kind {
  return kindOfCounted(countedAs(device));
}

/** The kind for a key of the totals. */
export function kindOfCounted(counted: Counted): Kind {
  return counted === 'rejected' || counted === 'canceled' || counted === 'timeout' ? 'failed' : counted;
}

/** The kind of a device in a run. */
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
  // Not copied, because a large fleet is processed several times a second. The status of an ended device is an outcome.
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

/** The style of a kind. */
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

/** The symbol of a kind. */
export function symbolOf(kind: Kind, unicode: boolean): string {
  return (unicode ? SYMBOLS : ASCII)[kind];
}

/** The word for a kind, without the underscore. */
export function kindWord(kind: Kind): string {
  return kind === 'not_started' ? 'not started' : kind;
}

/** The word for how a device counts: that of the protocol, or our own without the underscore. */
export function countedWord(counted: Counted): string {
  return counted === 'not_started' ? 'not started' : counted;
}

/** How a device ended, with the result of its verification. */
export function outcomeText(device: Countable): string {
  if (isUnconfirmed(device)) return 'ok, not confirmed';
  const word = countedWord(countedAs(device));
  return device.verified === true ? `${word}, verified` : word;
}

/** The word for a step; an unknown step as received. */
export function stepWord(step: string | null): string | null {
  if (step === 'download_firmware') return 'download';
  if (step === 'upgrade_firmware') return 'upgrade';
  return step === null ? null : safeText(step, 24);
}

/** What a device is doing: the step while it is in progress, otherwise the status. */
export function stateWord(device: Readonly<DeviceState>): string {
  const kind = kindOf(device);
  // The words for these kinds are their names.
  if (kind === 'waiting' || kind === 'retrying' || kind === 'verifying') return kind;
  if (device.phase === 'ended') return countedWord(countedAs(endOf(device)));
  if (device.status === null) return device.attempt > 1 ? `attempt ${device.attempt}` : 'published';
  if (device.status === 'in_progress') return stepWord(device.step) ?? 'running';
  return safeText(device.status, 24);
}

/** The properties of an ended device that are shown. */
export type Ended = Countable & Pick<DeviceOutcome, 'result' | 'reason'>;

/**
 * Why a device ended this way, and what to do about it; null = the outcome says it all. `simulated`: its dock has ended with
 * the program, so there is nothing to follow.
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
  failed: 'the device gave no code',
  rejected: 'the device gave no code',
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

/** Both {@link reasons} on one line; null = there are none. */
export function explain(device: Ended, simulated: boolean): string | null {
  const { why, advice } = reasons(device, simulated);
  return why !== null && advice !== null ? `${why}; ${advice}` : (why ?? advice);
}

/** Whether the device needs someone's attention. */
export function needsLook(device: Countable): boolean {
  return hasFailed(device) || device.status === 'unknown';
}

/** The message for a gateway whose dock and aircraft ended on different releases: the versions, and what to do. */
export function splitText({ pid, devices }: Extract<RunEvent, { event: 'pair_split' }>): string {
  const each = devices.map(({ sn, status, version_after }) => {
    const version = version_after === null ? '' : ` at ${safeText(version_after, 64)}`;
    return `${sn === pid ? 'dock' : 'aircraft'} ${safeText(sn, 64)} ${status}${version}`;
  });
  return `gateway ${safeText(pid, 64)}: ${each.join(', ')}; bring both to one release before the next flight, the aircraft may refuse to take off (code 316034)`;
}
