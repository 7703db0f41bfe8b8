import { availableParallelism } from 'node:os';
import { safeText } from '../../text.js';
import type { Digest, DigestCache } from '../digest/cache.js';
import { type FileProof, fileProof } from '../digest/file.js';
import type { DigestPool } from '../digest/pool.js';
import type { HttpClient } from '../http/client.js';
import type { Collector } from '../http/collect-garbage.js';
import { readingBoard } from './progress-board.js';
import { type FirmwareSource, type ReadContext, type ReadOptions, type ReadResult, WORTH_A_THREAD } from './source.js';

// Four threads digest more than 2 GB a second, which is faster than nearly any disk. Each thread needs about 12 MB.
const MAX_THREADS = 4;
const MAX_DOWNLOADS = 3;

/**
 * Reads and digests `sources` in parallel on all cores. Files that the cache proves to be unchanged are not read. Failures are
 * in the results. Rejects with the reason of an aborted signal, and with `settings_invalid` for an invalid proxy.
 */
export async function readFirmware(
  sources: readonly FirmwareSource[],
  options: ReadOptions,
): Promise<Map<FirmwareSource, ReadResult>> {
  const { signal, clock } = options;
  const results = new Map<FirmwareSource, ReadResult>();
  const board = readingBoard(clock, options.onReading);
  const tools = toolbox(options);
  const settle = (source: FirmwareSource, result: ReadResult) => {
    results.set(source, result);
    options.onResult?.(source, result);
  };
  try {
    signal?.throwIfAborted();
    const cache = options.cacheFile === null ? null : await tools.cache(options.cacheFile);
    const toRead: { source: FirmwareSource; proof: FileProof | null }[] = [];
    const look = async (source: FirmwareSource) => {
      const found = await lookUp(source, cache, tools);
      if ('result' in found) settle(source, found.result);
      else toRead.push({ source, proof: found.proof });
    };
    await Promise.all(sources.map(look));
    const order = new Map(sources.map((source, index) => [source, index]));
    toRead.sort((a, b) => (order.get(a.source) ?? 0) - (order.get(b.source) ?? 0));

    const cores = Math.min(availableParallelism(), MAX_THREADS);
    const bytes = toRead.reduce((sum, one) => sum + (one.proof?.size ?? WORTH_A_THREAD), 0);
    const files = toRead.filter((one) => one.source.kind === 'file').length;
    const pool = cores > 1 && bytes >= WORTH_A_THREAD ? await tools.pool(cores) : null;
    // A single file uses two threads, one for the file and one for its entries; several files use one thread each.
    const spread = files === 1;
    const read = async ({ source, proof }: { source: FirmwareSource; proof: FileProof | null }) => {
      const context: ReadContext = { options, board, pool, spread, cache };
      if (proof) {
        const { readFile } = await import('./read-file.js');
        settle(source, await readFile(source, proof, context));
      } else {
        const { readUrl } = await import('./read-url.js');
        settle(source, await readUrl(source, await tools.client(), context, await tools.collector()));
      }
    };
    await Promise.all([
      inTurn(
        toRead.filter((one) => one.source.kind === 'file'),
        cores,
        read,
      ),
      inTurn(
        toRead.filter((one) => one.source.kind === 'url'),
        MAX_DOWNLOADS,
        read,
      ),
    ]);
    await cache?.save().catch((error) => options.onCacheProblem?.(error));
    return results;
  } finally {
    board.close();
    await tools.close();
  }
}

interface Toolbox {
  cache(path: string): Promise<DigestCache>;
  client(): Promise<HttpClient>;
  collector(): Promise<Collector>;
  pool(size: number): Promise<DigestPool>;
  close(): Promise<void>;
}

// Loaded on first use: if all files are in the cache, no thread is started and no HTTP client is loaded.
function toolbox(options: ReadOptions): Toolbox {
  let client: Promise<HttpClient> | undefined;
  let collector: Promise<Collector> | undefined;
  let pool: DigestPool | undefined;
  return {
    cache: async (path) => (await import('../digest/cache.js')).openCache(path, () => options.clock.wall()),
    client() {
      client ??= import('../http/client.js').then(({ httpClient }) => httpClient(options));
      return client;
    },
    collector() {
      collector ??= import('../http/collect-garbage.js').then(({ bufferCollector }) => bufferCollector());
      return collector;
    },
    async pool(size) {
      pool = (await import('../digest/pool.js')).digestPool(size);
      return pool;
    },
    async close() {
      await pool?.close();
      await client?.then((made) => made.close()).catch(() => {});
    },
  };
}

async function lookUp(
  source: FirmwareSource,
  cache: DigestCache | null,
  tools: Toolbox,
): Promise<{ result: ReadResult } | { proof: FileProof | null }> {
  if (source.kind === 'file') {
    const found = await fileProof(source.location);
    if ('problem' in found) return { result: { ok: false, problem: safeText(found.problem) } };
    const digest = enough(cache?.file(source.location, found.proof), source);
    return digest ? { result: { ok: true, source: 'cache', digest } } : found;
  }
  if (!cache?.has({ kind: 'url', url: source.location })) return { proof: null };
  const { askRemote } = await import('../http/remote-file.js');
  // The download repeats any error here, with retries and a better message.
  const answer = await askRemote(await tools.client(), source.location).catch(() => null);
  if (answer?.status !== 200 || answer.file.size === null) return { proof: null };
  const digest = enough(cache.url(source.location, { ...answer.file, size: answer.file.size }), source);
  return digest ? { result: { ok: true, source: 'cache', digest } } : { proof: null };
}

function enough(digest: Digest | null | undefined, { sha256 }: FirmwareSource): Digest | null {
  return digest && (!sha256 || digest.sha256 !== null) ? digest : null;
}

async function inTurn<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
