/** When a wave is over, and what stops a run: too many failures, or a wave that did not end well. */
import type { Rollout } from './state.js';

/** The number of waves. */
export function waveCount(rollout: Rollout): number {
  return Math.max(1, rollout.options.waves.length);
}

/** Called after every end: checks whether there are too many failures, and whether the wave is over. */
export function settleWave(rollout: Rollout, now: number): void {
  checkFailures(rollout, minimumSample(rollout.size));
  endWave(rollout, now);
}

/** The number of gateways up to the end of the current wave. */
export function waveEnd(rollout: Rollout): number {
  // Gateways with nothing to do count in the waves, but are not in the roll-out.
  const all = rollout.gateways.length;
  return Math.min(rollout.options.waves[rollout.wave] ?? all, all);
}

/** How many devices must have ended before a percentage counts: one failure among two devices says little about a thousand. */
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
  // The wave itself is the sample: a failed canary stops the run, however small it is.
  checkFailures(rollout, 1);
  if (rollout.stopped !== null) return;
  rollout.wave++;
  rollout.waveBad = false;
  rollout.waveGood = false;
  rollout.waveUnready = false;
  rollout.waveStartsAt = now + rollout.options.wavePause;
  // In a replay, a later wave may have ended before an earlier one. No other event would end it.
  endWave(rollout, now);
}

function isWaveOver(rollout: Rollout): boolean {
  const end = waveEnd(rollout);
  if (rollout.cursor < end) return false;
  if (rollout.cursor === end) return rollout.running === 0 && !isQueued(rollout);
  // A later wave had begun before this one was resumed.
  return rollout.gateways.slice(0, end).every(({ phase }) => phase === 'ended');
}

/** Whether a gateway still has to be started. */
export function anythingLeft(rollout: Rollout): boolean {
  return rollout.cursor < rollout.gateways.length || isQueued(rollout);
}

function isQueued({ ready, retrying, waiting }: Rollout): boolean {
  return ready.length > 0 || retrying.length > 0 || waiting.size > 0;
}
