/** How devices count (CONTRACT "One count everywhere"): the one rule, for every surface and the exit code. */
import type { Labels } from '../manifest/model.js';
import { type DeviceOutcome, OUTCOMES, type Outcome, type Totals } from './events.js';

/** What of a device decides how it counts. `verify`: what its run asked of the version after an `ok`. */
export type Countable = Pick<DeviceOutcome, 'status' | 'verified' | 'verify'>;

/** An outcome; or `unverified`: `ok`, but a required verification did not confirm it. */
export type Counted = keyof Totals;

/** In the order in which totals are told. */
export const COUNTED: readonly Counted[] = ['ok', 'unverified', ...OUTCOMES.filter((outcome) => outcome !== 'ok')];

const FAILED: ReadonlySet<Counted> = new Set(['unverified', 'failed', 'rejected', 'canceled', 'timeout']);

export function countedAs({ status, verified, verify }: Countable): Counted {
  return status === 'ok' && verify === 'require' && verified !== true ? 'unverified' : status;
}

/** Whether it counts as a failure: for the exit code, `--max-failures` and waves. */
export function hasFailed(device: Countable): boolean {
  return FAILED.has(countedAs(device));
}

/** Whether it ended `ok` without the confirmation that was asked for and not required; such a device counts as `ok`. */
export function isUnconfirmed({ status, verified, verify }: Countable): boolean {
  return status === 'ok' && verify === 'report' && verified !== true;
}

export function emptyTotals(): Totals {
  return Object.fromEntries([...OUTCOMES, 'unverified'].map((counted) => [counted, 0])) as Totals;
}

export function totalsOf(devices: readonly Countable[]): Totals {
  const totals = emptyTotals();
  for (const device of devices) totals[countedAs(device)]++;
  return totals;
}

/** Of a device of which no version was heard. */
export const NO_VERSIONS = { version_before: null, version_after: null, heard_at: null };

/** What is known of what a device runs, though its run never got to it; `heard_at`: milliseconds since 1970. */
export type LastHeard = { version: string; heard_at: number } | null | undefined;

/** A device whose run never got to it. */
export function notStarted(
  device: { pid: string; sn: string; labels?: Labels | undefined },
  reason: string,
  heard: LastHeard = null,
): DeviceOutcome {
  const { pid, sn, labels = {} } = device;
  const status: Outcome = 'not_started';
  return {
    pid,
    sn,
    status,
    percent: null,
    result: null,
    reason,
    verified: null,
    ...NO_VERSIONS,
    ...(heard ? { version_before: heard.version, heard_at: new Date(heard.heard_at).toISOString() } : {}),
    verify: 'off',
    labels,
  };
}
