import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/clock.js';
import { growingWait, sleep } from '../../src/mqtt/sleep.js';

describe('growingWait', () => {
  it('doubles up to the longest', () => {
    const wait = growingWait(500, 30_000, () => 0);
    expect(Array.from({ length: 8 }, wait)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('is shortened by up to a half', () => {
    const wait = growingWait(500, 30_000, () => 1);
    expect([wait(), wait()]).toEqual([250, 500]);
  });
});

describe('sleep', () => {
  it('ends with its time', async () => {
    const clock = manualClock();
    let ended = false;
    const sleeping = sleep(100, clock).then(() => {
      ended = true;
    });
    clock.advance(99);
    await Promise.resolve();
    expect(ended).toBe(false);
    clock.advance(1);
    await sleeping;
  });

  it('ends with the signal', async () => {
    const abort = new AbortController();
    const sleeping = sleep(100, manualClock(), abort.signal);
    abort.abort();
    await sleeping;
    await sleep(100, manualClock(), abort.signal);
  });
});
