import type { RunCore } from './core/core-state.js';
import { hasFailed } from './counting.js';
import type { DeviceOutcome } from './events.js';

/** What decides the exit code of a run, apart from its devices. */
export interface RunEnd {
  /** 130 for SIGINT, 143 for SIGTERM; null = not interrupted. */
  interrupted: 130 | 143 | null;
  /** Stopped by `--max-failures`, by a wave that did not end well, or by `runs stop`. */
  stopped: boolean;
  /** The broker was lost for good, or refused a message. */
  brokerLost: boolean;
  /** How many devices are `not_started` because they were not ready. */
  unready: number;
  /** Gateways whose pair ended split without `--allow split-pair`. */
  split: number;
}

/** How the run in `core` ended, as far as the core can tell. */
export function endOf(core: RunCore, brokerLost: boolean, interrupted: RunEnd['interrupted'] = null): RunEnd {
  const { rollout, tracker, split, options } = core;
  return {
    interrupted,
    stopped: rollout.stopped !== null,
    brokerLost,
    unready: tracker.unready,
    split: options.allowSplitPair ? 0 : split.size,
  };
}

/** The exit code of a run that reached its devices (CONTRACT "Exit codes": 130/143, then 6, 4, 1, 5, 7, 0). */
export function exitCodeOf(devices: readonly DeviceOutcome[], end: RunEnd): number {
  if (end.interrupted !== null) return end.interrupted;
  if (end.stopped) return 6;
  if (end.brokerLost) return 4;
  if (devices.some(hasFailed) || end.split > 0) return 1;
  const open = devices.filter(({ status }) => status === 'unknown' || status === 'not_started').length;
  if (open > end.unready) return 5;
  return open > 0 ? 7 : 0;
}

// Codes about the outcome of a whole run, the most severe first; then the codes of runs that published nothing.
const PRECEDENCE = [130, 143, 6, 4, 1, 5, 70, 3, 2, 7];

/** The exit code for several runs: the most severe of theirs. */
export function joinedExitCode(codes: readonly number[]): number {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? Math.max(0, ...codes);
}
