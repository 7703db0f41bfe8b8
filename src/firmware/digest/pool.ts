import { Worker } from 'node:worker_threads';
import type { FileDigest } from './file.js';
import type { Hasher } from './hasher.js';
import type { FromWorker, ToWorker } from './worker.js';

/** Threads that digest. */
export interface DigestPool {
  /** As `digestFile`, on another thread. Rejects where the pool is closed before the end. */
  file(path: string, onBytes: (read: number) => void): Promise<FileDigest>;
  /** A hasher whose work is done on another thread. */
  hasher(): Hasher;
  /** Ends the threads, whatever they are doing. */
  close(): Promise<void>;
}

interface Thread {
  worker: Worker;
  /** Files under way on it. */
  load: number;
}

// Large enough that a message costs nothing beside the digesting of it, two a download: one fills, one is digested.
const CHUNK = 512 * 1024;

// Only where the sources themselves are run (by the tests) is this file TypeScript; a thread needs the built one.
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/firmware/digest/worker.js' : './worker.js',
  import.meta.url,
);

/** A pool of up to `size` threads, each started when there is work for it. */
export function digestPool(size: number): DigestPool {
  const threads: Thread[] = [];
  const waiting = new Map<number, { heard(message: FromWorker): void; failed(error: Error): void }>();
  let nextId = 0;
  let failure: Error | undefined;

  function fail(error: Error): void {
    failure ??= error;
    for (const one of [...waiting.values()]) one.failed(failure);
    waiting.clear();
  }

  function start(): Thread {
    // Buffers lie outside the heap; a small heap keeps a thread at a few megabytes.
    const worker = new Worker(ENTRY, { resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 1 } });
    worker.on('message', (message: FromWorker) => waiting.get(message.id)?.heard(message));
    worker.on('error', (error) => fail(error as Error));
    worker.on('exit', () => fail(new Error('the digest threads have been ended')));
    return { worker, load: 0 };
  }

  function leastBusy(): Thread {
    let best = threads.find((thread) => thread.load === 0);
    if (!best && threads.length < size) {
      best = start();
      threads.push(best);
    }
    best ??= threads.reduce((a, b) => (b.load < a.load ? b : a));
    best.load++;
    return best;
  }

  return {
    file(path, onBytes) {
      const id = nextId++;
      const thread = leastBusy();
      return new Promise<FileDigest>((resolve, reject) => {
        if (failure) return reject(failure);
        waiting.set(id, {
          heard(message) {
            if (message.type === 'read') onBytes(message.read);
            else if (message.type === 'file') resolve(message.digest);
          },
          failed: reject,
        });
        thread.worker.postMessage({ id, type: 'file', path } satisfies ToWorker);
      }).finally(() => {
        waiting.delete(id);
        thread.load--;
      });
    },
    hasher() {
      const id = nextId++;
      const thread = leastBusy();
      const hasher = threadHasher((message, transfer) => thread.worker.postMessage({ id, ...message }, transfer ?? []));
      waiting.set(id, hasher);
      if (failure) hasher.failed(failure);
      return {
        ...hasher.hasher,
        digest: () =>
          hasher.hasher.digest().finally(() => {
            waiting.delete(id);
            thread.load--;
          }),
      };
    },
    async close() {
      failure ??= new Error('the digest threads have been ended');
      await Promise.all(threads.map((thread) => thread.worker.terminate()));
    },
  };
}

type WithoutId<T> = T extends { id: number } ? Omit<T, 'id'> : never;

function threadHasher(post: (message: WithoutId<ToWorker>, transfer?: ArrayBuffer[]) => void) {
  const free = [new ArrayBuffer(CHUNK), new ArrayBuffer(CHUNK)];
  let filling: ArrayBuffer | undefined;
  let filled = 0;
  let error: Error | undefined;
  let wake: (() => void) | undefined;
  let finish: ((md5: string) => void) | undefined;
  let refuse: ((error: Error) => void) | undefined;

  async function put(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      if (error) throw error;
      filling ??= free.pop();
      if (!filling) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const piece = chunk.subarray(at, at + CHUNK - filled);
      new Uint8Array(filling).set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled === CHUNK) flush();
    }
  }

  function flush(): void {
    if (!filling) return;
    post({ type: 'chunk', buffer: filling, length: filled }, [filling]);
    filling = undefined;
    filled = 0;
  }

  const hasher: Hasher = {
    update(chunk) {
      // The usual case needs no waiting and no promise: the piece fits into what is being filled.
      if (!error && filling && chunk.length < CHUNK - filled) {
        new Uint8Array(filling).set(chunk, filled);
        filled += chunk.length;
        return undefined;
      }
      return put(chunk);
    },
    reset() {
      filled = 0;
      post({ type: 'reset' });
    },
    digest() {
      return new Promise<string>((resolve, reject) => {
        if (error) return reject(error);
        finish = resolve;
        refuse = reject;
        if (filled > 0) flush();
        post({ type: 'digest' });
      });
    },
  };

  return {
    hasher,
    heard(message: FromWorker) {
      if (message.type === 'digest') return finish?.(message.md5);
      if (message.type !== 'spent') return;
      free.push(message.buffer);
      wake?.();
    },
    failed(failure: Error) {
      error = failure;
      wake?.();
      refuse?.(failure);
    },
  };
}
