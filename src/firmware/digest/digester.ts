import { createHash, type Hash } from 'node:crypto';
import type { EntryWalk, MetEntry } from '../package/entry-walk.js';
import { type EntryDigest, type EntryHasher, entryHasher } from './entry-hasher.js';

/** What was computed of a file's bytes while they passed once. */
export interface Digested {
  /** Lower-case hex. */
  md5: string;
  /** Lower-case hex; null = not asked for. */
  sha256: string | null;
  /** The entries of a ZIP that were met, in the file's order; a null digest: its data did not end. */
  entries: { met: MetEntry; digest: EntryDigest | null }[];
  /** Whether the entries could not be followed to the end. */
  lost: boolean;
}

/** Digests a file that comes in pieces: the whole, and each entry of a ZIP in it. */
export interface Digester {
  /** A buffer to fill with the next piece. */
  take(): Promise<ArrayBuffer>;
  /** Digests the first `length` bytes of `buffer`, which belongs to the digester from then on. */
  put(buffer: ArrayBuffer, length: number): Promise<void>;
  finish(): Promise<Digested>;
  /** Forgets everything; nothing is asked of it any more. */
  drop(): void;
}

/** Where the digests of the entries are made: here, or on another thread. */
export interface EntrySink {
  take(): ArrayBuffer | Promise<ArrayBuffer>;
  put(buffer: ArrayBuffer, length: number, parts: Parameters<EntryHasher['write']>[1]): Promise<void> | undefined;
  finish(): Promise<EntryDigest[]> | EntryDigest[];
  drop(): void;
}

// From 64 kB on a larger piece makes nothing faster; half a megabyte keeps messages and wake-ups few.
export const PIECE = 512 * 1024;

/** `sha256`: compute it, too. */
export function digester(walk: EntryWalk, sink: EntrySink, sha256 = false): Digester {
  const hashes: Hash[] = [createHash('md5'), ...(sha256 ? [createHash('sha256')] : [])];
  return {
    take: async () => sink.take(),
    drop: () => sink.drop(),
    async put(buffer, length) {
      const piece = new Uint8Array(buffer, 0, length);
      for (const hash of hashes) hash.update(piece);
      const parts = await walk.next(piece);
      await sink.put(buffer, length, parts);
    },
    async finish() {
      const digests = await sink.finish();
      const [md5 = '', sha = null] = hashes.map((hash) => hash.digest('hex'));
      const entries = walk.met.map((met, index) => ({ met, digest: digests[index] ?? null }));
      return { md5, sha256: sha, entries, lost: walk.lost };
    },
  };
}

/** Digests the entries on this thread. `buffers`: how many may be filled at the same time. */
export function localSink(buffers: number, size = PIECE): EntrySink {
  const free = Array.from({ length: buffers }, () => new ArrayBuffer(size));
  const hasher = entryHasher();
  return {
    take: () => free.pop() ?? new ArrayBuffer(size),
    put(buffer, length, parts) {
      const work = parts.length > 0 ? hasher.write(new Uint8Array(buffer, 0, length), parts) : undefined;
      if (!work) return void free.push(buffer);
      return work.then(() => void free.push(buffer));
    },
    finish: () => hasher.finish(),
    drop() {},
  };
}
