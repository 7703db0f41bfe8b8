/** Time, injected so that tests do not have to wait. */
export interface Clock {
  /** Monotonic milliseconds, for limits and rates. Not changed by clock adjustments. */
  now(): number;
  /** Milliseconds since 1970, for what is shown, sent and stored. */
  wall(): number;
  /** Calls `run` once after `ms` milliseconds. Call the result to cancel. */
  after(ms: number, run: () => void): () => void;
}

// The longest delay of setTimeout. With a longer one it fires at once.
const LONGEST = 2 ** 31 - 1;

/** The clock of this machine. */
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
