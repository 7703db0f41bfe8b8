/** What a run goes by where nothing else is asked for. Times in milliseconds. Imports nothing: help shows these too. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export const DEFAULTS = {
  /** How long to wait for a `services_reply`. */
  replyTimeout: 30 * SECOND,
  /** How long a device may be silent between events. */
  stallTimeout: 30 * MINUTE,
  /** How long to wait, after `ok`, for a device to report its version. */
  verifyTimeout: 10 * MINUTE,
  wavePause: 0,
  retries: 0,
  /** Before the second attempt; doubled for each one after it. */
  retryWait: 30 * SECOND,
  /** Bytes of a firmware file whose size nobody states: more than ten times the largest known package. */
  maxSize: 8e9,
} as const;

/** How long `devices` listens. */
export const LISTEN_TIME = 10 * SECOND;

/** How long `init` listens, which wants models as well. */
export const INIT_LISTEN_TIME = 15 * SECOND;

/** How long journals are kept when old ones are removed. */
export const KEEP_RUNS = 90 * 24 * 60 * MINUTE;
