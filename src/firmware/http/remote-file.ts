import { type Content, TELLING, whatItIs } from '../check/what-it-is.js';
import type { HttpAnswer, HttpClient } from './client.js';
import { foreignEncoding } from './errors.js';

/** What a server says about a file: its size, and what proves that it has not changed. */
export interface RemoteFile {
  /** Bytes; null = not given. */
  size: number | null;
  /** A strong ETag with its quotes; null = there is none, or a weak one. */
  etag: string | null;
  /** `Last-Modified` as received. */
  lastModified: string | null;
  /** Whether `lastModified` is old enough, compared with the server's `Date`, to be a strong validator (RFC 9110, 8.8.2.2). */
  settled: boolean;
}

// Much longer than any real validator. A longer one is ignored.
const MAX_VALIDATOR = 512;

/**
 * What a response to a request for the file, or for a part of it, says about the file; nothing if the body was encoded, because
 * the headers then describe other bytes.
 */
export function remoteFile({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>): RemoteFile {
  if (foreignEncoding({ headers }) !== null) return { size: null, etag: null, lastModified: null, settled: false };
  const etag = bounded(headers.etag);
  const lastModified = bounded(headers['last-modified']);
  return {
    size:
      status === 206 || status === 416 ? (contentRange(headers)?.total ?? null) : byteCount(headers['content-length']),
    etag: etag && /^"[^"]*"$/.test(etag) ? etag : null,
    lastModified,
    settled: isSettled(lastModified, headers.date),
  };
}

/** Whether both are certainly the same file. `false` = different, `null` = nothing proves it. */
export function sameRemoteFile(a: RemoteFile, b: RemoteFile): boolean | null {
  if (a.size !== null && b.size !== null && a.size !== b.size) return false;
  if (a.etag !== null && b.etag !== null) return a.etag === b.etag;
  if (a.lastModified !== null && b.lastModified !== null) {
    if (a.lastModified !== b.lastModified) return false;
    return a.settled && a.size !== null && b.size !== null ? true : null;
  }
  return null;
}

/** The `If-Range` value for resuming a download; null = the server gave no strong validator. */
export function rangeGuard(file: RemoteFile): string | null {
  return file.etag ?? (file.settled ? file.lastModified : null);
}

/** The parts of `Content-Range`: `bytes 5-9/10`, or a star instead of the range if it was refused. */
export function contentRange(headers: HttpAnswer['headers']): { start: number | null; total: number | null } | null {
  const match = /^bytes (?:(\d{1,30})-\d{1,30}|\*)\/(\d{1,30}|\*)$/.exec(headers['content-range'] ?? '');
  if (!match) return null;
  return {
    start: byteCount(match[1]),
    total: byteCount(match[2]),
  };
}

/** What a server said about a file when asked for its first byte. */
interface RemoteLook {
  /** 200 if the file exists, whether or not the server supports ranges. */
  status: number;
  file: RemoteFile;
  /** What was sent instead of the file, or its beginning. One byte, or an error page, gives only an inexact answer. */
  content: Content;
  /** See {@link foreignEncoding}. */
  encoding: string | null;
  /** See {@link HttpAnswer.way}. */
  way: string;
}

/**
 * Asks the server about the file at `url` without downloading it: by GET with a range, as a dock does. Not by HEAD: a URL that
 * is signed for GET refuses it, and many servers answer it with a length of 0 or of a compressed body. Rejects as {@link
 * HttpClient.get}.
 */
export async function askRemote(client: HttpClient, url: string, signal?: AbortSignal): Promise<RemoteLook> {
  let answer = await client.get(url, { range: 'bytes=0-0' }, signal);
  // An empty file has no first byte. Otherwise only the range may be refused.
  const total = answer.status === 416 ? (contentRange(answer.headers)?.total ?? null) : null;
  if (total !== 0 && [400, 416, 501].includes(answer.status)) {
    answer.body.destroy();
    answer = await client.get(url, {}, signal);
  }
  const { headers, way } = answer;
  const isThere = answer.status === 206 || (answer.status === 416 && total === 0);
  const content = whatItIs(await beginning(answer), headers['content-type']);
  const status = isThere ? 200 : answer.status;
  return { status, file: remoteFile(answer), content, encoding: foreignEncoding(answer), way };
}

/** The first bytes of the body. The rest is not read, however long or slow it is. */
async function beginning({ body, headers }: HttpAnswer): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      if (first.length === 0) first = piece.subarray(0, TELLING);
      // If the body ends here, the connection can be reused.
      if (first.length > 0 && String(piece.length) !== headers['content-length']) break;
    }
  } catch {
    // What came before the error is sufficient.
  } finally {
    body.destroy();
  }
  return first;
}

function bounded(value: string | undefined): string | null {
  return value !== undefined && value !== '' && value.length <= MAX_VALIDATOR ? value : null;
}

// A number that is too large to be exact is still too large.
function byteCount(value: string | undefined): number | null {
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : null;
}

// A file can change twice within the resolution of Last-Modified, which is one second.
function isSettled(lastModified: string | null, date: string | undefined): boolean {
  if (lastModified === null) return false;
  const age = Date.parse(date ?? '') - Date.parse(lastModified);
  return age >= 1000;
}
