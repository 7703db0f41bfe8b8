import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../clock.js';
import { type FileProof, proofOf, sameProof } from '../digest/file.js';
import { sendRange } from './body.js';
import type { Connections } from './connections.js';
import { rangeAnswer } from './range.js';
import type { Rate } from './rate.js';
import type { ServedFile, Transfer } from './served-file.js';

/** A file with its state when serving began. */
export interface Shelf extends ServedFile {
  etag: string;
  lastModified: string;
  proof: FileProof;
}

/** The served files, and the limits. */
export interface Shop {
  byPath: ReadonlyMap<string, Shelf>;
  clock: Clock;
  rate: Rate | null;
  /** Milliseconds without a byte. */
  idle: number;
  nextId(): number;
  onTransfer: ((transfer: Transfer) => void) | undefined;
}

/** Answers one request, including its body. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  shop: Shop,
  connections: Connections,
): Promise<void> {
  response.setHeader('x-content-type-options', 'nosniff');
  // Only whole paths are compared, unchanged, so path traversal is impossible.
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const shelf = shop.byPath.get(path);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(response, 405);
  }
  if (!shelf) return refuse(response, 404);
  const admitted = connections.admit(request.socket, path);
  if (!admitted) {
    response.setHeader('retry-after', 5);
    return refuse(response, 503);
  }
  let handle: FileHandle | undefined;
  try {
    handle = await open(shelf.file, 'r').catch(() => undefined);
    if (!handle) return refuse(response, 410);
    await answerWith(handle, request, response, shelf, path, shop, admitted.moved);
  } finally {
    admitted.done();
    await handle?.close();
  }
}

async function answerWith(
  handle: FileHandle,
  request: IncomingMessage,
  response: ServerResponse,
  shelf: Shelf,
  path: string,
  { clock, rate, idle, nextId, onTransfer }: Shop,
  moved: () => void,
): Promise<void> {
  const isSame = async () => sameProof(proofOf(await handle.stat({ bigint: true })), shelf.proof);
  // The file has changed. The dock has the digest of the old bytes, so it gets none.
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
  const pace = { clock, rate, who: shelf.sn ?? path, idle };
  await sendRange(handle, response, range, isSame, pace, moved, (bytes, done) =>
    onTransfer?.({ ...transfer, bytes, done }),
  );
}

/** Without the file the connection is useless, unless only the range does not exist. */
function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0, ...(status === 416 ? {} : { connection: 'close' }) });
  response.end();
}
