import { type BigIntStats, readSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemReason } from '../../errors.js';
import type { DirectoryEntry } from '../package/central-directory.js';
import { isConfiguration } from '../package/entry-name.js';
import { entryWalk } from '../package/entry-walk.js';
import { type Digested, type Digester, digester, type EntrySink, localSink, PIECE } from './digester.js';

/** What proves that a file on this machine still has the same bytes. Big numbers as decimal text, to be kept as JSON. */
export interface FileProof {
  /** Bytes. */
  size: number;
  /** Nanoseconds since 1970. */
  mtime: string;
  /** Nanoseconds since 1970; moves even where somebody set `mtime` back. */
  ctime: string;
  ino: string;
}

/** What a file's digesting needs to know beforehand. */
export interface FileTask {
  path: string;
  /** The entries of the ZIP that it is; null = it is none, or none that can be read. */
  directory: readonly DirectoryEntry[] | null;
  /** Compare the entries by CRC-32 alone: nothing says their MD5. */
  crcOnly: boolean;
  sha256: boolean;
}

/** The digest of a file, or why there is none: a failure is data, since it may come from another thread. */
export type FileDigest = { ok: true; digested: Digested; proof: FileProof } | { ok: false; problem: string };

/** The proof of the file at `path`, or why it cannot be firmware. */
export async function fileProof(path: string): Promise<{ proof: FileProof } | { problem: string }> {
  try {
    const stats = await stat(path, { bigint: true });
    const problem = unfit(stats);
    return problem === null ? { proof: proofOf(stats) } : { problem };
  } catch (error) {
    return { problem: `cannot be read: ${systemReason(error)}` };
  }
}

export function sameProof(a: FileProof, b: FileProof): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.ino === b.ino;
}

// On a thread of its own, as many as there are cores: waiting for the disk costs less than being woken by it, by 8 % of the
// whole at four files on two cores. After so many pieces the thread looks for other work.
const SLICE = 8;

/**
 * Digests of the file of `task`. `onBytes` hears how many bytes have been read so far. `ownThread`: this thread has
 * nothing better to do than to wait for the disk; else the entries are digested by `sink`, where that is given. Rejects
 * only where `signal` is aborted.
 */
export async function digestFile(
  { path, directory, crcOnly, sha256 }: FileTask,
  onBytes: (read: number) => void,
  { signal, ownThread = false, sink }: { signal?: AbortSignal | undefined; ownThread?: boolean; sink?: EntrySink } = {},
): Promise<FileDigest> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const before = await handle.stat({ bigint: true });
    const problem = unfit(before);
    if (problem !== null) return { ok: false, problem };
    const size = Number(before.size);
    const plan = (name: string) => {
      const md5 = !crcOnly && !isConfiguration(name);
      return { md5, crc32: !md5 };
    };
    const walk = entryWalk({ directory: directory ?? [], plan });
    const to = digester(walk, sink ?? localSink(ownThread ? 1 : 2, Math.min(PIECE, size + 1)), sha256);
    const read = await (ownThread ? readInSlices : readOverlapped)(handle, size, to, onBytes, signal);
    const digested = await to.finish();
    // By handle for a file that was written to, by path for one that was replaced.
    const proof = proofOf(before);
    const unchanged =
      read === proof.size &&
      sameProof(proof, proofOf(await handle.stat({ bigint: true }))) &&
      sameProof(proof, proofOf(await stat(path, { bigint: true })));
    return unchanged ? { ok: true, digested, proof } : { ok: false, problem: CHANGED };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, problem: `cannot be read: ${systemReason(error)}` };
  } finally {
    await handle?.close();
  }
}

export const CHANGED = 'changed while it was read';

// The next piece is read while this one is digested: the disk's time vanishes behind the processor's.
async function readOverlapped(
  handle: FileHandle,
  size: number,
  to: Digester,
  onBytes: (read: number) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  let read = 0;
  const readNext = async () => {
    const buffer = await to.take();
    const { bytesRead } = await handle.read(new Uint8Array(buffer), 0, buffer.byteLength, read);
    return { buffer, bytesRead };
  };
  let pending = readNext();
  for (;;) {
    const { buffer, bytesRead } = await pending;
    signal?.throwIfAborted();
    read += bytesRead;
    // A file that grows as fast as it is read would never end.
    if (bytesRead === 0 || read > size) return read;
    pending = readNext();
    // Whoever waits for the next one hears of its failure.
    pending.catch(() => {});
    await to.put(buffer, bytesRead);
    onBytes(read);
  }
}

async function readInSlices(
  handle: FileHandle,
  size: number,
  to: Digester,
  onBytes: (read: number) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  let read = 0;
  for (let pieces = 1; ; pieces++) {
    const buffer = await to.take();
    const bytesRead = readSync(handle.fd, new Uint8Array(buffer), 0, buffer.byteLength, read);
    read += bytesRead;
    if (bytesRead === 0 || read > size) return read;
    await to.put(buffer, bytesRead);
    if (pieces % SLICE !== 0) continue;
    onBytes(read);
    await nextTurn();
    signal?.throwIfAborted();
  }
}

function unfit(stats: BigIntStats): string | null {
  if (stats.isDirectory()) return 'is a folder, not a file';
  if (!stats.isFile()) return 'is not a regular file';
  return null;
}

export function proofOf(stats: BigIntStats): FileProof {
  return {
    size: Number(stats.size),
    mtime: String(stats.mtimeNs),
    ctime: String(stats.ctimeNs),
    ino: String(stats.ino),
  };
}
