import { Worker } from 'node:worker_threads';
import { type EntrySink, PIECE } from './digester.js';
import type { EntryDigest } from './entry-hasher.js';
import type { FileDigest, FileTask } from './file.js';
import type { FromWorker, ToWorker } from './worker.js';

/** A pool of threads that digest. */
export interface DigestPool {
  /** Like `digestFile`, on another thread. Rejects if the pool is closed before the end. */
  file(task: FileTask, onBytes: (read: number) => void): Promise<FileDigest>;
  /** Digests entries on another thread; this thread fills the pieces. */
  entries(): EntrySink;
  /** Ends the threads, even if they are busy. */
  close(): Promise<void>;
}

interface Thread {
  worker: Worker;
  /** The number of files that it is digesting. */
  load: number;
}

// One is being filled, one waits, and two are on the other thread, so that neither side waits for the other.
const BUFFERS = 4;

// In tests, the sources are TypeScript, but a thread needs the built file.
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/firmware/digest/worker.js' : './worker.js',
  import.meta.url,
);

/** A pool of up to `size` threads. Each one starts when there is work for it. */
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
    // Buffers are outside the heap. A small heap limits a thread to a few megabytes.
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
    file(task, onBytes) {
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
        thread.worker.postMessage({ id, type: 'file', task } satisfies ToWorker);
      }).finally(() => {
        waiting.delete(id);
        thread.load--;
      });
    },
    entries() {
      const id = nextId++;
      const thread = leastBusy();
      const done = () => {
        if (waiting.delete(id)) thread.load--;
      };
      const { sink, ...listener } = threadSink(
        id,
        (message, transfer) => thread.worker.postMessage(message, transfer),
        done,
      );
      waiting.set(id, listener);
      if (failure) listener.failed(failure);
      return sink;
    },
    async close() {
      failure ??= new Error('the digest threads have been ended');
      await Promise.all(threads.map((thread) => thread.worker.terminate()));
    },
  };
}

function threadSink(id: number, post: (message: ToWorker, transfer?: ArrayBuffer[]) => void, done: () => void) {
  const free = Array.from({ length: BUFFERS }, () => new ArrayBuffer(PIECE));
  let error: Error | undefined;
  /** Callers that wait for a buffer, or for the digests. */
  const takers: { resolve(buffer: ArrayBuffer): void; reject(error: Error): void }[] = [];
  let finishing: { resolve(entries: EntryDigest[]): void; reject(error: Error): void } | undefined;

  const sink: EntrySink = {
    take() {
      if (error) return Promise.reject(error);
      return free.pop() ?? new Promise<ArrayBuffer>((resolve, reject) => takers.push({ resolve, reject }));
    },
    put(buffer, length, parts) {
      // There is nothing to digest in it.
      if (parts.length === 0) returned(buffer);
      else post({ id, type: 'piece', buffer, length, parts }, [buffer]);
      return undefined;
    },
    finish() {
      return new Promise<EntryDigest[]>((resolve, reject) => {
        if (error) return reject(error);
        finishing = { resolve, reject };
        post({ id, type: 'finish' });
      }).finally(done);
    },
    drop() {
      post({ id, type: 'drop' });
      done();
    },
  };

  function returned(buffer: ArrayBuffer): void {
    const taker = takers.shift();
    if (taker) taker.resolve(buffer);
    else free.push(buffer);
  }

  return {
    sink,
    heard(message: FromWorker) {
      if (message.type === 'entries') finishing?.resolve(message.entries);
      else if (message.type === 'spent') returned(message.buffer);
    },
    failed(failure: Error) {
      error = failure;
      for (const taker of takers.splice(0)) taker.reject(failure);
      finishing?.reject(failure);
    },
  };
}
