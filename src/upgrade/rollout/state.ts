/** What a rollout knows: each gateway's place, and the queues between them. Changed by rollout.ts alone. */
import type { RolloutOptions } from './options.js';

export interface Gateway {
  jobs: readonly (readonly number[])[];
  /** The next of `jobs` that has not been started. */
  nextJob: number;
  phase: 'pending' | 'waiting' | 'ready' | 'running' | 'retry_wait' | 'ended';
  attempt: number;
  retry: readonly number[];
  retryAt: number;
  /** Of the job that runs: devices that have ended and are counted already, and the bad ones among them. */
  counted: { ended: number; bad: number };
  /** How much longer it may wait until it is ready; milliseconds. */
  waitLeft: number;
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
  /** Gateways whose turn has come and that are not ready: they hold their wave, and no place. */
  waiting: Map<number, Wait>;
  /** From 0. */
  wave: number;
  waveBad: boolean;
  /** Something in it ended well or had nothing to do; something in it did not become ready in time. */
  waveGood: boolean;
  waveUnready: boolean;
  /** Nothing of the current wave starts before. */
  waveStartsAt: number;
  endedDevices: number;
  badDevices: number;
  /** Why nothing more is started; null while it goes on. */
  stopped: string | null;
  /** Waves of which was told that they began, and that they ended. */
  told: { started: number; finished: number };
}

/** Since when a gateway waits, and why; `told`: changes of the reason, and when more of them may be told. */
interface Wait {
  since: number;
  reason: string;
  told: number;
  mayTellAt: number;
}

export const NOTHING: readonly number[] = [];

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
function remove(list: number[], item: number): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}

export function gatewayAt(rollout: Rollout, index: number): Gateway {
  const gateway = rollout.gateways[index];
  if (!gateway) throw new Error(`no gateway ${index}`);
  return gateway;
}

/** Takes a gateway out of wherever it waits for its turn. */
export function leaveQueue(rollout: Rollout, index: number): void {
  const { phase } = gatewayAt(rollout, index);
  if (phase === 'pending') passOver(rollout, index);
  else if (phase === 'ready') remove(rollout.ready, index);
  else if (phase === 'retry_wait') remove(rollout.retrying, index);
  else if (phase === 'waiting') rollout.waiting.delete(index);
}

/** An earlier process may have been kept from publishing to a gateway and gone on to the next: its turn is still due. */
function passOver(rollout: Rollout, index: number): void {
  for (; rollout.cursor < index; rollout.cursor++) {
    const skipped = gatewayAt(rollout, rollout.cursor);
    if (skipped.phase !== 'pending') continue;
    skipped.phase = 'ready';
    rollout.ready.push(rollout.cursor);
  }
  rollout.cursor = Math.max(rollout.cursor, index + 1);
}
