import type { Clock } from '../../clock.js';
import { safeText } from '../../text.js';
import type { Digest } from '../digest/cache.js';
import { digestFile, type FileProof } from '../digest/file.js';
import { fileSource } from '../package/byte-source.js';
import { type PackageContents, readPackage, SourceFailure } from '../package/central-directory.js';
import type { FirmwareSource, ReadContext, ReadResult } from './read-firmware.js';

/** Digests a file of this machine, here or on a thread, and looks into it meanwhile. */
export async function readFile(
  source: FirmwareSource,
  size: number | null,
  { options, board, pool, cache }: ReadContext,
): Promise<ReadResult> {
  const { signal, clock } = options;
  const path = source.location;
  const begun = clock.wall();
  const line = board.add(source.file_name, size);
  const onBytes = (read: number) => line.at(read, size);
  const digesting = pool ? untilAborted(pool.file(path, onBytes), signal) : digestFile(path, onBytes, { signal });
  const [digested, contents] = await Promise.all([digesting, lookInside(path)]);
  if (!digested.ok) return { ok: false, problem: safeText(digested.problem) };
  line.done(digested.proof.size);
  const digest = digestOf(digested.md5, digested.proof.size, contents);
  if (!(contents instanceof SourceFailure) && isProven(digested.proof, begun)) {
    cache?.put({ kind: 'file', path }, digested.proof, digest);
  }
  return { ok: true, source: 'file', digest };
}

/** What is kept and told of a file, from its digest and what was found inside. */
export function digestOf(md5: string, file_size: number, contents: PackageContents | SourceFailure): Digest {
  if (contents instanceof SourceFailure) {
    return { md5, file_size, package: { problem: `could not be looked into: ${safeText(contents.message)}` } };
  }
  return { md5, file_size, package: contents.ok ? contents.facts : { problem: contents.problem } };
}

async function lookInside(path: string): Promise<PackageContents | SourceFailure> {
  try {
    const bytes = await fileSource(path);
    try {
      return await readPackage(bytes);
    } finally {
      await bytes.close();
    }
  } catch (error) {
    return error instanceof SourceFailure ? error : new SourceFailure(error);
  }
}

/**
 * Whether the times of a file prove that it did not change after `begun` (wall milliseconds): not where it was written to
 * so shortly before that a later change would bear the same time. Some file systems count in two seconds, most in a tick
 * of the kernel; the former are known by times without a fraction.
 */
export function isProven(proof: FileProof, begun: ReturnType<Clock['wall']>): boolean {
  const fine = !proof.mtime.endsWith('000000') || !proof.ctime.endsWith('000000');
  const last = Math.max(Number(BigInt(proof.mtime) / 1_000_000n), Number(BigInt(proof.ctime) / 1_000_000n));
  return begun - last > (fine ? 100 : 2000);
}

// A thread cannot be told to stop; it is ended with the pool. Its promise must not keep the run until then.
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
