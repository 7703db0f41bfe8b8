/** What is read: a firmware file by its path or URL, and what reading it needs and gives. */
import type { Clock } from '../../clock.js';
import type { Digest, DigestCache } from '../digest/cache.js';
import type { DigestPool } from '../digest/pool.js';
import type { HttpOptions } from '../http/client.js';
import type { Reading } from './progress.js';
import type { ReadingBoard } from './progress-board.js';

/** A file to be read once, however many devices name it. */
export interface FirmwareSource {
  kind: 'file' | 'url';
  /** Absolute path, or URL. */
  location: string;
  file_name: string;
  /** Bytes that it must have, where the manifest states them. */
  file_size?: number | null;
  /** Compute its SHA-256, too. */
  sha256?: boolean;
}

export interface ReadOptions extends HttpOptions {
  /** Where digests are kept; null = read everything. */
  cacheFile: string | null;
  /** The most bytes that are downloaded of a file whose size nobody states; default: 8 GB. */
  maxSize?: number | undefined;
  clock: Clock;
  /** The files that really are being read, in order; at most ten times a second. */
  onReading?(files: readonly Reading[]): void;
  /** A download had to be tried again several times; `message` follows the name of the file. */
  onTrouble?(source: FirmwareSource, message: string): void;
  /** The cache could not be written. */
  onCacheProblem?(error: unknown): void;
  /** As soon as one is known. */
  onResult?(source: FirmwareSource, result: ReadResult): void;
}

/** What is known of a file, or why it cannot be read, in words that follow its name. */
export type ReadResult =
  | { ok: true; source: 'file' | 'url' | 'cache'; digest: Digest }
  /** `mismatch`: the file can be had, but is not what the manifest says. */
  | { ok: false; problem: string; mismatch?: boolean };

/** What the reading of one file needs. */
export interface ReadContext {
  options: ReadOptions;
  board: ReadingBoard;
  /** Null: digest on this thread. */
  pool: DigestPool | null;
  /** The pool is for the entries alone. */
  spread: boolean;
  cache: DigestCache | null;
}

/** As `DEFAULTS.maxSize`, for programs that give none. */
export const MAX_SIZE = 8e9;

/** Less than these bytes are digested before a thread has started. */
export const WORTH_A_THREAD = 8 * 1024 * 1024;
