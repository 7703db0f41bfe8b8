import type { Clock } from '../../clock.js';
import { safeText } from '../../text.js';
import { TELLING } from '../check/what-it-is.js';
import { CHANGED, digestFile, type FileProof, type FileTask, sameProof } from '../digest/file.js';
import { fileSource } from '../package/byte-source.js';
import { SourceFailure } from '../package/central-directory.js';
import { lookInside, type PackageLook } from '../package/look.js';
import { reportOf } from './report-of.js';
import type { FirmwareSource, ReadContext, ReadResult } from './source.js';

/** Reads the package structure of a local file, then digests it and its entries, on this thread or others. */
export async function readFile(
  source: FirmwareSource,
  proof: FileProof,
  { options, board, pool, spread, cache }: ReadContext,
): Promise<ReadResult> {
  const { signal, clock } = options;
  const path = source.location;
  const begun = clock.wall();
  const line = board.add(source.file_name, proof.size);
  // The thread starts while the package structure is read.
  const sink = pool && spread ? pool.entries() : null;
  const { look, head } = await lookAt(path);
  const seen = look instanceof SourceFailure ? null : look;
  const directory = seen?.directory.zip ? seen.directory.entries : null;
  const task: FileTask = { path, directory, crcOnly: !seen?.configuration, sha256: source.sha256 === true };
  const onBytes = (read: number) => line.at(read, proof.size);
  const digesting =
    pool && !spread
      ? untilAborted(pool.file(task, onBytes), signal)
      : digestFile(task, onBytes, { signal, ...(sink ? { sink } : {}) });
  const result = await digesting;
  if (!result.ok) return { ok: false, problem: safeText(result.problem) };
  // Make sure that the package structure was read from the same bytes.
  if (!sameProof(proof, result.proof)) return { ok: false, problem: CHANGED };
  line.done(result.proof.size);
  const { md5, sha256 } = result.digested;
  const digest = { md5, sha256, file_size: proof.size, package: reportOf(look, result.digested, head) };
  if (seen && provesUnchanged(result.proof, begun)) cache?.put({ kind: 'file', path }, result.proof, digest);
  return { ok: true, source: 'file', digest };
}

async function lookAt(path: string): Promise<{ look: PackageLook | SourceFailure; head: Buffer }> {
  let head: Buffer = Buffer.alloc(0);
  try {
    const bytes = await fileSource(path);
    try {
      const start = Buffer.alloc(Math.min(TELLING, bytes.size));
      await bytes.read(start, 0);
      head = start;
      return { look: await lookInside(bytes), head };
    } finally {
      await bytes.close();
    }
  } catch (error) {
    return { look: error instanceof SourceFailure ? error : new SourceFailure(error), head };
  }
}

/**
 * Whether the times of a file prove that it has not changed since `begun` (wall milliseconds). Not if it was written so shortly
 * before that a later write would have the same time. The resolution of some file systems is two seconds, which shows by times
 * without a fraction; that of most is a tick of the kernel.
 */
export function provesUnchanged(proof: FileProof, begun: ReturnType<Clock['wall']>): boolean {
  const fine = !proof.mtime.endsWith('000000') || !proof.ctime.endsWith('000000');
  const last = Math.max(Number(BigInt(proof.mtime) / 1_000_000n), Number(BigInt(proof.ctime) / 1_000_000n));
  return begun - last > (fine ? 100 : 2000);
}

// A thread cannot be interrupted; it ends with the pool. The run must not wait for its promise.
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
