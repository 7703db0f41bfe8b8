/**
 * Gateways whose turn has come and that are not ready (`--wait-ready`): they hold their wave and no place of `--concurrency`,
 * and start when they are ready, or not at all once their time has passed. Pure.
 */
import { gatewayAt, leaveQueue, NOTHING, queueRetry, type Rollout } from './state.js';
import { settleWave } from './waves.js';

/** Changes of a gateway's reason that are told and kept: after so many, one in so many milliseconds (SECURITY.md). */
const TOLD_AT_ONCE = 50;
const THEN_EVERY = 60_000;

/** The gateway waits from `now` on, or waits already for another `reason`. */
export function beginWait(rollout: Rollout, index: number, reason: string, now: number): void {
  const wait = rollout.waiting.get(index);
  if (wait) {
    wait.reason = reason;
    return;
  }
  leaveQueue(rollout, index);
  gatewayAt(rollout, index).phase = 'waiting';
  rollout.waiting.set(index, { since: now, reason, told: 0, mayTellAt: now });
}

/** Whether a change of the reason is told: a dock that changes its state all the time must not fill the journal. */
export function mayTellReason(rollout: Rollout, index: number, now: number): boolean {
  const wait = rollout.waiting.get(index);
  if (!wait || now < wait.mayTellAt) return false;
  wait.told++;
  if (wait.told >= TOLD_AT_ONCE) wait.mayTellAt = now + THEN_EVERY;
  return true;
}

/** It is ready, and starts as soon as there is a place. What is left of its time stays for when it is not ready again. */
export function endWait(rollout: Rollout, index: number, now: number): void {
  const wait = rollout.waiting.get(index);
  if (!wait) return;
  const gateway = gatewayAt(rollout, index);
  rollout.waiting.delete(index);
  gateway.waitLeft = Math.max(0, gateway.waitLeft - (now - wait.since));
  if (gateway.retry.length > 0) {
    gateway.phase = 'retry_wait';
    gateway.retryAt = now;
    queueRetry(rollout, index);
  } else {
    gateway.phase = 'ready';
    rollout.ready.push(index);
  }
}

/** When the time of a gateway that waits has passed; null = it does not wait. */
export function waitEnds(rollout: Rollout, index: number): number | null {
  const wait = rollout.waiting.get(index);
  return wait ? wait.since + gatewayAt(rollout, index).waitLeft : null;
}

/**
 * It did not become ready in time, which counts as neither good nor bad.
 * @returns devices whose turn will not come
 */
export function giveUpWait(rollout: Rollout, index: number, now: number): number[] {
  if (!rollout.waiting.has(index)) return [];
  const gateway = gatewayAt(rollout, index);
  const { retry } = gateway;
  const left = [...retry, ...gateway.jobs.slice(gateway.nextJob).flat()];
  leaveQueue(rollout, index);
  gateway.phase = 'ended';
  gateway.nextJob = gateway.jobs.length;
  gateway.retry = NOTHING;
  // What was to be tried again keeps its bad end.
  rollout.endedDevices += retry.length;
  rollout.badDevices += retry.length;
  if (retry.length > 0) rollout.waveBad = true;
  if (left.length > retry.length) rollout.waveUnready = true;
  settleWave(rollout, now);
  return left;
}

/** A device that is found to have nothing to do while its gateway waits. */
export function dropDevice(rollout: Rollout, index: number, device: number, now: number): void {
  const gateway = gatewayAt(rollout, index);
  gateway.jobs = gateway.jobs.map((job) => job.filter((other) => other !== device)).filter((job) => job.length > 0);
  rollout.waveGood = true;
  if (gateway.nextJob < gateway.jobs.length || gateway.retry.length > 0) return;
  leaveQueue(rollout, index);
  gateway.phase = 'ended';
  settleWave(rollout, now);
}
