import { describe, expect, it } from 'vitest';
import { growingWait, wait } from '../../src/wait.js';
import { manualClock } from '../helpers/manual-clock.js';

describe('growingWait', () => {
  it('doubles up to the longest', () => {
    const next = growingWait(500, 30_000, () => 0);
    expect(Array.from({ length: 8 }, next)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('is shortened by up to a half', () => {
    const next = growingWait(500, 30_000, () => 1);
    expect([next(), next()]).toEqual([250, 500]);
  });
});

describe('wait', () => {
  it('ends with its time', async () => {
    const clock = manualClock();
    let ended = false;
    const waiting = wait(100, clock).then(() => {
      ended = true;
    });
    clock.advance(99);
    await Promise.resolve();
    expect(ended).toBe(false);
    clock.advance(1);
    await waiting;
  });

  it('ends with the signal, and its reason', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    const waiting = wait(1000, clock, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(wait(1000, clock, stop.signal)).rejects.toThrow('stopped');
  });
});
