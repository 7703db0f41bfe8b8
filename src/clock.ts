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
