import type { Clock } from '../../clock.js';
import { showBytes } from '../../text.js';
import { growingWait, wait } from '../../wait.js';
import { type HttpAnswer, type HttpClient, RequestError } from './client.js';
import { DownloadError, foreignEncoding, isLasting, showAnswer, showHttpProblem, worthRetry } from './errors.js';
import { contentRange, type RemoteFile, rangeGuard, remoteFile, sameRemoteFile } from './remote-file.js';
import { retryAfter } from './retry-after.js';

/** Milliseconds between attempts that bring nothing. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/** Where downloaded bytes go. */
export interface Sink {
  /** `chunk` is the caller's again once this returns, or once the promise is fulfilled. */
  write(chunk: Buffer): Promise<void> | undefined;
  /** The download begins again from the first byte. */
  restart(): void;
}

export interface DownloadOptions {
  clock: Clock;
  signal?: AbortSignal;
  /** Bytes that the file must have; null where nobody states it. */
  expectedSize?: number | null;
  /** The most bytes that are read of a file whose size nobody states. */
  maxSize?: number;
  /** Bytes so far, and in all where the server says so. */
  onProgress?(read: number, total: number | null): void;
  /** About to wait `wait` milliseconds before the next attempt; `idle` = attempts in a row that brought nothing. */
  onRetry?(reason: string, wait: number, idle: number): void;
  /** Between 0 and 1; for tests. */
  random?: () => number;
}

/** Attempts in a row without a new byte before it is given up: with the growing wait, about a minute. */
export const MAX_IDLE = 7;
// A host that has not answered once is more often misspelled than down: no reason to keep a person waiting.
const MAX_UNREACHED = 3;
// A server that breaks off after each few bytes would otherwise keep a run busy for days.
const MAX_ATTEMPTS = 2000;

/** What a finished download was: the file, and what came with it. */
interface Downloaded extends RemoteFile {
  size: number;
  contentType: string | null;
  /** As {@link HttpAnswer.way}. */
  way: string;
}

/**
 * Streams the file at `url` into `sink`, each byte once and in order, over broken connections and passing trouble.
 * Throws {@link DownloadError} with the reason in words, or the reason of an aborted signal.
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
  // Further than ever counts as progress: a server that cannot resume comes to the same place again and again.
  let best = 0;
  let idle = 0;
  let waits = growingWait(FIRST_WAIT, LONGEST_WAIT, random);
  let restarted = false;
  let reached = false;

  // What goes wrong behind the sink is no trouble of the network's, and is not tried again.
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

  /** One request, and how far it came. */
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

  /** Takes up what the server says; how many bytes of the body are known already and have to be skipped. */
  function begin(answer: HttpAnswer, ranged: boolean): number {
    const { status } = answer;
    const encoding = foreignEncoding(answer);
    if ((status === 200 || status === 206) && encoding !== null) {
      const why = 'which was not requested: a dock would not receive the file as it is stored';
      throw new DownloadError(`comes with Content-Encoding: ${encoding}${answer.way}, ${why}`);
    }
    const now = remoteFile(answer);
    // Of any other answer the headers speak of an error page.
    const same = file && position > 0 && (status === 200 || status === 206) ? sameRemoteFile(file, now) : null;
    if (same === false || (status === 416 && ranged)) throw new DownloadError(CHANGED);
    if (status === 206 && ranged) {
      const range = contentRange(answer.headers);
      if (range?.start !== position) throw new DownloadError('the server sent another range than the one asked for');
      return 0;
    }
    if (status !== 200) throw new DownloadError(showAnswer(answer));
    // Refused before a byte is read: a server may announce, and send, without end.
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

  /** `announced`: what the server says, null where it just goes on sending. */
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

/** The body, with the way that it came in the errors that break it off. */
async function* bytesOf({ body, way }: HttpAnswer): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw new RequestError(error, way);
  }
}

const CHANGED = 'changed on the server while it was read';
const NOTHING: RemoteFile = { size: null, etag: null, lastModified: null, settled: false };
