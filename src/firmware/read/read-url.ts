import { safeText, showDuration } from '../../text.js';
import { localHasher } from '../digest/hasher.js';
import type { HttpClient } from '../http/client.js';
import type { Collector } from '../http/collect-garbage.js';
import { download } from '../http/download.js';
import { DownloadError } from '../http/errors.js';
import { rangeGuard } from '../http/remote-file.js';
import { tailOf, urlSource } from '../package/byte-source.js';
import { type PackageContents, readPackage, SourceFailure } from '../package/central-directory.js';
import { digestOf } from './read-file.js';
import { type FirmwareSource, MAX_SIZE, type ReadContext, type ReadResult } from './read-firmware.js';

// The directory of a real package has some kilobytes; with this much of the end kept it costs no further request.
const TAIL = 256 * 1024;

/** Streams a URL through the digest, and looks into the package at its end. */
export async function readUrl(
  source: FirmwareSource,
  client: HttpClient,
  { options, board, pool, cache }: ReadContext,
  collect: Collector,
): Promise<ReadResult> {
  const { clock, signal } = options;
  const url = source.location;
  const line = board.add(source.file_name, null);
  const hasher = pool ? pool.hasher() : localHasher();
  const tail = tailOf(TAIL);
  let troubled = false;
  try {
    const file = await download(
      client,
      url,
      {
        write(chunk) {
          tail.write(chunk);
          collect(chunk.length);
          return hasher.update(chunk);
        },
        restart() {
          tail.restart();
          hasher.reset();
        },
      },
      {
        clock,
        expectedSize: source.file_size ?? null,
        maxSize: options.maxSize ?? MAX_SIZE,
        ...(signal ? { signal } : {}),
        onProgress: (read, total) => line.at(read, total),
        onRetry(reason, wait, idle) {
          // A single hiccup is not worth a word; standing still is.
          if (idle < 2 || troubled) return;
          troubled = true;
          options.onTrouble?.(source, `${reason}; trying again, next in ${showDuration(wait)}`);
        },
      },
    );
    const md5 = await hasher.digest();
    line.done(file.size);
    if (file.size === 0) return { ok: false, problem: 'is empty' };
    const contents = await lookInside(() => readPackage(tail.source(file.size, urlSource(client, url, file))));
    const digest = digestOf(md5, file.size, contents);
    if (rangeGuard(file) !== null && !(contents instanceof SourceFailure)) {
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

async function lookInside(read: () => Promise<PackageContents>): Promise<PackageContents | SourceFailure> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SourceFailure) return error;
    throw error;
  }
}
