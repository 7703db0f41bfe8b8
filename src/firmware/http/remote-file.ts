import { type Content, TELLING, whatItIs } from '../check/what-it-is.js';
import type { HttpAnswer, HttpClient } from './client.js';
import { foreignEncoding } from './errors.js';

/** What a server says of a file: how long it is, and what proves that it is still the same. */
export interface RemoteFile {
  /** Bytes; null where the server does not say. */
  size: number | null;
  /** A strong ETag with its quotes; null where there is none or only a weak one. */
  etag: string | null;
  /** `Last-Modified` as sent. */
  lastModified: string | null;
  /** Whether `lastModified` is old enough beside the server's `Date` to prove anything (RFC 9110, 8.8.2.2). */
  settled: boolean;
}

// Much longer than any real one; what is longer is worth nothing as a proof.
const MAX_VALIDATOR = 512;

/**
 * What the answer to a request for the whole file, or for a part of it, says of the file; nothing where the body was
 * encoded on the way, since then all of it is about other bytes.
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

/** Whether both are one file beyond doubt: `false` = another one, `null` = nothing proves either. */
export function sameRemoteFile(a: RemoteFile, b: RemoteFile): boolean | null {
  if (a.size !== null && b.size !== null && a.size !== b.size) return false;
  if (a.etag !== null && b.etag !== null) return a.etag === b.etag;
  if (a.lastModified !== null && b.lastModified !== null) {
    if (a.lastModified !== b.lastModified) return false;
    return a.settled && a.size !== null && b.size !== null ? true : null;
  }
  return null;
}

/** The value of `If-Range` that guards a resumed download, or null where the server gave nothing strong enough. */
export function rangeGuard(file: RemoteFile): string | null {
  return file.etag ?? (file.settled ? file.lastModified : null);
}

/** The parts of `Content-Range`: `bytes 5-9/10`, or of a refused range `bytes` with a star for the part. */
export function contentRange(headers: HttpAnswer['headers']): { start: number | null; total: number | null } | null {
  const match = /^bytes (?:(\d{1,30})-\d{1,30}|\*)\/(\d{1,30}|\*)$/.exec(headers['content-range'] ?? '');
  if (!match) return null;
  return {
    start: byteCount(match[1]),
    total: byteCount(match[2]),
  };
}

/** What a server said of a file when it was asked for its first byte. */
interface RemoteLook {
  /** 200 where the file is there, whether the server can send parts of it or not. */
  status: number;
  file: RemoteFile;
  /** What came in place of the file, or its beginning: as exact as one byte, or a page of an error, allows. */
  content: Content;
  /** As {@link foreignEncoding}. */
  encoding: string | null;
  /** As {@link HttpAnswer.way}. */
  way: string;
}

/**
 * What the server says of the file at `url` without sending it: by GET with a range, as a dock asks. HEAD is not asked: a URL
 * that is signed for GET refuses it, and many servers answer it with a length of 0 or of a compressed body.
 * Rejects as {@link HttpClient.get}.
 */
export async function askRemote(client: HttpClient, url: string, signal?: AbortSignal): Promise<RemoteLook> {
  let answer = await client.get(url, { range: 'bytes=0-0' }, signal);
  // An empty file has no first byte; anything else that is refused may be the range alone.
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

/** What came with the headers, or next; the rest is not read, however long or slow it is. */
async function beginning({ body, headers }: HttpAnswer): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      if (first.length === 0) first = piece.subarray(0, TELLING);
      // Where that was all, its end lets the connection be used again.
      if (first.length > 0 && String(piece.length) !== headers['content-length']) break;
    }
  } catch {
    // What came before it broke off tells enough.
  } finally {
    body.destroy();
  }
  return first;
}

function bounded(value: string | undefined): string | null {
  return value !== undefined && value !== '' && value.length <= MAX_VALIDATOR ? value : null;
}

// What is too large to be counted is too large all the same.
function byteCount(value: string | undefined): number | null {
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : null;
}

// Within the same second a file can change twice without its Last-Modified telling.
function isSettled(lastModified: string | null, date: string | undefined): boolean {
  if (lastModified === null) return false;
  const age = Date.parse(date ?? '') - Date.parse(lastModified);
  return age >= 1000;
}
