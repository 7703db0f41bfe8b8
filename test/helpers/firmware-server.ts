/** A file server that misbehaves on demand, for tests of downloads. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: string | undefined;
  /** `Accept-Encoding`. */
  encodings: string | string[] | undefined;
}

export interface StoreOptions {
  body: Buffer | (() => Buffer);
  etag?: string | null | (() => string | null);
  lastModified?: string | null;
  /** False: every request gets the whole file. */
  ranges?: boolean;
  /** The number of body bytes after which the connection of this GET is cut; null = never. */
  cutAfter?: (get: number) => number | null;
  /** Announce more bytes than there are. */
  announce?: number;
  /** Without `Content-Length`. */
  chunked?: boolean;
  /** Handles a request itself if it returns true. `count` counts all requests from 0. */
  before?: (request: IncomingMessage, response: ServerResponse, count: number) => boolean;
}

export interface Store {
  url: string;
  asked: Asked[];
  close(): Promise<void>;
}

/** A store with one file on a free port of this machine. */
export async function fileStore(options: StoreOptions): Promise<Store> {
  const asked: Asked[] = [];
  let gets = 0;
  const server = createServer((request, response) => {
    const { range, authorization, 'if-range': ifRange } = request.headers;
    const encodings = request.headers['accept-encoding'];
    const one = { method: request.method ?? '', path: request.url ?? '', range, authorization, encodings };
    asked.push({ ...one, ifRange: typeof ifRange === 'string' ? ifRange : undefined });
    if (options.before?.(request, response, asked.length - 1)) return;
    const cut = request.method === 'GET' ? (options.cutAfter?.(gets++) ?? null) : null;
    send(request, response, options, cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/store/firmware.zip`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(request: IncomingMessage, response: ServerResponse, options: StoreOptions, cut: number | null): void {
  const body = typeof options.body === 'function' ? options.body() : options.body;
  const etag = typeof options.etag === 'function' ? options.etag() : options.etag === undefined ? '"v1"' : options.etag;
  const { lastModified = null } = options;
  if (etag !== null) response.setHeader('etag', etag);
  if (lastModified !== null) response.setHeader('last-modified', lastModified);
  const guard = request.headers['if-range'];
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const wanted = options.ranges !== false && range && (guard === undefined || guard === etag || guard === lastModified);
  let part = body;
  if (wanted) {
    const start = Number(range[1]);
    const end = range[2] === '' ? body.length - 1 : Math.min(body.length - 1, Number(range[2]));
    if (start >= body.length) {
      response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      return;
    }
    part = body.subarray(start, end + 1);
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${end}/${body.length}`);
  }
  if (options.chunked) response.setHeader('transfer-encoding', 'chunked');
  else response.setHeader('content-length', options.announce ?? part.length);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  if (cut !== null && cut < part.length) {
    // In the callback, so that the bytes are sent before the connection ends.
    response.flushHeaders();
    response.write(part.subarray(0, cut), () => response.socket?.end());
  } else if (options.announce !== undefined && options.announce > part.length) {
    response.write(part, () => response.socket?.end());
  } else response.end(part);
}
