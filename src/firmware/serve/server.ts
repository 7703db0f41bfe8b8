import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../clock.js';
import { OtaError, systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { serveBase } from './address.js';
import { sendRange } from './body.js';
import { rangeAnswer } from './range.js';

/** A file that the docks may have. */
export interface ServedFile {
  /** Absolute path. */
  file: string;
  file_name: string;
  /** Bytes. */
  file_size: number;
  /** Lower-case hex. */
  md5: string;
  /** The one device that it is for: it gets a URL of its own, so that its download is known as its. */
  sn?: string | undefined;
  /** The path of its URL, where a dock was told one before; else a new one. */
  path?: string | undefined;
}

/** How far one download is. */
export interface Transfer {
  /** Absolute path. */
  file: string;
  /** The device whose URL it is; null where the file has one for all. */
  sn: string | null;
  /** Address of the one who downloads. */
  remote: string;
  /** Names this download among all of this server. */
  id: number;
  /** The place in the file up to which it has been sent; a resumed download does not begin at 0. */
  bytes: number;
  /** Size of the file. */
  total: number;
  /** Nothing more comes of this download, whether it reached its end or broke off. */
  done: boolean;
}

export interface ServeOptions {
  host: string;
  /** 0 = any free one. */
  port: number;
  /** What the docks are told in place of `http://host:port`, e.g. behind a proxy. */
  baseUrl?: string | undefined;
  clock: Clock;
  /** At most ten times a second for each download. */
  onTransfer?(transfer: Transfer): void;
  /** Milliseconds: for a request to be complete, and without a byte in either direction. For tests. */
  limits?: { request: number; idle: number } | undefined;
}

export interface FirmwareServer {
  /** What a dock is told for the file at this absolute path. Throws where it is none of the served. */
  urlOf(file: string, sn?: string): string;
  /** Ends the server and every download. */
  close(): Promise<void>;
}

interface Shelf extends ServedFile {
  etag: string;
  lastModified: string;
  mtime: bigint;
  ino: bigint;
}

const LIMITS = { request: 20_000, idle: 120_000 };

/**
 * Serves `files`, and nothing else, over HTTP. New paths hold 128 random bits.
 * Throws `usage` where the address cannot be used, `firmware_unreadable` or `firmware_mismatch` where a file is not there
 * any more as it was digested.
 */
export async function serveFirmware(files: readonly ServedFile[], options: ServeOptions): Promise<FirmwareServer> {
  const { host, port, baseUrl, clock, limits = LIMITS } = options;
  // Before anything listens: a base that no dock can use is said at once.
  serveBase({ host, port }, baseUrl);
  const secret = randomBytes(16).toString('base64url');
  const byPath = new Map<string, Shelf>();
  const pathOf = new Map<string, string>();
  const shelves = new Map<string, Shelf>();
  for (const file of files) {
    const key = keyOf(file.file, file.sn);
    if (pathOf.has(key)) continue;
    const fresh = `/${secret}/${pathOf.size}/${encodeURIComponent(/^\.*$/.test(file.file_name) ? 'firmware' : file.file_name)}`;
    const path = file.path ?? fresh;
    const shelf = shelves.get(file.file) ?? (await shelve(file));
    shelves.set(file.file, shelf);
    byPath.set(path, { ...shelf, sn: file.sn });
    pathOf.set(key, path);
  }
  let transfers = 0;
  const server = createServer(
    {
      requestTimeout: limits.request,
      headersTimeout: limits.request,
      connectionsCheckingInterval: Math.min(5000, limits.request),
      maxHeaderSize: 8192,
      keepAlive: true,
    },
    (request, response) => {
      const next = () => transfers++;
      answer(request, response, byPath, clock, next, options.onTransfer).catch(() => response.destroy());
    },
  );
  server.setTimeout(limits.idle, (socket) => socket.destroy());
  server.maxConnections = 4096;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const hint = 'Choose an address of this machine and a free port.';
      reject(new OtaError('usage', `--serve ${host}:${port} cannot be used: ${systemReason(cause)}`, { cause, hint }));
    });
    server.listen(port, host, resolve);
  });
  // A single failed accept must not end a run that has been published.
  server.removeAllListeners('error').on('error', () => {});
  const base = serveBase({ host, port: (server.address() as AddressInfo).port }, baseUrl);
  return {
    urlOf(file, sn) {
      const path = pathOf.get(keyOf(file, sn));
      if (path === undefined) throw new OtaError('internal', `${safeText(file)} is not served`);
      return base + path;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function keyOf(file: string, sn: string | undefined): string {
  return sn === undefined ? file : `${sn}\n${file}`;
}

async function shelve(file: ServedFile): Promise<Shelf> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file.file, 'r');
    const stats = await handle.stat({ bigint: true });
    if (Number(stats.size) !== file.file_size) {
      throw new OtaError('firmware_mismatch', `${safeText(file.file, 300)} has changed since it was digested`);
    }
    const lastModified = stats.mtime.toUTCString();
    return { ...file, etag: `"${file.md5}"`, lastModified, mtime: stats.mtimeNs, ino: stats.ino };
  } catch (cause) {
    if (cause instanceof OtaError) throw cause;
    const message = `${safeText(file.file, 300)} cannot be served: ${systemReason(cause)}`;
    throw new OtaError('firmware_unreadable', message, { cause });
  } finally {
    await handle?.close();
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  byPath: ReadonlyMap<string, Shelf>,
  clock: Clock,
  nextId: () => number,
  onTransfer: ServeOptions['onTransfer'],
): Promise<void> {
  response.setHeader('x-content-type-options', 'nosniff');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(response, 405);
  }
  // Only whole paths are compared, as they came: there is nothing to climb out of.
  const shelf = byPath.get((request.url ?? '').split('?', 1)[0] ?? '');
  if (!shelf) return refuse(response, 404);
  let handle: FileHandle;
  try {
    handle = await open(shelf.file, 'r');
  } catch {
    return refuse(response, 410);
  }
  try {
    const isSame = async () => {
      const { size, mtimeNs, ino } = await handle.stat({ bigint: true });
      return Number(size) === shelf.file_size && mtimeNs === shelf.mtime && ino === shelf.ino;
    };
    // Other bytes than those that the dock was told the digest of: better none.
    if (!(await isSame())) return refuse(response, 410);
    const range = rangeAnswer(request.headers, shelf.file_size, shelf.etag, shelf.lastModified);
    response.setHeader('accept-ranges', 'bytes');
    if (range.status === 416) {
      response.setHeader('content-range', `bytes */${shelf.file_size}`);
      return refuse(response, 416);
    }
    response.writeHead(range.status, {
      'content-type': 'application/octet-stream',
      'content-length': range.end - range.start + 1,
      etag: shelf.etag,
      'last-modified': shelf.lastModified,
      'cache-control': 'no-transform',
      ...(range.status === 206 ? { 'content-range': `bytes ${range.start}-${range.end}/${shelf.file_size}` } : {}),
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const remote = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
    const transfer = { file: shelf.file, sn: shelf.sn ?? null, remote, id: nextId(), total: shelf.file_size };
    await sendRange(handle, response, range, isSame, clock, (bytes, done) =>
      onTransfer?.({ ...transfer, bytes, done }),
    );
  } finally {
    await handle.close();
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}
