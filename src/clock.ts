/** Time, injected so that tests wait for nothing. */
export interface Clock {
  /** Monotonic milliseconds: limits and rates. Neither a clock change nor a sleep of the machine makes it jump. */
  now(): number;
  /** Milliseconds since 1970: what is shown, sent and kept. */
  wall(): number;
  /** Calls `run` once after `ms` milliseconds; the result cancels it. */
  after(ms: number, run: () => void): () => void;
}

// The longest that setTimeout takes; a longer wait would fire at once.
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    let timer: NodeJS.Timeout;
    const wait = (left: number) => {
      timer = left > LONGEST ? setTimeout(() => wait(left - LONGEST), LONGEST) : setTimeout(run, Math.max(0, left));
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is told to move: for tests, and for simulated docks in compressed time. */
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
