import type { HttpAnswer, HttpClient } from './client.js';

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

/** What the answer to a request for the whole file, or for a part of it, says of the file. */
export function remoteFile({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>): RemoteFile {
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
  const match = /^bytes (?:(\d{1,15})-\d{1,15}|\*)\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '');
  if (!match) return null;
  return {
    start: match[1] === undefined ? null : Number(match[1]),
    total: match[2] === undefined || match[2] === '*' ? null : Number(match[2]),
  };
}

/**
 * What the server says of the file at `url` without sending it: HEAD, and where that is refused the first byte, since a
 * URL signed for GET answers nothing else. Rejects as {@link HttpClient.send}.
 */
export async function askRemote(client: HttpClient, url: string): Promise<{ status: number; file: RemoteFile }> {
  const head = await client.send('HEAD', url);
  head.body.destroy();
  if (head.status === 200) return { status: 200, file: remoteFile(head) };
  const get = await client.send('GET', url, { range: 'bytes=0-0' });
  get.body.destroy();
  // An empty file has no first byte.
  const empty = get.status === 416 && contentRange(get.headers)?.total === 0;
  return { status: get.status === 206 || empty ? 200 : get.status, file: remoteFile(get) };
}

function bounded(value: string | undefined): string | null {
  return value !== undefined && value !== '' && value.length <= MAX_VALIDATOR ? value : null;
}

function byteCount(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

// Within the same second a file can change twice without its Last-Modified telling.
function isSettled(lastModified: string | null, date: string | undefined): boolean {
  if (lastModified === null) return false;
  const age = Date.parse(date ?? '') - Date.parse(lastModified);
  return age >= 1000;
}
