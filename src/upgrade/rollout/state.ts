/** What a rollout knows: each gateway's place, and the queues between them. Changed by rollout.ts alone. */
import type { RolloutOptions } from './options.js';

export interface Gateway {
  readonly jobs: readonly (readonly number[])[];
  /** The next of `jobs` that has not been started. */
  nextJob: number;
  phase: 'pending' | 'ready' | 'running' | 'retry_wait' | 'ended';
  attempt: number;
  retry: readonly number[];
  retryAt: number;
}

export interface Rollout {
  readonly options: RolloutOptions;
  readonly gateways: readonly Gateway[];
  /** Devices in all. */
  readonly size: number;
  /** Gateways before this place have been started. */
  cursor: number;
  /** Gateways that have a job open. */
  running: number;
  /** Gateways whose next job waits for a place: they go before new ones. */
  ready: number[];
  /** Gateways that wait for a new attempt, by `retryAt`. */
  retrying: number[];
  /** From 0. */
  wave: number;
  waveBad: boolean;
  /** Nothing of the current wave starts before. */
  waveStartsAt: number;
  endedDevices: number;
  badDevices: number;
  /** Why nothing more is started; null while it goes on. */
  stopped: string | null;
}

const NOTHING: readonly number[] = [];

/** Nothing started yet. `jobsOfGateways` holds for each gateway its jobs, each of indexes into the plan. */
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
    })),
    size: jobsOfGateways.reduce((sum, jobs) => sum + jobs.reduce((n, job) => n + job.length, 0), 0),
    cursor: 0,
    running: 0,
    ready: [],
    retrying: [],
    wave: 0,
    waveBad: false,
    waveStartsAt: Number.NEGATIVE_INFINITY,
    endedDevices: 0,
    badDevices: 0,
    stopped: null,
  };
}

/** Puts a gateway among those that wait for a new attempt, after all that are due no later. */
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

/** Takes `item` out of one of the queues. */
export function remove(list: number[], item: number): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}

export function gatewayAt(rollout: Rollout, index: number): Gateway {
  const gateway = rollout.gateways[index];
  if (!gateway) throw new Error(`no gateway ${index}`);
  return gateway;
}
