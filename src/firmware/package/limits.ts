/** Limits for the contents of a package. A file that exceeds them is an attack. */

/** DJI's packages have a few dozen. */
export const MAX_ENTRIES = 10_000;
/** Bytes of an entry's name. */
export const MAX_NAME = 1024;
/** Bytes of a configuration; a real one has 25 kB. */
export const MAX_CONFIGURATION = 1024 * 1024;
