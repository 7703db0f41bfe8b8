/** Default settings of a run, also shown by help. Times are in milliseconds. This file imports nothing. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** The defaults of the options of `push`. */
export const DEFAULTS = {
  /** How long to wait for a `services_reply`. */
  replyTimeout: 30 * SECOND,
  /** How long a device may be silent between events. */
  stallTimeout: 30 * MINUTE,
  /** How long to wait, after `ok`, for a device to report its version. */
  verifyTimeout: 10 * MINUTE,
  wavePause: 0,
  retries: 0,
  /** The wait before the second attempt. Doubled for each further attempt. */
  retryWait: 30 * SECOND,
  /** Bytes. The limit for a firmware file whose size is not known: more than ten times the largest known package. */
  maxSize: 8e9,
} as const;

/** How long `devices` listens. */
export const LISTEN_TIME = 10 * SECOND;

/** How long `init` listens. Longer than `devices`, because it needs the models as well. */
export const INIT_LISTEN_TIME = 15 * SECOND;

/** How long `runs prune` keeps journals. */
export const KEEP_RUNS = 90 * 24 * 60 * MINUTE;
