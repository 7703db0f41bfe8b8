/**
 * Which gateway's turn it is: a scheduler over gateways, without I/O and without a clock of its own. One job at a time on
 * a gateway; waves, a limit of gateways at once, a limit of failures, new attempts after a growing wait.
 */
import { type RolloutOptions, waitAfter } from './options.js';
import { type Gateway, gatewayAt, leaveQueue, NOTHING, queueRetry, type Rollout } from './state.js';
import { beginWait } from './waiting.js';
import { anythingLeft, settleWave, waveEnd } from './waves.js';

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

/**
 * Which devices of a start are ready, asked when its turn has come: all of them, some (where a pair may be split), or the
 * reason why none may start.
 */
type Gate = (start: Start) => readonly number[] | string;

/**
 * Claims what may start at `now`: each must be published, and its end told with {@link jobEnded}. What `gate` holds back waits
 * from now on.
 */
export function startDue(rollout: Rollout, now: number, gate: Gate = ({ devices }) => devices): Start[] {
  const starts: Start[] = [];
  while (rollout.stopped === null && hasRoom(rollout)) {
    const start = nextStart(rollout, now);
    if (!start) break;
    const devices = gate(start);
    if (typeof devices === 'string') {
      beginWait(rollout, start.gateway, devices, now);
      continue;
    }
    const claimed = { ...start, devices };
    jobStarted(rollout, claimed);
    starts.push(claimed);
  }
  return starts;
}

/** What a gateway is to start next, whether or not it is its turn. */
export function nextOf(rollout: Rollout, index: number): Start {
  const { retry, attempt } = gatewayAt(rollout, index);
  return retry.length > 0 ? { gateway: index, devices: retry, attempt: attempt + 1 } : firstAttempt(rollout, index);
}

/** When {@link startDue} has something to do without any job ending before; null = not by time alone. */
export function wakeAt(rollout: Rollout): number | null {
  if (rollout.stopped !== null || !hasRoom(rollout)) return null;
  const times: number[] = [];
  const retry = firstInWave(rollout, rollout.retrying);
  if (retry !== undefined) times.push(Math.max(gatewayAt(rollout, retry).retryAt, rollout.waveStartsAt));
  if (rollout.cursor < waveEnd(rollout) || firstInWave(rollout, rollout.ready) !== undefined)
    times.push(rollout.waveStartsAt);
  return times.length > 0 ? Math.min(...times) : null;
}

/** Records that a job was started: by {@link startDue}, or when the journal of an earlier process is replayed. */
export function jobStarted(rollout: Rollout, start: Start): void {
  const gateway = gatewayAt(rollout, start.gateway);
  if (gateway.phase === 'running') throw new Error('a gateway has one job at a time');
  leaveQueue(rollout, start.gateway);
  // An earlier process may have made the attempts before this one.
  if (gateway.retry.length === 0) {
    splitJob(gateway, start.devices, rollout.options);
    gateway.nextJob++;
  }
  gateway.phase = 'running';
  gateway.attempt = start.attempt;
  gateway.retry = heldBack(gateway, start.devices, rollout.options);
  gateway.waitLeft = rollout.options.waitReady ?? 0;
  rollout.running++;
}

/** Where a part of a job starts without the other one, that becomes a job of its own. */
function splitJob(gateway: Gateway, started: readonly number[], { waitReady }: RolloutOptions): void {
  const job = gateway.jobs[gateway.nextJob] ?? NOTHING;
  const rest = job.filter((device) => !started.includes(device));
  // Without waiting nothing starts in part, and what a damaged journal leaves of a start is all there was of it.
  if (waitReady == null || rest.length === 0 || rest.length === job.length) return;
  gateway.jobs = gateway.jobs.toSpliced(gateway.nextJob, 1, started, rest);
}

/** Of a new attempt that starts in part, those that are tried again after it. */
function heldBack({ retry }: Gateway, started: readonly number[], { waitReady }: RolloutOptions): readonly number[] {
  if (waitReady == null || retry.length === 0) return NOTHING;
  const rest = retry.filter((device) => !started.includes(device));
  return rest.length < retry.length ? rest : NOTHING;
}

/** Takes the end of one device of the job that is running on `index` and goes on with another one. */
export function deviceEnded(rollout: Rollout, index: number, isBad: boolean, now: number): void {
  const { counted } = gatewayAt(rollout, index);
  counted.ended++;
  rollout.endedDevices++;
  if (isBad) {
    counted.bad++;
    rollout.badDevices++;
  }
  settleWave(rollout, now);
}

/**
 * Takes the end of the job that is running on `index`.
 * @returns devices whose turn will not come: the gateway may still be upgrading, or the run was stopped.
 */
export function jobEnded(rollout: Rollout, index: number, result: JobResult, now: number): number[] {
  const gateway = gatewayAt(rollout, index);
  rollout.running--;
  const { counted } = gateway;
  rollout.endedDevices += result.good + result.bad + result.unknown - counted.ended;
  rollout.badDevices += result.bad + result.unknown - counted.bad;
  gateway.counted = { ended: 0, bad: 0 };
  if (result.bad + result.unknown > 0) rollout.waveBad = true;
  if (result.good > 0) rollout.waveGood = true;
  const retry = gateway.retry.length > 0 ? [...gateway.retry, ...result.retry] : result.retry;
  let dropped: number[] = [];
  if (result.unknown > 0 || rollout.stopped !== null) {
    dropped = [...retry, ...gateway.jobs.slice(gateway.nextJob).flat()];
    // What was to be tried again keeps its bad end.
    rollout.endedDevices += retry.length;
    rollout.badDevices += retry.length;
    if (retry.length > 0) rollout.waveBad = true;
    gateway.phase = 'ended';
    gateway.retry = NOTHING;
  } else if (retry.length > 0) {
    gateway.phase = 'retry_wait';
    // Those that were held back have this attempt still before them.
    if (result.retry.length === 0) gateway.attempt--;
    gateway.retry = retry;
    gateway.retryAt = now + waitAfter(gateway.attempt, rollout.options);
    queueRetry(rollout, index);
  } else if (gateway.nextJob < gateway.jobs.length) {
    gateway.phase = 'ready';
    rollout.ready.push(index);
  } else {
    gateway.phase = 'ended';
  }
  settleWave(rollout, now);
  return dropped;
}

/** Once after a stop: devices that wait for a new attempt that will not come, and those that were never started. */
export function takeLeftOver(rollout: Rollout): number[] {
  const left: number[] = [];
  for (const gateway of rollout.gateways) {
    left.push(...gateway.retry);
    gateway.retry = NOTHING;
    if (gateway.phase === 'ended') continue;
    for (const job of gateway.jobs.slice(gateway.nextJob)) left.push(...job);
    gateway.nextJob = gateway.jobs.length;
    if (gateway.phase !== 'running') gateway.phase = 'ended';
  }
  rollout.ready = [];
  rollout.retrying = [];
  rollout.waiting.clear();
  return left;
}

/** Whether nothing runs and nothing will start. */
export function isOver(rollout: Rollout): boolean {
  if (rollout.running > 0) return false;
  return rollout.stopped !== null || !anythingLeft(rollout);
}

function hasRoom(rollout: Rollout): boolean {
  return rollout.options.concurrency === null || rollout.running < rollout.options.concurrency;
}

/** Of gateways in a queue; where an earlier wave was taken up again, those of later waves wait for its end. */
function firstInWave(rollout: Rollout, queue: readonly number[]): number | undefined {
  const end = waveEnd(rollout);
  return queue.find((index) => index < end);
}

function nextStart(rollout: Rollout, now: number): Start | null {
  if (rollout.waveStartsAt > now) return null;
  const retry = firstInWave(rollout, rollout.retrying);
  if (retry !== undefined) {
    const gateway = gatewayAt(rollout, retry);
    if (gateway.retryAt <= now) return { gateway: retry, devices: gateway.retry, attempt: gateway.attempt + 1 };
  }
  const ready = firstInWave(rollout, rollout.ready);
  if (ready !== undefined) return firstAttempt(rollout, ready);
  return rollout.cursor < waveEnd(rollout) ? firstAttempt(rollout, rollout.cursor) : null;
}

function firstAttempt(rollout: Rollout, index: number): Start {
  const gateway = gatewayAt(rollout, index);
  return { gateway: index, devices: gateway.jobs[gateway.nextJob] ?? [], attempt: 1 };
}
