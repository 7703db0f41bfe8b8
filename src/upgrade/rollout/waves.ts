/** When a wave is over, and what stops a run: too many failures, or a wave that did not end well. */
import type { Rollout } from './state.js';

/** How many waves there are. */
export function waveCount(rollout: Rollout): number {
  return Math.max(1, rollout.options.waves.length);
}

/** After an end of any kind: whether the failures are too many, and whether the wave is over. */
export function settleWave(rollout: Rollout, now: number): void {
  checkFailures(rollout, minimumSample(rollout.size));
  endWave(rollout, now);
}

export function waveEnd(rollout: Rollout): number {
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
    if (badDevices >= limit.devices) rollout.stopped = `${badDevices} devices failed or are unknown`;
  } else if (endedDevices >= sample && badDevices * 100 >= limit.percent * endedDevices) {
    rollout.stopped = `${badDevices} of ${endedDevices} devices failed or are unknown`;
  }
}

function endWave(rollout: Rollout, now: number): void {
  if (rollout.stopped !== null || !anythingLeft(rollout) || !isWaveOver(rollout)) return;
  if (rollout.waveBad && !rollout.options.maxFailures) {
    rollout.stopped = `wave ${rollout.wave + 1} of ${waveCount(rollout)} did not end well`;
    return;
  }
  if (rollout.waveUnready && !rollout.waveGood) {
    rollout.stopped = `no device of wave ${rollout.wave + 1} of ${waveCount(rollout)} ended ok, because its gateways did not become ready in time`;
    return;
  }
  // The wave itself is the sample here: a bad canary stops the run however small it is.
  checkFailures(rollout, 1);
  if (rollout.stopped !== null) return;
  rollout.wave++;
  rollout.waveBad = false;
  rollout.waveGood = false;
  rollout.waveUnready = false;
  rollout.waveStartsAt = now + rollout.options.wavePause;
  // Replayed, a later wave may have ended before an earlier one: nobody would come to end it again.
  endWave(rollout, now);
}

function isWaveOver(rollout: Rollout): boolean {
  const end = waveEnd(rollout);
  if (rollout.cursor < end) return false;
  if (rollout.cursor === end) return rollout.running === 0 && !isQueued(rollout);
  // A later wave had begun before this one was taken up again.
  return rollout.gateways.slice(0, end).every(({ phase }) => phase === 'ended');
}

/** Whether anything is still to be started. */
export function anythingLeft(rollout: Rollout): boolean {
  return rollout.cursor < rollout.gateways.length || isQueued(rollout);
}

function isQueued({ ready, retrying, waiting }: Rollout): boolean {
  return ready.length > 0 || retrying.length > 0 || waiting.size > 0;
}
