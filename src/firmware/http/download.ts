import type { Clock } from '../../clock.js';
import { showBytes } from '../../text.js';
import { growingWait, wait } from '../../wait.js';
import { type HttpAnswer, type HttpClient, RequestError } from './client.js';
import { DownloadError, foreignEncoding, isLasting, showAnswer, showHttpProblem, worthRetry } from './errors.js';
import { contentRange, type RemoteFile, rangeGuard, remoteFile, sameRemoteFile } from './remote-file.js';
import { retryAfter } from './retry-after.js';

/** Milliseconds before the next attempt after one that received nothing. Doubled each time. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/** Receives downloaded bytes. */
export interface Sink {
  /** The caller reuses `chunk` after this returns, or after the promise is fulfilled. */
  write(chunk: Buffer): Promise<void> | undefined;
  /** The download starts again from the first byte. */
  restart(): void;
}

/** The options of a download. */
export interface DownloadOptions {
  clock: Clock;
  signal?: AbortSignal;
  /** The size that the file must have, in bytes; null = not known. */
  expectedSize?: number | null;
  /** The most bytes to read of a file whose size is not known. */
  maxSize?: number;
  /** The bytes received so far, and the total if the server gives it. */
  onProgress?(read: number, total: number | null): void;
  /** Called before a wait of `wait` milliseconds. `idle`: the number of successive attempts that received nothing. */
  onRetry?(reason: string, wait: number, idle: number): void;
  /** Returns a number from 0 to 1; for tests. */
  random?: () => number;
}

/**
 * The number of successive attempts without a new byte after which the download fails: with the growing wait, about a minute.
 */
export const MAX_IDLE = 7;
// A host that has never responded is more often misspelled than down, so give up early.
const MAX_UNREACHED = 3;
// A server that breaks off after every few bytes would otherwise keep a run busy for days.
const MAX_ATTEMPTS = 2000;

/** A finished download. */
interface Downloaded extends RemoteFile {
  size: number;
  contentType: string | null;
  /** See {@link HttpAnswer.way}. */
  way: string;
}

/**
 * Downloads `url` into `sink`, each byte once and in order, in spite of broken connections and temporary errors. Throws {@link
 * DownloadError} with the reason in words, or the reason of an aborted signal.
 */
export async function download(
  client: HttpClient,
  url: string,
  sink: Sink,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { clock, signal, random = Math.random, expectedSize = null, maxSize = Number.POSITIVE_INFINITY } = options;
  let file: RemoteFile | null = null;
  let contentType: string | null = null;
  let way = '';
  let position = 0;
  // Only a new maximum counts as progress, because a server without ranges sends the same bytes again and again.
  let best = 0;
  let idle = 0;
  let waits = growingWait(FIRST_WAIT, LONGEST_WAIT, random);
  let restarted = false;
  let reached = false;

  // An error of the sink is not an error of the network, and is not retried.
  let sinkFailed = false;
  async function into(chunk: Buffer): Promise<void> {
    try {
      const written = sink.write(chunk);
      if (written) await written;
    } catch (error) {
      sinkFailed = true;
      throw error;
    }
  }

  /** Makes one request, and returns how far it got. */
  async function attempt(): Promise<{ complete: boolean; reason: string; wait: number | null }> {
    const guard = file && position > 0 ? rangeGuard(file) : null;
    const answer = await client.get(url, guard ? { range: `bytes=${position}-`, 'if-range': guard } : {});
    reached = true;
    try {
      if (worthRetry(answer.status)) {
        return { complete: false, reason: showAnswer(answer), wait: retryAfter(answer.headers, clock.wall()) };
      }
      let skip = begin(answer, guard !== null);
      for await (const piece of bytesOf(answer)) {
        let chunk = piece;
        if (skip > 0) {
          chunk = piece.subarray(Math.min(skip, piece.length));
          skip -= piece.length - chunk.length;
          if (chunk.length === 0) continue;
        }
        if (position + chunk.length > (expectedSize ?? maxSize)) throw tooLong(null);
        await into(chunk);
        position += chunk.length;
        options.onProgress?.(position, file?.size ?? null);
      }
      const total = file?.size ?? null;
      if (skip > 0 || (total !== null && position < total)) {
        return { complete: false, reason: 'the connection was interrupted', wait: null };
      }
      if (total !== null && position > total) throw new DownloadError('sent more bytes than it announced');
      return { complete: true, reason: '', wait: null };
    } finally {
      answer.body.destroy();
    }
  }

  /** Evaluates the headers. Returns how many bytes of the body are known already and must be skipped. */
  function begin(answer: HttpAnswer, ranged: boolean): number {
    const { status } = answer;
    const encoding = foreignEncoding(answer);
    if ((status === 200 || status === 206) && encoding !== null) {
      const why = 'which was not requested: a dock would not receive the file as it is stored';
      throw new DownloadError(`comes with Content-Encoding: ${encoding}${answer.way}, ${why}`);
    }
    const now = remoteFile(answer);
    // The headers of any other status describe an error page.
    const same = file && position > 0 && (status === 200 || status === 206) ? sameRemoteFile(file, now) : null;
    if (same === false || (status === 416 && ranged)) throw new DownloadError(CHANGED);
    if (status === 206 && ranged) {
      const range = contentRange(answer.headers);
      if (range?.start !== position) throw new DownloadError('the server sent another range than the one asked for');
      return 0;
    }
    if (status !== 200) throw new DownloadError(showAnswer(answer));
    // Checked before a byte is read, because a server may announce, and send, without end.
    if (now.size !== null && (expectedSize === null ? now.size > maxSize : now.size !== expectedSize)) {
      throw tooLong(now.size);
    }
    contentType = answer.headers['content-type'] ?? null;
    way = answer.way;
    if (file && same === true) return position;
    if (position > 0) {
      restarted = true;
      sink.restart();
      position = 0;
    }
    file = now;
    return 0;
  }

  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted();
    let reason: string;
    let asked: number | null = null;
    try {
      const result = await attempt();
      if (result.complete) return { ...(file ?? NOTHING), size: position, contentType, way };
      ({ reason, wait: asked } = result);
    } catch (error) {
      signal?.throwIfAborted();
      if (sinkFailed) throw error;
      if (isLasting(error)) throw error instanceof DownloadError ? error : new DownloadError(showHttpProblem(error));
      reason = showHttpProblem(error);
    }
    idle = position > best ? 0 : idle + 1;
    best = Math.max(best, position);
    const patience = reached ? MAX_IDLE : MAX_UNREACHED;
    if (idle >= patience || attempts >= MAX_ATTEMPTS) throw new DownloadError(givenUp(reason, attempts));
    if (idle <= 1) waits = growingWait(FIRST_WAIT, LONGEST_WAIT, random);
    const next = waits();
    const pause = asked ?? next;
    options.onRetry?.(reason, pause, idle);
    await wait(pause, clock, signal);
  }

  /** `announced`: the size that the server gives; null = it keeps sending without one. */
  function tooLong(announced: number | null): DownloadError {
    const has = announced === null ? 'has more than' : `has ${announced} bytes (${showBytes(announced)})`;
    if (expectedSize === null) {
      return new DownloadError(
        `${has}${announced === null ? '' : ', more than'} the ${showBytes(maxSize)} of --max-size`,
      );
    }
    const but =
      announced === null
        ? ` the ${expectedSize} bytes that the manifest states`
        : ` on the server, but the manifest says ${expectedSize}`;
    return new DownloadError(has + but, { mismatch: true });
  }

  function givenUp(reason: string, attempts: number): string {
    const total = (file as RemoteFile | null)?.size ?? null;
    const got =
      position > 0 ? `, with ${showBytes(position)}${total === null ? '' : ` of ${showBytes(total)}`} read` : '';
    const why = restarted ? ', and the server cannot resume a download' : '';
    return `${reason} (given up after ${attempts} attempts${got}${why})`;
  }
}

/** The chunks of the body. Errors contain the way on which it came. */
async function* bytesOf({ body, way }: HttpAnswer): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw new RequestError(error, way);
  }
}

const CHANGED = 'changed on the server while it was read';
const NOTHING: RemoteFile = { size: null, etag: null, lastModified: null, settled: false };
