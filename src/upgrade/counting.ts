/** How devices are counted (CONTRACT "One count everywhere"): the one rule for every surface and for the exit code. */
import type { Labels } from '../manifest/model.js';
import { type DeviceOutcome, OUTCOMES, type Outcome, type Totals } from './events.js';

/** The properties of a device that decide how it counts. `verify` is the run's `--verify` setting. */
export type Countable = Pick<DeviceOutcome, 'status' | 'verified' | 'verify'>;

/** An outcome, or `unverified`: the device ended `ok`, but a required verification did not confirm it. */
export type Counted = keyof Totals;

/** The order in which totals are shown. */
export const COUNTED: readonly Counted[] = ['ok', 'unverified', ...OUTCOMES.filter((outcome) => outcome !== 'ok')];

const FAILED: ReadonlySet<Counted> = new Set(['unverified', 'failed', 'rejected', 'canceled', 'timeout']);

/** The key of {@link Totals} under which a device counts. */
export function countedAs({ status, verified, verify }: Countable): Counted {
  return status === 'ok' && verify === 'require' && verified !== true ? 'unverified' : status;
}

/** Whether a device counts as a failure, for the exit code, `--max-failures` and waves. */
export function hasFailed(device: Countable): boolean {
  return FAILED.has(countedAs(device));
}

/** Whether a device ended `ok` without a confirmation that was requested but not required. It counts as `ok`. */
export function isUnconfirmed({ status, verified, verify }: Countable): boolean {
  return status === 'ok' && verify === 'report' && verified !== true;
}

/** Totals with every count at 0. */
export function emptyTotals(): Totals {
  return Object.fromEntries([...OUTCOMES, 'unverified'].map((counted) => [counted, 0])) as Totals;
}

/** The totals of `devices`. They add up to the number of devices. */
export function totalsOf(devices: readonly Countable[]): Totals {
  const totals = emptyTotals();
  for (const device of devices) totals[countedAs(device)]++;
  return totals;
}

/** The version keys of a device whose version is not known. */
export const NO_VERSIONS = { version_before: null, version_after: null, heard_at: null };

/** The last known version of a device whose run did not reach it. `heard_at`: milliseconds since 1970. */
export type LastHeard = { version: string; heard_at: number } | null | undefined;

/** The outcome of a device whose run did not reach it. */
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
