/**
 * The state of a roll-out: the place of each gateway, and the queues between places. Only the modules of this folder change it.
 */
import type { RolloutOptions } from './options.js';

/** One gateway in a roll-out. */
export interface Gateway {
  jobs: readonly (readonly number[])[];
  /** The index in `jobs` of the next job to start. */
  nextJob: number;
  phase: 'pending' | 'waiting' | 'ready' | 'running' | 'retry_wait' | 'ended';
  attempt: number;
  retry: readonly number[];
  retryAt: number;
  /** For the running job: how many devices have ended and are counted, and how many of them ended badly. */
  counted: { ended: number; bad: number };
  /** How much longer the gateway may wait until it is ready, in milliseconds. */
  waitLeft: number;
}

/** The state of a roll-out. */
export interface Rollout {
  readonly options: RolloutOptions;
  readonly gateways: readonly Gateway[];
  /** The number of devices. */
  readonly size: number;
  /** The index of the first gateway that has not been started. */
  cursor: number;
  /** Gateways that have a job open. */
  running: number;
  /** Gateways whose next job waits for `--concurrency`. They go before gateways that have not started. */
  ready: number[];
  /** Gateways that wait for a new attempt, sorted by `retryAt`. */
  retrying: number[];
  /** Gateways whose turn has come but that are not ready. They count in their wave, but not for `--concurrency`. */
  waiting: Map<number, Wait>;
  /** The current wave, from 0. */
  wave: number;
  waveBad: boolean;
  /** A device of the wave ended well or had nothing to do; a gateway of the wave did not become ready in time. */
  waveGood: boolean;
  waveUnready: boolean;
  /** When the current wave may start its first gateway, in clock milliseconds. */
  waveStartsAt: number;
  endedDevices: number;
  badDevices: number;
  /** Why no more gateways are started; null while the run goes on. */
  stopped: string | null;
  /** How many `wave_started` and `wave_finished` events were emitted. */
  told: { started: number; finished: number };
}

/** Since when a gateway waits, and why. `told`: how many changes of the reason were emitted, and when more are allowed. */
interface Wait {
  since: number;
  reason: string;
  told: number;
  mayTellAt: number;
}

/** The empty list that gateways without a retry share. */
export const NOTHING: readonly number[] = [];

/** Creates a roll-out in which nothing has started. `jobsOfGateways`: the jobs of each gateway, as indexes into the plan. */
export function createRollout(
  jobsOfGateways: readonly (readonly (readonly number[])[])[],
  options: RolloutOptions,
): Rollout {
  return {
    options,
    gateways: jobsOfGateways.map((jobs) => ({
      jobs,
      nextJob: 0,
      phase: 'pending',
      attempt: 0,
      retry: NOTHING,
      retryAt: 0,
      counted: { ended: 0, bad: 0 },
      waitLeft: options.waitReady ?? 0,
    })),
    size: jobsOfGateways.reduce((sum, jobs) => sum + jobs.reduce((n, job) => n + job.length, 0), 0),
    cursor: 0,
    running: 0,
    ready: [],
    retrying: [],
    waiting: new Map(),
    wave: 0,
    waveBad: false,
    waveGood: false,
    waveUnready: false,
    waveStartsAt: Number.NEGATIVE_INFINITY,
    endedDevices: 0,
    badDevices: 0,
    stopped: null,
    told: { started: 0, finished: 0 },
  };
}

/** Queues a gateway for its new attempt, after those that are due at the same time or earlier. */
export function queueRetry(rollout: Rollout, index: number): void {
  const list = rollout.retrying;
  const at = gatewayAt(rollout, index).retryAt;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (gatewayAt(rollout, list[middle] as number).retryAt <= at) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, index);
}

/** Removes `item` from a queue. */
function remove(list: number[], item: number): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}

/** The gateway at `index`. @throws Error if there is none, which is a bug. */
export function gatewayAt(rollout: Rollout, index: number): Gateway {
  const gateway = rollout.gateways[index];
  if (!gateway) throw new Error(`no gateway ${index}`);
  return gateway;
}

/** Removes a gateway from the queue that it is in. */
export function leaveQueue(rollout: Rollout, index: number): void {
  const { phase } = gatewayAt(rollout, index);
  if (phase === 'pending') passOver(rollout, index);
  else if (phase === 'ready') remove(rollout.ready, index);
  else if (phase === 'retry_wait') remove(rollout.retrying, index);
  else if (phase === 'waiting') rollout.waiting.delete(index);
}

/**
 * An earlier process may have started a gateway out of order, after it failed to publish to one before. That one is still due.
 */
function passOver(rollout: Rollout, index: number): void {
  for (; rollout.cursor < index; rollout.cursor++) {
    const skipped = gatewayAt(rollout, rollout.cursor);
    if (skipped.phase !== 'pending') continue;
    skipped.phase = 'ready';
    rollout.ready.push(rollout.cursor);
  }
  rollout.cursor = Math.max(rollout.cursor, index + 1);
}
