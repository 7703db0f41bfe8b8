import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../../clock.js';
import { OtaError, systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { proofOf, sameProof } from '../digest/file.js';
import { serveBase } from './address.js';
import { answer, type Shelf, type Shop } from './answer.js';
import { CONNECTION_LIMITS, type ConnectionLimits, guardConnections } from './connections.js';
import { fairRate } from './rate.js';
import type { ServedFile, Transfer } from './served-file.js';

/** The options of the server. */
export interface ServeOptions {
  host: string;
  /** 0 = any free port. */
  port: number;
  /** The base URL for docks instead of `http://host:port`, for example behind a proxy. */
  baseUrl?: string | undefined;
  clock: Clock;
  /** Bytes per second in total, shared equally by the devices; null = no limit. */
  rate?: number | null | undefined;
  /** Called at most ten times a second for each download. */
  onTransfer?(transfer: Transfer): void;
  /** For tests. */
  limits?: Partial<ServeLimits> | undefined;
}

/** A running server. */
export interface FirmwareServer {
  /** The URL for the file at this absolute path. Throws if that file is not served. */
  urlOf(file: string, sn?: string): string;
  /** Stops the server and all downloads. */
  close(): Promise<void>;
}

interface ServeLimits extends ConnectionLimits {
  /** Milliseconds within which a request must be complete. */
  request: number;
  /** Milliseconds without a byte in either direction. */
  idle: number;
}

const LIMITS: ServeLimits = { ...CONNECTION_LIMITS, request: 20_000, idle: 120_000 };

/** The most pipelined requests of one connection. Docks send none before the previous response. */
const MAX_WAITING = 4;

/**
 * Serves `files`, and nothing else, over HTTP. Each new path contains 128 random bits. Throws `usage` if the address cannot be
 * used, `firmware_unreadable` or `firmware_mismatch` if a file is not as it was when it was digested.
 */
export async function serveFirmware(files: readonly ServedFile[], options: ServeOptions): Promise<FirmwareServer> {
  const { host, port, baseUrl, clock } = options;
  const limits = { ...LIMITS, ...options.limits };
  // Checked before listening, so that an unusable base is reported at once.
  serveBase({ host, port }, baseUrl);
  const byPath = new Map<string, Shelf>();
  const pathOf = new Map<string, string>();
  const shelves = new Map<string, Shelf>();
  for (const file of files) {
    const key = keyOf(file.file, file.sn);
    if (pathOf.has(key)) continue;
    const path = file.path ?? freshPath(file.file_name);
    const shelf = shelves.get(file.file) ?? (await shelve(file));
    shelves.set(file.file, shelf);
    byPath.set(path, { ...shelf, sn: file.sn });
    pathOf.set(key, path);
  }
  let transfers = 0;
  const shop: Shop = {
    byPath,
    clock,
    rate: options.rate ? fairRate(options.rate, clock) : null,
    idle: limits.idle,
    nextId: () => transfers++,
    onTransfer: options.onTransfer,
  };
  const lines = new WeakMap<Socket, { waiting: number; last: Promise<void> }>();
  const server = createServer(
    {
      requestTimeout: limits.request,
      headersTimeout: limits.request,
      connectionsCheckingInterval: Math.min(5000, limits.request),
      maxHeaderSize: 8192,
      keepAlive: true,
    },
    (request, response) => {
      // One request at a time, because each one uses a file handle and a buffer.
      const { socket } = request;
      const line = lines.get(socket) ?? { waiting: 0, last: Promise.resolve() };
      lines.set(socket, line);
      if (socket.destroyed || ++line.waiting > MAX_WAITING) return void socket.destroy();
      line.last = line.last
        .then(() => (socket.destroyed ? undefined : answer(request, response, shop, connections)))
        .catch(() => void response.destroy())
        .finally(() => line.waiting--);
    },
  );
  server.setTimeout(limits.idle, (socket) => socket.destroy());
  const connections = guardConnections(server, clock, limits);
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

function freshPath(fileName: string): string {
  const name = /^\.*$/.test(fileName) ? 'firmware' : fileName;
  return `/${randomBytes(16).toString('base64url')}/${encodeURIComponent(name)}`;
}

async function shelve(file: ServedFile): Promise<Shelf> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file.file, 'r');
    const stats = await handle.stat({ bigint: true });
    const proof = proofOf(stats);
    if (proof.size !== file.file_size || (file.proof && !sameProof(proof, file.proof))) {
      throw new OtaError('firmware_mismatch', `${safeText(file.file, 300)} has changed since it was digested`);
    }
    const lastModified = stats.mtime.toUTCString();
    return { ...file, etag: `"${file.md5}"`, lastModified, proof };
  } catch (cause) {
    if (cause instanceof OtaError) throw cause;
    const message = `${safeText(file.file, 300)} cannot be served: ${systemReason(cause)}`;
    throw new OtaError('firmware_unreadable', message, { cause });
  } finally {
    await handle?.close();
  }
}
