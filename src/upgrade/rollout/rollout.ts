/**
 * Schedules gateways, without I/O and without a clock: one job at a time on each gateway, waves, `--concurrency`,
 * `--max-failures`, and new attempts after a growing wait.
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

/** How a job ended, as numbers of devices. Devices in `retry` get another attempt and are not counted yet. */
export interface JobResult {
  good: number;
  bad: number;
  unknown: number;
  retry: readonly number[];
}

/** Says which devices of a start are ready when its turn comes: all, some (if a pair may be split), or why none may start. */
type Gate = (start: Start) => readonly number[] | string;

/**
 * Claims the jobs that may start at `now`. The caller must publish each, and report its end with {@link jobEnded}. Gateways
 * that `gate` holds back wait from now on.
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

/** The next job of a gateway, whether or not it is its turn. */
export function nextOf(rollout: Rollout, index: number): Start {
  const { retry, attempt } = gatewayAt(rollout, index);
  return retry.length > 0 ? { gateway: index, devices: retry, attempt: attempt + 1 } : firstAttempt(rollout, index);
}

/** When {@link startDue} has something to do even if no job ends before; null = time alone starts nothing. */
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

/** If only part of a job starts, the rest becomes a job of its own. */
function splitJob(gateway: Gateway, started: readonly number[], { waitReady }: RolloutOptions): void {
  const job = gateway.jobs[gateway.nextJob] ?? NOTHING;
  const rest = job.filter((device) => !started.includes(device));
  // Only gateways that wait start in part. Without waiting, missing devices mean a damaged journal.
  if (waitReady == null || rest.length === 0 || rest.length === job.length) return;
  gateway.jobs = gateway.jobs.toSpliced(gateway.nextJob, 1, started, rest);
}

/** The devices of a new attempt that do not start now, and are tried again after it. */
function heldBack({ retry }: Gateway, started: readonly number[], { waitReady }: RolloutOptions): readonly number[] {
  if (waitReady == null || retry.length === 0) return NOTHING;
  const rest = retry.filter((device) => !started.includes(device));
  return rest.length < retry.length ? rest : NOTHING;
}

/** Counts the end of one device while the other device of the job on `index` goes on. */
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
 * Counts the end of the job on `index`.
 * @returns devices that will not get their turn: the gateway may still be upgrading, or the run was stopped.
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
    // There is no new attempt, so the bad end counts.
    rollout.endedDevices += retry.length;
    rollout.badDevices += retry.length;
    if (retry.length > 0) rollout.waveBad = true;
    gateway.phase = 'ended';
    gateway.retry = NOTHING;
  } else if (retry.length > 0) {
    gateway.phase = 'retry_wait';
    // The devices that were held back have not made this attempt yet.
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

/** Called once after a stop. Returns the devices that wait for a new attempt, and those that were never started. */
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

/** Whether no job runs and none will start. */
export function isOver(rollout: Rollout): boolean {
  if (rollout.running > 0) return false;
  return rollout.stopped !== null || !anythingLeft(rollout);
}

function hasRoom(rollout: Rollout): boolean {
  return rollout.options.concurrency === null || rollout.running < rollout.options.concurrency;
}

/** The first gateway of a queue in the current wave. After a resume, gateways of later waves may be queued already. */
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
