import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RolloutOptions } from '../../../src/upgrade/rollout/options.js';
import {
  isOver,
  type JobResult,
  jobEnded,
  startDue,
  takeLeftOver,
  wakeAt,
} from '../../../src/upgrade/rollout/rollout.js';
import { createRollout } from '../../../src/upgrade/rollout/state.js';

/** Gateways, as the numbers of devices of their jobs. */
const shape = fc.array(fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 12,
});
const options = fc.record({
  concurrency: fc.option(fc.integer({ min: 1, max: 4 })),
  waves: fc.uniqueArray(fc.integer({ min: 1, max: 15 }), { maxLength: 4 }),
  wavePause: fc.constantFrom(0, 50),
  maxFailures: fc.oneof(
    fc.constant(null),
    fc.integer({ min: 1, max: 6 }).map((devices) => ({ devices })),
    fc.integer({ min: 1, max: 100 }).map((percent) => ({ percent })),
  ),
  retryWait: fc.constantFrom(0, 10, 100),
});
const fate = fc.constantFrom('good', 'good', 'good', 'bad', 'unknown', 'retry');
/** What happens next: a running job ends (which one, and how its devices end), or time passes. */
const step = fc.record({ which: fc.nat(), fates: fc.tuple(fate, fate), wait: fc.constantFrom(0, 5, 60) });

interface Running {
  gateway: number;
  devices: readonly number[];
}

/** Runs one schedule to its end, and checks it at every step against the rules, from outside. */
function run(sizes: number[][], asked: RolloutOptions, steps: { which: number; fates: string[]; wait: number }[]) {
  let next = 0;
  const jobs = sizes.map((gateway) => gateway.map((size) => Array.from({ length: size }, () => next++)));
  const waves = [...asked.waves].sort((a, b) => a - b);
  // The last wave contains every gateway.
  if (waves.length > 0 && (waves.at(-1) ?? 0) < jobs.length) waves.push(jobs.length);
  const rollout = createRollout(jobs, { ...asked, waves });
  const running: Running[] = [];
  const ends = new Map<number, string>();
  const opened = new Set<number>();
  let now = 0;
  const endedAt = new Map<number, number>();
  const end = (device: number, how: string) => {
    expect(ends.has(device)).toBe(false);
    ends.set(device, how);
  };
  const waveOf = (gateway: number) => waves.findIndex((wave) => gateway < wave);
  const open = (gateway: number) => (jobs[gateway] ?? []).flat().some((device) => !ends.has(device));

  const start = () => {
    const starts = startDue(rollout, now);
    if (rollout.stopped !== null) expect(starts).toEqual([]);
    for (const { gateway, devices } of starts) {
      expect(running.some((other) => other.gateway === gateway)).toBe(false);
      expect(devices.length).toBeGreaterThan(0);
      for (const device of devices) expect(ends.has(device)).toBe(false);
      if (waves.length > 0 && !opened.has(gateway)) {
        const earlier = jobs.map((_, index) => index).filter((index) => waveOf(index) < waveOf(gateway));
        for (const index of earlier) {
          expect(open(index)).toBe(false);
          expect(now).toBeGreaterThanOrEqual((endedAt.get(index) ?? 0) + asked.wavePause);
        }
      }
      opened.add(gateway);
      running.push({ gateway, devices });
    }
    if (asked.concurrency !== null) expect(running.length).toBeLessThanOrEqual(asked.concurrency);
    expect(rollout.running).toBe(running.length);
  };

  const finish = ({ which, fates }: { which: number; fates: string[] }) => {
    const [job] = running.splice(which % running.length, 1);
    if (!job) throw new Error('nothing runs');
    const result = { good: 0, bad: 0, unknown: 0, retry: [] as number[] };
    for (const [place, device] of job.devices.entries()) {
      const how = fates[place] as 'good' | 'bad' | 'unknown' | 'retry';
      if (how === 'retry') result.retry.push(device);
      else {
        result[how]++;
        end(device, how);
      }
    }
    const before = rollout.stopped;
    for (const device of jobEnded(rollout, job.gateway, result satisfies JobResult, now)) end(device, 'dropped');
    if (before === null && rollout.stopped !== null)
      for (const device of takeLeftOver(rollout)) end(device, 'left over');
    endedAt.set(job.gateway, now);
  };

  start();
  for (const each of steps) {
    now += each.wait;
    if (running.length > 0) finish(each);
    start();
  }
  // From here on everything ends well, and time passes if nothing runs.
  for (let round = 0; !isOver(rollout); round++) {
    expect(round).toBeLessThan(1000);
    if (running.length > 0) finish({ which: 0, fates: ['good', 'good'] });
    else {
      const wake = wakeAt(rollout);
      expect(wake).not.toBeNull();
      now = Math.max(now, wake ?? 0);
    }
    start();
  }
  expect(running).toEqual([]);
  expect([...ends.keys()].sort((a, b) => a - b)).toEqual(jobs.flat(2));
  return { rollout, ends };
}

test('any schedule: one job a gateway, the limits, no start after a stop, waves in order, every device ends once', () => {
  fc.assert(
    fc.property(shape, options, fc.array(step, { maxLength: 60 }), (sizes, asked, steps) => {
      run(sizes, asked, steps);
    }),
    { numRuns: 400 },
  );
});

test('any schedule without failures starts everything and is never stopped', () => {
  fc.assert(
    fc.property(shape, options, fc.array(fc.nat(), { maxLength: 40 }), (sizes, asked, order) => {
      const steps = order.map((which) => ({ which, fates: ['good', 'good'], wait: 5 }));
      const { rollout, ends } = run(sizes, asked, steps);
      expect(rollout.stopped).toBeNull();
      expect(new Set(ends.values())).toEqual(new Set(['good']));
    }),
  );
});

test('any failures without limits and waves: nothing is left over', () => {
  fc.assert(
    fc.property(shape, fc.array(step, { maxLength: 60 }), (sizes, steps) => {
      const asked = { concurrency: null, waves: [], wavePause: 0, maxFailures: null, retryWait: 10 };
      const { rollout, ends } = run(sizes, asked, steps);
      expect(rollout.stopped).toBeNull();
      expect([...ends.values()]).not.toContain('left over');
    }),
  );
});
