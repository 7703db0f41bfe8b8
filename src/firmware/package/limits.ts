/** What a package may have. Beyond this a file is made to keep somebody busy. */

/** DJI's packages have some dozens. */
export const MAX_ENTRIES = 10_000;
/** Bytes of an entry's name. */
export const MAX_NAME = 1024;
/** Bytes of a configuration; a real one has 25 kB. */
export const MAX_CONFIGURATION = 1024 * 1024;
