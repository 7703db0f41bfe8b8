import { safeText, showDuration } from '../../text.js';
import { TELLING } from '../check/what-it-is.js';
import { type Digester, digester, localSink, PIECE } from '../digest/digester.js';
import type { HttpClient } from '../http/client.js';
import type { Collector } from '../http/collect-garbage.js';
import { download, type Sink } from '../http/download.js';
import { DownloadError } from '../http/errors.js';
import { askRemote, rangeGuard } from '../http/remote-file.js';
import { endsOf, urlSource } from '../package/byte-source.js';
import { readDirectory, SourceFailure } from '../package/central-directory.js';
import { isConfiguration } from '../package/entry-name.js';
import { type EntryWalk, entryWalk } from '../package/entry-walk.js';
import { lookInside } from '../package/look.js';
import { reportOf } from './report-of.js';
import { type FirmwareSource, MAX_SIZE, type ReadContext, type ReadResult, WORTH_A_THREAD } from './source.js';

// Bytes. The directory of a real package has a few kilobytes, so keeping this much of the end saves a request.
const TAIL = 256 * 1024;

/** Downloads a URL, digests the file and its entries, and reads the package structure at the end. */
export async function readUrl(
  source: FirmwareSource,
  client: HttpClient,
  { options, board, pool, cache }: ReadContext,
  collect: Collector,
): Promise<ReadResult> {
  const { clock, signal } = options;
  const url = source.location;
  const line = board.add(source.file_name, null);
  const ends = endsOf(TELLING, TAIL);
  let length: number | null = null;
  let troubled = false;
  let walk: EntryWalk | undefined;
  const pieces = inPieces(() => {
    walk = entryWalk({
      directory: null,
      askDirectory: () => directoryOf(client, url),
      plan: (name) => ({ md5: !isConfiguration(name), crc32: true }),
    });
    const small = length !== null && length < WORTH_A_THREAD;
    return digester(walk, pool && !small ? pool.entries() : localSink(1), source.sha256);
  });
  try {
    const file = await download(
      client,
      url,
      {
        write(chunk) {
          ends.write(chunk);
          collect(chunk.length);
          return pieces.write(chunk);
        },
        restart() {
          ends.restart();
          pieces.restart();
        },
      },
      {
        clock,
        expectedSize: source.file_size ?? null,
        maxSize: options.maxSize ?? MAX_SIZE,
        ...(signal ? { signal } : {}),
        onProgress(read, total) {
          length = total;
          line.at(read, total);
        },
        onRetry(reason, wait, idle) {
          // A single interruption is not reported, but repeated ones are.
          if (idle < 2 || troubled) return;
          troubled = true;
          options.onTrouble?.(source, `${reason}; trying again, next in ${showDuration(wait)}`);
        },
      },
    );
    const digested = await pieces.finish();
    line.done(file.size);
    const bytes = ends.source(file.size, urlSource(client, url, file));
    const look = await lookInside(bytes, walk?.configurations).catch((error) => {
      if (error instanceof SourceFailure) return error;
      throw error;
    });
    const { md5, sha256 } = digested;
    const digest = { md5, sha256, file_size: file.size, package: reportOf(look, digested, ends.head(), file) };
    if (rangeGuard(file) !== null && !(look instanceof SourceFailure)) {
      const { size, etag, lastModified } = file;
      cache?.put({ kind: 'url', url }, { size, etag, lastModified }, digest);
    }
    return { ok: true, source: 'url', digest };
  } catch (error) {
    if (error instanceof DownloadError) {
      return { ok: false, problem: safeText(error.message, 600), mismatch: error.mismatch };
    }
    throw error;
  }
}

/** Combines downloaded bytes into pieces that are large enough for a digester. `make` creates a digester for a restart. */
function inPieces(make: () => Digester): Sink & { finish(): ReturnType<Digester['finish']> } {
  let to: Digester | undefined;
  let filling: ArrayBuffer | undefined;
  let filled = 0;

  async function flush(digester: Digester): Promise<void> {
    const buffer = filling;
    filling = undefined;
    if (buffer) await digester.put(buffer, filled);
  }

  async function put(chunk: Uint8Array): Promise<void> {
    to ??= make();
    for (let at = 0; at < chunk.length; ) {
      if (!filling) {
        filling = await to.take();
        filled = 0;
      }
      const part = chunk.subarray(at, at + PIECE - filled);
      new Uint8Array(filling).set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === PIECE) await flush(to);
    }
  }

  return {
    write(chunk) {
      // In the usual case the chunk fits into the current piece, and no promise is needed.
      if (!filling || chunk.length >= PIECE - filled) return put(chunk);
      new Uint8Array(filling).set(chunk, filled);
      filled += chunk.length;
      return undefined;
    },
    restart() {
      to?.drop();
      to = filling = undefined;
    },
    async finish() {
      to ??= make();
      await flush(to);
      return to.finish();
    },
  };
}

/** The entries of the package at `url`, if its server supports ranges. */
async function directoryOf(client: HttpClient, url: string) {
  try {
    const { status, file } = await askRemote(client, url);
    if (status !== 200 || file.size === null) return null;
    const directory = await readDirectory(urlSource(client, url, { ...file, size: file.size }));
    return directory.problems.length === 0 ? directory.entries : null;
  } catch {
    return null;
  }
}
