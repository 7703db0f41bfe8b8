/** How a run ends: shared by push, watch and resume. */
import type { Clock } from '../clock.js';
import { OtaError } from '../errors.js';
import type { Labels } from '../manifest/model.js';
import { safeText, showDuration } from '../text.js';
import { type LastHeard, notStarted, totalsOf } from './counting.js';
import type { DeviceOutcome, Emit, Totals } from './events.js';

/** The result of a run, as `push`, `watch` and `resume` return it. */
export interface RunResult {
  exit_code: number;
  totals: Totals;
  devices: DeviceOutcome[];
  /** Why the run ended before its devices did; null = it did not. */
  error: OtaError | null;
}

/** Emits the error of a run, if it has one, and then `run_finished`. */
export function finishRun(result: RunResult, emit: Emit): RunResult {
  const { exit_code, totals, devices } = result;
  const error = result.error && withTrueHint(result.error, devices);
  if (error) {
    const { code, message, hint, details } = error;
    emit({ event: 'error', code, message, exit_code, hint: hint ?? null, details: [...details] });
  }
  emit({ event: 'run_finished', exit_code, totals, devices });
  return { ...result, error };
}

/** The abort reason of a run that took longer than `ms` milliseconds (`--timeout`). */
export function timeLimit(ms: number): OtaError {
  const shown = ms < 1000 ? `${Math.round(ms)}ms` : showDuration(ms);
  return new OtaError('time_limit', `the time limit of ${shown} for the whole run passed`);
}

/** Runs `work` with a signal that is aborted by `signal`, or after `timeout` milliseconds (null = no limit). */
export async function withTimeLimit<T>(
  { signal, timeout, clock }: { signal: AbortSignal; timeout?: number | null; clock: Clock },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeout === null || timeout === undefined) return work(signal);
  const limit = new AbortController();
  const cancel = clock.after(timeout, () => limit.abort(timeLimit(timeout)));
  try {
    return await work(AbortSignal.any([signal, limit.signal]));
  } finally {
    cancel();
  }
}

/** The cause to record for a run whose signal was aborted. */
export function cutBy({ reason }: AbortSignal): 'timeout' | 'interrupted' {
  return reason instanceof OtaError && reason.code === 'time_limit' ? 'timeout' : 'interrupted';
}

/** If the run was interrupted before the first publish, no upgrade continues in the docks, and the hint must not say so. */
function withTrueHint(error: OtaError, devices: readonly DeviceOutcome[]): OtaError {
  const started =
    devices.length === 0 || devices.some(({ status }) => status !== 'not_started' && status !== 'skipped');
  if ((error.code !== 'interrupted' && error.code !== 'time_limit') || started) return error;
  return new OtaError(error.code, error.message, { hint: NOTHING_PUBLISHED, cause: error.cause ?? error });
}

const NOTHING_PUBLISHED = 'Nothing was published.';

/** The result of a run that did not reach its devices: none was started. */
function unstarted(
  devices: readonly { pid: string; sn: string; labels?: Labels }[],
  error: OtaError,
  heardOf: (sn: string) => LastHeard,
  exitCode = error.exitCode,
): RunResult {
  const outcomes = devices.map((device) => notStarted(device, error.message, heardOf(device.sn)));
  return { exit_code: exitCode, totals: totalsOf(outcomes), devices: outcomes, error };
}

/** The exit code for an abort: 143 for SIGTERM, otherwise 130. */
export function interruptCode(signal: AbortSignal): 130 | 143 {
  return signal.reason === 143 ? 143 : 130;
}

/** The error of an aborted run, with the signal's own reason. `published`: whether a request may have reached a dock. */
export function interruption(signal: AbortSignal, published = true): OtaError {
  const { reason } = signal;
  if (reason instanceof OtaError) return reason;
  return new OtaError('interrupted', `interrupted (${reasonText(reason)})`, {
    hint: published ? 'The docks continue upgrades that were published.' : NOTHING_PUBLISHED,
    ...(typeof reason === 'number' ? {} : { cause: reason }),
  });
}

/** The program aborts with an exit code as the reason; a caller of the library may abort with any value. */
function reasonText(reason: unknown): string {
  if (reason === 130 || reason === 143) return reason === 143 ? 'SIGTERM' : 'SIGINT';
  return safeText(reason instanceof Error ? reason.message : String(reason), 200);
}

/**
 * The result of a run that threw. After an abort the error is an interruption, whatever was thrown. `published` as above.
 * @param heardOf the last known version of each device
 */
export function failedRun(
  devices: readonly { pid: string; sn: string; labels?: Labels }[],
  error: OtaError,
  signal: AbortSignal,
  published: boolean,
  heardOf: (sn: string) => LastHeard = () => null,
): RunResult {
  if (!signal.aborted) return unstarted(devices, error, heardOf);
  const cause = interruption(signal, published);
  return unstarted(devices, cause, heardOf, cause.code === 'time_limit' ? cause.exitCode : interruptCode(signal));
}
