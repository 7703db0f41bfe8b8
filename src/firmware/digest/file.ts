import { createHash } from 'node:crypto';
import { type BigIntStats, readSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemReason } from '../../errors.js';

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

/** The digest of a file, or why there is none: a failure is data, since it may come from another thread. */
export type FileDigest = { ok: true; md5: string; proof: FileProof } | { ok: false; problem: string };

// From 64 kB on a larger piece makes nothing faster; half a megabyte keeps messages and wake-ups few.
const PIECE = 512 * 1024;

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
 * MD5 and size of the file at `path`. `onBytes` hears how many bytes have been read so far. `ownThread`: this thread has
 * nothing better to do than to wait for the disk. Rejects only where `signal` is aborted.
 */
export async function digestFile(
  path: string,
  onBytes: (read: number) => void,
  { signal, ownThread = false }: { signal?: AbortSignal | undefined; ownThread?: boolean } = {},
): Promise<FileDigest> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const before = await handle.stat({ bigint: true });
    const problem = unfit(before);
    if (problem !== null) return { ok: false, problem };
    const digest = ownThread ? digestInSlices : digestOverlapped;
    const { md5, read } = await digest(handle, Number(before.size), onBytes, signal);
    // By handle for a file that was written to, by path for one that was replaced.
    const proof = proofOf(before);
    const unchanged =
      read === proof.size &&
      sameProof(proof, proofOf(await handle.stat({ bigint: true }))) &&
      sameProof(proof, proofOf(await stat(path, { bigint: true })));
    return unchanged ? { ok: true, md5, proof } : { ok: false, problem: 'changed while it was read' };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, problem: `cannot be read: ${systemReason(error)}` };
  } finally {
    await handle?.close();
  }
}

// The next piece is read while this one is digested: the disk's time vanishes behind the processor's.
async function digestOverlapped(
  handle: FileHandle,
  size: number,
  onBytes: (read: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ md5: string; read: number }> {
  const hash = createHash('md5');
  let current = Buffer.allocUnsafeSlow(Math.min(PIECE, size + 1));
  let next = Buffer.allocUnsafeSlow(current.length);
  let read = 0;
  let pending = handle.read(current, 0, current.length, 0);
  for (;;) {
    const { bytesRead } = await pending;
    signal?.throwIfAborted();
    read += bytesRead;
    // A file that grows as fast as it is read would never end.
    if (bytesRead === 0 || read > size) return { md5: hash.digest('hex'), read };
    pending = handle.read(next, 0, next.length, read);
    hash.update(bytesRead === current.length ? current : current.subarray(0, bytesRead));
    onBytes(read);
    [current, next] = [next, current];
  }
}

async function digestInSlices(
  handle: FileHandle,
  size: number,
  onBytes: (read: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ md5: string; read: number }> {
  const hash = createHash('md5');
  const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, size + 1));
  let read = 0;
  for (let pieces = 1; ; pieces++) {
    const bytesRead = readSync(handle.fd, piece, 0, piece.length, read);
    read += bytesRead;
    if (bytesRead === 0 || read > size) return { md5: hash.digest('hex'), read };
    hash.update(bytesRead === piece.length ? piece : piece.subarray(0, bytesRead));
    if (pieces % SLICE !== 0) continue;
    onBytes(read);
    await nextTurn();
    signal?.throwIfAborted();
  }
}

function unfit(stats: BigIntStats): string | null {
  if (stats.isDirectory()) return 'is a folder, not a file';
  if (!stats.isFile()) return 'is not a regular file';
  return stats.size === 0n ? 'is empty' : null;
}

export function proofOf(stats: BigIntStats): FileProof {
  return {
    size: Number(stats.size),
    mtime: String(stats.mtimeNs),
    ctime: String(stats.ctimeNs),
    ino: String(stats.ino),
  };
}
