/** The sources of firmware (a path or a URL), and the options and results of reading them. */
import type { Clock } from '../../clock.js';
import type { Digest, DigestCache } from '../digest/cache.js';
import type { DigestPool } from '../digest/pool.js';
import type { HttpOptions } from '../http/client.js';
import type { Reading } from './progress.js';
import type { ReadingBoard } from './progress-board.js';

/** A file that is read once, even if many devices use it. */
export interface FirmwareSource {
  kind: 'file' | 'url';
  /** Absolute path, or URL. */
  location: string;
  file_name: string;
  /** The size that it must have, in bytes, if the manifest gives it. */
  file_size?: number | null;
  /** Also compute its SHA-256. */
  sha256?: boolean;
}

/** The options of reading firmware. */
export interface ReadOptions extends HttpOptions {
  /** The digest cache; null = read everything. */
  cacheFile: string | null;
  /** The most bytes to download of a file whose size is not known; default: 8 GB. */
  maxSize?: number | undefined;
  clock: Clock;
  /** The progress of the files that are read (not cached), in order; at most ten times a second. */
  onReading?(files: readonly Reading[]): void;
  /** A download had to be repeated several times. `message` follows the name of the file. */
  onTrouble?(source: FirmwareSource, message: string): void;
  /** The cache could not be written. */
  onCacheProblem?(error: unknown): void;
  /** Called as soon as a result is known. */
  onResult?(source: FirmwareSource, result: ReadResult): void;
}

/** The facts of a file, or why it cannot be read, in words that follow its name. */
export type ReadResult =
  | { ok: true; source: 'file' | 'url' | 'cache'; digest: Digest }
  /** `mismatch`: the file can be read, but is not what the manifest says. */
  | { ok: false; problem: string; mismatch?: boolean };

/** What is needed to read one file. */
export interface ReadContext {
  options: ReadOptions;
  board: ReadingBoard;
  /** Null: digest on this thread. */
  pool: DigestPool | null;
  /** Use the pool only for the entries. */
  spread: boolean;
  cache: DigestCache | null;
}

/** `DEFAULTS.maxSize`, for callers that give none. */
export const MAX_SIZE = 8e9;

/** Bytes. A smaller file is digested before a thread has started. */
export const WORTH_A_THREAD = 8 * 1024 * 1024;
