import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { manualClock } from '../helpers/manual-clock.js';

describe('manualClock', () => {
  test('runs what is due in the order of its times, at its own time', () => {
    const clock = manualClock(1000);
    const seen: string[] = [];
    clock.after(30, () => seen.push(`c ${clock.now()} ${clock.wall()}`));
    clock.after(10, () => seen.push(`a ${clock.now()}`));
    clock.after(10, () => seen.push(`b ${clock.now()}`));
    clock.advance(29);
    expect(seen).toEqual(['a 10', 'b 10']);
    clock.advance(1);
    expect(seen).toEqual(['a 10', 'b 10', 'c 30 1030']);
  });

  test('what is cancelled does not run, also from within another timer', () => {
    const clock = manualClock();
    const seen: string[] = [];
    const cancel = clock.after(20, () => seen.push('never'));
    clock.after(10, cancel);
    clock.advance(100);
    expect(seen).toEqual([]);
  });

  test('what a timer starts runs in the same advance where it is due', () => {
    const clock = manualClock();
    const seen: number[] = [];
    const tick = () => {
      seen.push(clock.now());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35);
  });

  test('any timers: each once, none early, time never goes back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -5, max: 50 })),
        fc.array(fc.integer({ min: 0, max: 30 })),
        (waits, steps) => {
          const clock = manualClock();
          const runs = waits.map(() => [] as number[]);
          for (const [index, ms] of waits.entries()) clock.after(ms, () => runs[index]?.push(clock.now()));
          let last = 0;
          for (const step of steps) {
            clock.advance(step);
            expect(clock.now()).toBe(last + step);
            last = clock.now();
          }
          waits.forEach((ms, index) => {
            expect(runs[index]).toEqual(Math.max(0, ms) <= last && steps.length > 0 ? [Math.max(0, ms)] : []);
          });
        },
      ),
    );
  });
});

describe('systemClock', () => {
  test('a wait longer than setTimeout takes does not fire at once', () => {
    vi.useFakeTimers();
    try {
      const run = vi.fn();
      const month = 31 * 24 * 3600 * 1000;
      systemClock.after(month, run);
      vi.advanceTimersByTime(month - 1);
      expect(run).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(run).toHaveBeenCalledOnce();
      const cancel = systemClock.after(month, run);
      vi.advanceTimersByTime(month - 10);
      cancel();
      vi.advanceTimersByTime(month);
      expect(run).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  test('now is monotonic and wall is the time of day', () => {
    const before = systemClock.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    expect(new Date(systemClock.wall()).getUTCFullYear()).toBeGreaterThan(2025);
  });
});
