/**
 * Gateways whose turn has come but that are not ready (`--wait-ready`). They count in their wave but not for `--concurrency`.
 * They start when they are ready, or not at all after their time limit. No I/O.
 */
import { gatewayAt, leaveQueue, NOTHING, queueRetry, type Rollout } from './state.js';
import { settleWave } from './waves.js';

/** How many changes of a gateway's reason are emitted and kept at once; after that, one per interval (SECURITY.md). */
const TOLD_AT_ONCE = 50;
const THEN_EVERY = 60_000;

/** The gateway waits from `now` on. If it waits already, `reason` replaces its reason. */
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

/** Whether a change of the reason is emitted: a dock that changes its state all the time must not fill the journal. */
export function mayTellReason(rollout: Rollout, index: number, now: number): boolean {
  const wait = rollout.waiting.get(index);
  if (!wait || now < wait.mayTellAt) return false;
  wait.told++;
  if (wait.told >= TOLD_AT_ONCE) wait.mayTellAt = now + THEN_EVERY;
  return true;
}

/** The gateway is ready, and starts as soon as `--concurrency` allows. It keeps the rest of its time for another wait. */
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

/** When the time limit of a waiting gateway passes; null = it does not wait. */
export function waitEnds(rollout: Rollout, index: number): number | null {
  const wait = rollout.waiting.get(index);
  return wait ? wait.since + gatewayAt(rollout, index).waitLeft : null;
}

/**
 * The gateway did not become ready in time. That counts as neither good nor bad.
 * @returns devices that will not get their turn
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
  // There is no new attempt, so the bad end counts.
  rollout.endedDevices += retry.length;
  rollout.badDevices += retry.length;
  if (retry.length > 0) rollout.waveBad = true;
  if (left.length > retry.length) rollout.waveUnready = true;
  settleWave(rollout, now);
  return left;
}

/** Removes a device that turns out to have nothing to do while its gateway waits. */
export function dropDevice(rollout: Rollout, index: number, device: number, now: number): void {
  const gateway = gatewayAt(rollout, index);
  gateway.jobs = gateway.jobs.map((job) => job.filter((other) => other !== device)).filter((job) => job.length > 0);
  rollout.waveGood = true;
  if (gateway.nextJob < gateway.jobs.length || gateway.retry.length > 0) return;
  leaveQueue(rollout, index);
  gateway.phase = 'ended';
  settleWave(rollout, now);
}
