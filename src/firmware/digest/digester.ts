import { createHash, type Hash } from 'node:crypto';
import type { EntryWalk, MetEntry } from '../package/entry-walk.js';
import { type EntryDigest, type EntryHasher, entryHasher } from './entry-hasher.js';

/** The results of one pass over a file's bytes. */
export interface Digested {
  /** Lower-case hex. */
  md5: string;
  /** Lower-case hex; null = not requested. */
  sha256: string | null;
  /** The entries of a ZIP that were found, in the file's order. digest null = its data was incomplete. */
  entries: { met: MetEntry; digest: EntryDigest | null }[];
  /** Whether the entries could not be followed to the end. */
  lost: boolean;
}

/** Digests a file from its pieces: the whole file, and each entry if it is a ZIP. */
export interface Digester {
  /** A buffer for the next piece. */
  take(): Promise<ArrayBuffer>;
  /** Digests the first `length` bytes of `buffer`, which then belongs to the digester. */
  put(buffer: ArrayBuffer, length: number): Promise<void>;
  finish(): Promise<Digested>;
  /** Discards everything. No method may be called afterwards. */
  drop(): void;
}

/** Digests the entries, on this thread or another one. */
export interface EntrySink {
  take(): ArrayBuffer | Promise<ArrayBuffer>;
  put(buffer: ArrayBuffer, length: number, parts: Parameters<EntryHasher['write']>[1]): Promise<void> | undefined;
  finish(): Promise<EntryDigest[]> | EntryDigest[];
  drop(): void;
}

// Bytes. Larger pieces than 64 kB are not faster, but half a megabyte keeps the number of messages between threads small.
export const PIECE = 512 * 1024;

/** Creates a digester. `sha256`: also compute the SHA-256. */
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

/** Digests the entries on this thread. `buffers`: the number of buffers that may be in use at the same time. */
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
