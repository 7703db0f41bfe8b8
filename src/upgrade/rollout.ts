/**
 * Which gateway's turn it is: a scheduler over gateways, without I/O and without a clock of its own. One job at a time on
 * a gateway; waves, a limit of gateways at once, a limit of failures, new attempts after a growing wait.
 */
import { OtaError } from '../errors.js';

export interface RolloutOptions {
  /** Gateways upgrading at once; null = all. */
  concurrency: number | null;
  /** Gateways in each wave, cumulative, ascending, the last one all of them; empty = one wave. */
  waves: readonly number[];
  /** Milliseconds between the end of a wave and the start of the next. */
  wavePause: number;
  maxFailures: FailureLimit | null;
  /** Milliseconds before the second attempt; doubled for each one after it. */
  retryWait: number;
}

export type FailureLimit = { devices: number } | { percent: number };

/** A job to publish now. `devices` are indexes into the plan; `attempt` counts from 1. */
export interface Start {
  gateway: number;
  devices: readonly number[];
  attempt: number;
}

/** How a job went; counts of devices. What is to be tried again is in `retry`, and not counted yet. */
export interface JobResult {
  good: number;
  bad: number;
  unknown: number;
  retry: readonly number[];
}

interface Gateway {
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

/** The longest wait between two attempts. */
const MAX_RETRY_WAIT = 15 * 60_000;

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
      retry: [],
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

/** How many waves there are. */
export function waveCount(rollout: Rollout): number {
  return Math.max(1, rollout.options.waves.length);
}

/** Claims what may start at `now`: each must be published, and its end told with {@link jobEnded}. */
export function startDue(rollout: Rollout, now: number): Start[] {
  const starts: Start[] = [];
  while (rollout.stopped === null && hasRoom(rollout)) {
    const start = nextStart(rollout, now);
    if (!start) break;
    jobStarted(rollout, start);
    starts.push(start);
  }
  return starts;
}

/** When {@link startDue} has something to do without any job ending before; null = not by time alone. */
export function wakeAt(rollout: Rollout): number | null {
  if (rollout.stopped !== null || !hasRoom(rollout)) return null;
  const times: number[] = [];
  const retry = rollout.retrying[0];
  if (retry !== undefined) times.push(rollout.gateways[retry]?.retryAt ?? 0);
  if (rollout.cursor < waveEnd(rollout)) times.push(rollout.waveStartsAt);
  return times.length > 0 ? Math.min(...times) : null;
}

/** Records that a job was started: by {@link startDue}, or when the journal of an earlier process is replayed. */
export function jobStarted(rollout: Rollout, start: Start): void {
  const gateway = gatewayAt(rollout, start.gateway);
  if (gateway.phase === 'running') throw new Error('a gateway has one job at a time');
  if (gateway.phase === 'pending') passOver(rollout, start.gateway);
  if (gateway.phase === 'ready') remove(rollout.ready, start.gateway);
  if (gateway.phase === 'retry_wait') remove(rollout.retrying, start.gateway);
  if (start.attempt === 1) gateway.nextJob++;
  gateway.phase = 'running';
  gateway.attempt = start.attempt;
  rollout.running++;
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

/**
 * Takes the end of the job that is running on `index`.
 * @returns devices whose turn will not come: the gateway may still be upgrading, or the run was stopped.
 */
export function jobEnded(rollout: Rollout, index: number, result: JobResult, now: number): number[] {
  const gateway = gatewayAt(rollout, index);
  rollout.running--;
  rollout.endedDevices += result.good + result.bad + result.unknown;
  rollout.badDevices += result.bad + result.unknown;
  if (result.bad + result.unknown > 0) rollout.waveBad = true;
  let dropped: number[] = [];
  if (result.unknown > 0 || rollout.stopped !== null) {
    dropped = [...result.retry, ...gateway.jobs.slice(gateway.nextJob).flat()];
    // What was to be tried again keeps its bad end.
    rollout.endedDevices += result.retry.length;
    rollout.badDevices += result.retry.length;
    if (result.retry.length > 0) rollout.waveBad = true;
    gateway.phase = 'ended';
  } else if (result.retry.length > 0) {
    gateway.phase = 'retry_wait';
    gateway.retry = result.retry;
    gateway.retryAt = now + Math.min(MAX_RETRY_WAIT, rollout.options.retryWait * 2 ** (gateway.attempt - 1));
    insertRetry(rollout, index);
  } else if (gateway.nextJob < gateway.jobs.length) {
    gateway.phase = 'ready';
    rollout.ready.push(index);
  } else {
    gateway.phase = 'ended';
  }
  checkFailures(rollout, minimumSample(rollout.size));
  endWave(rollout, now);
  return dropped;
}

/** Once after a stop: devices that wait for a new attempt that will not come, and those that were never started. */
export function takeLeftOver(rollout: Rollout): number[] {
  const left: number[] = [];
  for (const gateway of rollout.gateways) {
    if (gateway.phase === 'retry_wait') left.push(...gateway.retry);
    if (gateway.phase === 'ended') continue;
    left.push(...gateway.jobs.slice(gateway.nextJob).flat());
    gateway.nextJob = gateway.jobs.length;
    if (gateway.phase !== 'running') gateway.phase = 'ended';
  }
  rollout.ready = [];
  rollout.retrying = [];
  return left;
}

/** Whether nothing runs and nothing will start. */
export function isOver(rollout: Rollout): boolean {
  if (rollout.running > 0) return false;
  if (rollout.stopped !== null) return true;
  return rollout.cursor === rollout.gateways.length && rollout.ready.length === 0 && rollout.retrying.length === 0;
}

function hasRoom(rollout: Rollout): boolean {
  return rollout.options.concurrency === null || rollout.running < rollout.options.concurrency;
}

function nextStart(rollout: Rollout, now: number): Start | null {
  const retry = rollout.retrying[0];
  if (retry !== undefined) {
    const gateway = gatewayAt(rollout, retry);
    if (gateway.retryAt <= now) return { gateway: retry, devices: gateway.retry, attempt: gateway.attempt + 1 };
  }
  const ready = rollout.ready[0];
  if (ready !== undefined) return firstAttempt(rollout, ready);
  if (rollout.cursor < waveEnd(rollout) && rollout.waveStartsAt <= now) return firstAttempt(rollout, rollout.cursor);
  return null;
}

function firstAttempt(rollout: Rollout, index: number): Start {
  const gateway = gatewayAt(rollout, index);
  return { gateway: index, devices: gateway.jobs[gateway.nextJob] ?? [], attempt: 1 };
}

function waveEnd(rollout: Rollout): number {
  // Gateways with nothing to do are counted in the waves, and not queued.
  const all = rollout.gateways.length;
  return Math.min(rollout.options.waves[rollout.wave] ?? all, all);
}

/** A share counts only once this many devices have ended: one bad device of two is no trend in a fleet of a thousand. */
function minimumSample(size: number): number {
  return Math.min(10, Math.ceil(size / 4));
}

function checkFailures(rollout: Rollout, sample: number): void {
  const limit = rollout.options.maxFailures;
  if (!limit || rollout.stopped !== null || rollout.badDevices === 0 || !anythingLeft(rollout)) return;
  const { badDevices, endedDevices } = rollout;
  if ('devices' in limit) {
    if (badDevices >= limit.devices) rollout.stopped = `${badDevices} devices ended badly or unknown`;
  } else if (endedDevices >= sample && badDevices * 100 >= limit.percent * endedDevices) {
    rollout.stopped = `${badDevices} of ${endedDevices} devices ended badly or unknown`;
  }
}

function endWave(rollout: Rollout, now: number): void {
  const busy = rollout.running > 0 || rollout.ready.length > 0 || rollout.retrying.length > 0;
  if (busy || rollout.stopped !== null) return;
  if (rollout.cursor < waveEnd(rollout) || rollout.cursor >= rollout.gateways.length) return;
  if (rollout.waveBad && !rollout.options.maxFailures) {
    rollout.stopped = `wave ${rollout.wave + 1} of ${waveCount(rollout)} did not end well`;
    return;
  }
  // The wave itself is the sample here: a bad canary stops the run however small it is.
  checkFailures(rollout, 1);
  if (rollout.stopped !== null) return;
  rollout.wave++;
  rollout.waveBad = false;
  rollout.waveStartsAt = now + rollout.options.wavePause;
}

function anythingLeft(rollout: Rollout): boolean {
  return rollout.cursor < rollout.gateways.length || rollout.ready.length > 0 || rollout.retrying.length > 0;
}

function insertRetry(rollout: Rollout, index: number): void {
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

function remove(list: number[], item: number): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}

function gatewayAt(rollout: Rollout, index: number): Gateway {
  const gateway = rollout.gateways[index];
  if (!gateway) throw new Error(`no gateway ${index}`);
  return gateway;
}

/**
 * `1,10%,100%` as cumulative numbers of gateways.
 * @throws OtaError `usage` where the list does not ascend, or does not reach every gateway.
 */
export function parseWaves(list: string, gateways: number): number[] {
  const waves = list.split(',').map((part) => {
    const match = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(part);
    const value = Number(match?.[1]);
    if (!match || value <= 0 || (match[2] === '' && !Number.isInteger(value)) || (match[2] && value > 100)) {
      throw new OtaError(
        'usage',
        `--waves: ${JSON.stringify(part.trim())} is neither a number of gateways nor a percentage`,
        {
          hint: 'Write it like 1,10%,100%: gateways in all after each wave.',
        },
      );
    }
    return match[2] ? Math.max(1, Math.ceil((gateways * value) / 100)) : Math.min(value, gateways);
  });
  waves.forEach((wave, index) => {
    if (wave < (waves[index - 1] ?? 0)) {
      throw new OtaError('usage', `--waves: ${list} does not ascend`, {
        hint: 'Each number counts all gateways up to that wave.',
      });
    }
  });
  if ((waves.at(-1) ?? 0) < gateways) {
    throw new OtaError('usage', `--waves: ${list} ends after ${waves.at(-1)} of ${gateways} gateways`, {
      hint: 'End the list with 100%, or choose fewer devices with --only.',
    });
  }
  return waves.filter((wave, index) => wave !== waves[index - 1]);
}

/** `3` or `5%`. @throws OtaError `usage` */
export function parseFailureLimit(value: string): FailureLimit {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(value.trim());
  const number = Number(match?.[1]);
  const valid = match && number > 0 && (match[2] ? number <= 100 : Number.isInteger(number));
  if (!valid) {
    throw new OtaError(
      'usage',
      `--max-failures: ${JSON.stringify(value)} is neither a number of devices from 1 nor a percentage`,
      {
        hint: 'Write it like 3 or 5%.',
      },
    );
  }
  return match[2] ? { percent: number } : { devices: number };
}
