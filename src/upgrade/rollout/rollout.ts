/**
 * Which gateway's turn it is: a scheduler over gateways, without I/O and without a clock of its own. One job at a time on
 * a gateway; waves, a limit of gateways at once, a limit of failures, new attempts after a growing wait.
 */
import { waitAfter } from './options.js';
import { gatewayAt, queueRetry, type Rollout, remove } from './state.js';

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
  // An earlier process may have made the attempts before this one.
  else gateway.nextJob++;
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
    gateway.retryAt = now + waitAfter(gateway.attempt, rollout.options);
    queueRetry(rollout, index);
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
    for (const job of gateway.jobs.slice(gateway.nextJob)) left.push(...job);
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
