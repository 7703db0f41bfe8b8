import type { Clock } from '../../src/clock.js';

/** A clock that only moves when it is advanced. */
export function manualClock(startWall = Date.UTC(2026, 0, 1)): Clock & { advance(ms: number): void } {
  let now = 0;
  let order = 0;
  const timers = new Map<number, { at: number; run: () => void }>();
  return {
    now: () => now,
    wall: () => startWall + now,
    after(ms, run) {
      const id = order++;
      timers.set(id, { at: now + Math.max(0, ms), run });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        let next: [number, { at: number; run: () => void }] | undefined;
        for (const entry of timers) if (entry[1].at <= end && (!next || entry[1].at < next[1].at)) next = entry;
        if (!next) break;
        timers.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].run();
      }
      now = end;
    },
  };
}
