import { describe, expect, test } from 'vitest';
import type { RolloutOptions } from '../../../src/upgrade/rollout/options.js';
import {
  isOver,
  type JobResult,
  jobEnded,
  jobStarted,
  startDue,
  takeLeftOver,
  wakeAt,
} from '../../../src/upgrade/rollout/rollout.js';
import { createRollout, type Rollout } from '../../../src/upgrade/rollout/state.js';
import { waveCount } from '../../../src/upgrade/rollout/waves.js';

const GOOD: JobResult = { good: 1, bad: 0, unknown: 0, retry: [] };
const BAD: JobResult = { good: 0, bad: 1, unknown: 0, retry: [] };
const UNKNOWN: JobResult = { good: 0, bad: 0, unknown: 1, retry: [] };

function rolloutOf(gateways: number, options: Partial<RolloutOptions> = {}): Rollout {
  const jobs = Array.from({ length: gateways }, (_, index) => [[index]]);
  return createRollout(jobs, {
    concurrency: null,
    waves: [],
    wavePause: 0,
    maxFailures: null,
    retryWait: 1000,
    ...options,
  });
}

function started(rollout: Rollout, now = 0): number[] {
  return startDue(rollout, now).map(({ gateway }) => gateway);
}

describe('concurrency', () => {
  test('without a limit every gateway starts at once, in order', () => {
    const rollout = rolloutOf(3);
    expect(startDue(rollout, 0)).toEqual([
      { gateway: 0, devices: [0], attempt: 1 },
      { gateway: 1, devices: [1], attempt: 1 },
      { gateway: 2, devices: [2], attempt: 1 },
    ]);
    expect(started(rollout)).toEqual([]);
  });

  test('with a limit one more starts for each that ends', () => {
    const rollout = rolloutOf(4, { concurrency: 2 });
    expect(started(rollout)).toEqual([0, 1]);
    jobEnded(rollout, 1, GOOD, 0);
    expect(started(rollout)).toEqual([2]);
    jobEnded(rollout, 0, GOOD, 0);
    jobEnded(rollout, 2, GOOD, 0);
    expect(started(rollout)).toEqual([3]);
    jobEnded(rollout, 3, GOOD, 0);
    expect(isOver(rollout)).toBe(true);
  });

  test('jobs of one gateway run one after another, before new gateways', () => {
    const rollout = createRollout([[[0, 1], [2]], [[3]]], { ...rolloutOf(0).options, concurrency: 1 });
    expect(startDue(rollout, 0)).toMatchObject([{ gateway: 0, devices: [0, 1] }]);
    jobEnded(rollout, 0, GOOD, 0);
    expect(startDue(rollout, 0)).toMatchObject([{ gateway: 0, devices: [2], attempt: 1 }]);
    jobEnded(rollout, 0, BAD, 0);
    expect(startDue(rollout, 0)).toMatchObject([{ gateway: 1, devices: [3] }]);
  });

  test('after an unknown end the gateway gets no further job: it may still be upgrading', () => {
    const rollout = createRollout([[[0], [1], [2]]], rolloutOf(0).options);
    startDue(rollout, 0);
    expect(jobEnded(rollout, 0, UNKNOWN, 0)).toEqual([1, 2]);
    expect(isOver(rollout)).toBe(true);
  });
});

describe('waves', () => {
  test('each starts when the one before has ended, after the pause', () => {
    const rollout = rolloutOf(4, { waves: [1, 3, 4], wavePause: 500 });
    expect(waveCount(rollout)).toBe(3);
    expect(started(rollout)).toEqual([0]);
    expect(wakeAt(rollout)).toBeNull();
    jobEnded(rollout, 0, GOOD, 100);
    expect(started(rollout, 599)).toEqual([]);
    expect(wakeAt(rollout)).toBe(600);
    expect(started(rollout, 600)).toEqual([1, 2]);
    jobEnded(rollout, 2, GOOD, 700);
    expect(started(rollout, 5000)).toEqual([]);
    jobEnded(rollout, 1, GOOD, 5000);
    expect(started(rollout, 5500)).toEqual([3]);
  });

  test.each([
    ['bad', BAD],
    ['unknown', UNKNOWN],
  ])('one with a %s end stops the run', (_name, result) => {
    const rollout = rolloutOf(3, { waves: [1, 3] });
    started(rollout);
    jobEnded(rollout, 0, result, 0);
    expect(rollout.stopped).toBe('wave 1 of 2 did not end well');
    expect(started(rollout)).toEqual([]);
    expect(takeLeftOver(rollout)).toEqual([1, 2]);
    expect(takeLeftOver(rollout)).toEqual([]);
    expect(isOver(rollout)).toBe(true);
  });

  test('the last one with a bad end stops nothing: nothing is left to start', () => {
    const rollout = rolloutOf(2, { waves: [1, 2] });
    started(rollout);
    jobEnded(rollout, 0, GOOD, 0);
    started(rollout);
    jobEnded(rollout, 1, BAD, 0);
    expect(rollout.stopped).toBeNull();
  });

  test('a bad end that --max-failures allows does not', () => {
    const rollout = rolloutOf(3, { waves: [1, 3], maxFailures: { devices: 2 } });
    started(rollout);
    jobEnded(rollout, 0, BAD, 0);
    expect(started(rollout)).toEqual([1, 2]);
  });

  test('a new attempt belongs to its wave', () => {
    const rollout = rolloutOf(2, { waves: [1, 2] });
    started(rollout);
    jobEnded(rollout, 0, { ...GOOD, good: 0, retry: [0] }, 0);
    expect(started(rollout, 999)).toEqual([]);
    expect(started(rollout, 1000)).toEqual([0]);
    jobEnded(rollout, 0, GOOD, 1000);
    expect(started(rollout, 1000)).toEqual([1]);
  });

  test('counted over more gateways than are queued, since some had nothing to do: it ends all the same', () => {
    const rollout = rolloutOf(2, { waves: [1, 5, 10] });
    expect(started(rollout)).toEqual([0]);
    jobEnded(rollout, 0, GOOD, 0);
    expect(started(rollout)).toEqual([1]);
    expect(started(rollout)).toEqual([]);
    expect(wakeAt(rollout)).toBeNull();
    jobEnded(rollout, 1, GOOD, 0);
    expect(isOver(rollout)).toBe(true);
  });
});

describe('an earlier wave that is taken up again', () => {
  /**
   * A roll-out from a journal: wave 1 is open again, and of wave 2 gateway 1 has another job and gateway 2 was never started.
   */
  function takenUp(more: Partial<RolloutOptions> = {}): Rollout {
    const options = { waves: [1, 3], wavePause: 500, maxFailures: { devices: 3 }, ...more };
    const rollout = createRollout([[[0]], [[1], [2]], [[3]]], {
      ...{ concurrency: null, retryWait: 1000, ...options },
    });
    jobStarted(rollout, { gateway: 0, devices: [0], attempt: 1 });
    jobStarted(rollout, { gateway: 1, devices: [1], attempt: 1 });
    return rollout;
  }

  test('holds what is left of a later one until it has ended, and for the pause', () => {
    const rollout = takenUp();
    jobEnded(rollout, 1, GOOD, 100);
    expect(started(rollout, 100)).toEqual([]);
    expect(wakeAt(rollout)).toBeNull();
    jobEnded(rollout, 0, UNKNOWN, 2000);
    expect(started(rollout, 2000)).toEqual([]);
    expect(wakeAt(rollout)).toBe(2500);
    expect(started(rollout, 2500)).toEqual([1, 2]);
    jobEnded(rollout, 1, GOOD, 3000);
    jobEnded(rollout, 2, GOOD, 3000);
    expect(isOver(rollout)).toBe(true);
  });

  test('holds its new attempts too', () => {
    const rollout = takenUp();
    jobEnded(rollout, 1, { ...BAD, bad: 0, retry: [1] }, 100);
    expect(wakeAt(rollout)).toBeNull();
    expect(started(rollout, 5000)).toEqual([]);
    jobEnded(rollout, 0, GOOD, 6000);
    expect(wakeAt(rollout)).toBe(6500);
    expect(startDue(rollout, 6500).map(({ gateway, attempt }) => [gateway, attempt])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  test('that ends while the later one runs is over all the same', () => {
    const rollout = takenUp();
    jobEnded(rollout, 0, GOOD, 100);
    expect(started(rollout, 600)).toEqual([2]);
    jobEnded(rollout, 1, GOOD, 700);
    expect(started(rollout, 700)).toEqual([1]);
  });
});

describe('failures', () => {
  test('too many failed or unknown devices stop the run', () => {
    const rollout = rolloutOf(5, { concurrency: 1, maxFailures: { devices: 2 } });
    started(rollout);
    jobEnded(rollout, 0, BAD, 0);
    expect(started(rollout)).toEqual([1]);
    jobEnded(rollout, 1, UNKNOWN, 0);
    expect(rollout.stopped).toBe('2 devices failed or are unknown');
    expect(started(rollout)).toEqual([]);
  });

  test('what runs goes on after a stop, and its gateway gets nothing more', () => {
    const rollout = createRollout([[[0]], [[1], [2]]], { ...rolloutOf(0).options, maxFailures: { devices: 1 } });
    started(rollout);
    jobEnded(rollout, 1, { ...GOOD, bad: 1 }, 0);
    expect(rollout.stopped).not.toBeNull();
    expect(takeLeftOver(rollout)).toEqual([2]);
    expect(isOver(rollout)).toBe(false);
    expect(jobEnded(rollout, 0, GOOD, 0)).toEqual([]);
    expect(isOver(rollout)).toBe(true);
  });

  test('a share counts once a sample has ended', () => {
    const rollout = rolloutOf(100, { concurrency: 1, maxFailures: { percent: 20 } });
    for (let index = 0; index < 9; index++) {
      expect(started(rollout)).toEqual([index]);
      jobEnded(rollout, index, index < 2 ? BAD : GOOD, 0);
      expect(rollout.stopped).toBeNull();
    }
    started(rollout);
    jobEnded(rollout, 9, GOOD, 0);
    expect(rollout.stopped).toBe('2 of 10 devices failed or are unknown');
  });

  test('a bad canary is a sample by itself', () => {
    const rollout = rolloutOf(100, { waves: [1, 100], maxFailures: { percent: 20 } });
    started(rollout);
    jobEnded(rollout, 0, BAD, 0);
    expect(rollout.stopped).toBe('1 of 1 devices failed or are unknown');
  });

  test('a device that was to be tried again and will not be counts as failed', () => {
    const rollout = createRollout([[[0, 1]], [[2]]], {
      ...rolloutOf(0).options,
      concurrency: 1,
      maxFailures: { devices: 2 },
    });
    started(rollout);
    expect(jobEnded(rollout, 0, { ...UNKNOWN, retry: [1] }, 0)).toEqual([1]);
    expect(rollout.stopped).toBe('2 devices failed or are unknown');
  });
});

describe('new attempts', () => {
  const again: JobResult = { good: 0, bad: 0, unknown: 0, retry: [0] };

  test('come after a wait that doubles, up to a quarter of an hour', () => {
    const rollout = rolloutOf(1, { retryWait: 60_000 });
    let now = 0;
    const waits: number[] = [];
    started(rollout, now);
    for (let attempt = 2; attempt < 9; attempt++) {
      jobEnded(rollout, 0, again, now);
      const at = wakeAt(rollout) ?? 0;
      waits.push(at - now);
      expect(started(rollout, at - 1)).toEqual([]);
      expect(startDue(rollout, at)).toEqual([{ gateway: 0, devices: [0], attempt }]);
      now = at;
    }
    expect(waits.map((ms) => ms / 60_000)).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  test('take no place while they wait, and go first when they are due', () => {
    const rollout = rolloutOf(4, { concurrency: 1 });
    started(rollout);
    jobEnded(rollout, 0, again, 0);
    expect(started(rollout, 0)).toEqual([1]);
    jobEnded(rollout, 1, GOOD, 1000);
    expect(started(rollout, 1000)).toEqual([0]);
  });

  test('the attempts of the next job of a gateway count from one', () => {
    const rollout = createRollout([[[0], [1]]], rolloutOf(0).options);
    started(rollout);
    jobEnded(rollout, 0, again, 0);
    startDue(rollout, 1000);
    jobEnded(rollout, 0, GOOD, 1000);
    expect(startDue(rollout, 1000)).toEqual([{ gateway: 0, devices: [1], attempt: 1 }]);
  });

  test('are given up at a stop', () => {
    const rollout = rolloutOf(3, { maxFailures: { devices: 1 } });
    started(rollout);
    jobEnded(rollout, 0, again, 0);
    jobEnded(rollout, 1, BAD, 0);
    expect(takeLeftOver(rollout)).toEqual([0]);
    expect(started(rollout, 10_000)).toEqual([]);
    expect(wakeAt(rollout)).toBeNull();
  });
});

test('nothing to do is over at once', () => {
  const rollout = rolloutOf(0, { waves: [3] });
  expect(started(rollout)).toEqual([]);
  expect(wakeAt(rollout)).toBeNull();
  expect(isOver(rollout)).toBe(true);
});

test('a wave that a replay had ended before the one before it holds nothing up', () => {
  const rollout = rolloutOf(3, { waves: [1, 2, 3] });
  jobStarted(rollout, { gateway: 0, devices: [0], attempt: 1 });
  jobStarted(rollout, { gateway: 1, devices: [1], attempt: 1 });
  jobEnded(rollout, 1, GOOD, 0);
  jobEnded(rollout, 0, GOOD, 0);
  expect(started(rollout)).toEqual([2]);
});
