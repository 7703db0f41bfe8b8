/** The entry point of a digest thread. It digests whole files, and the entries of files that the main thread reads. */
import { parentPort } from 'node:worker_threads';
import type { EntryPart } from '../package/entry-walk.js';
import { type EntryDigest, type EntryHasher, entryHasher } from './entry-hasher.js';
import { digestFile, type FileDigest, type FileTask } from './file.js';

/** Messages to the thread. `id` identifies a file. */
export type ToWorker =
  | { id: number; type: 'file'; task: FileTask }
  | { id: number; type: 'piece'; buffer: ArrayBuffer; length: number; parts: readonly EntryPart[] }
  | { id: number; type: 'drop' }
  | { id: number; type: 'finish' };

/** Messages from the thread. `spent` returns the buffer of a digested piece. */
export type FromWorker =
  | { id: number; type: 'read'; read: number }
  | { id: number; type: 'file'; digest: FileDigest }
  | { id: number; type: 'spent'; buffer: ArrayBuffer }
  | { id: number; type: 'entries'; entries: EntryDigest[] };

const port = parentPort;
if (!port) throw new Error('digest-worker runs as a thread');
const tell = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
/** The sequential work for each file whose pieces come from the main thread. */
const running = new Map<number, { hasher: EntryHasher; work: Promise<void> | undefined }>();

port.on('message', (message: ToWorker) => {
  const { id } = message;
  if (message.type === 'file') {
    const onBytes = (read: number) => tell({ id, type: 'read', read });
    orFail(digestFile(message.task, onBytes, { ownThread: true }).then((digest) => tell({ id, type: 'file', digest })));
    return;
  }
  const one = running.get(id) ?? { hasher: entryHasher(), work: undefined };
  running.set(id, one);
  if (message.type === 'piece') {
    const { buffer, length, parts } = message;
    const spent = () => tell({ id, type: 'spent', buffer }, [buffer]);
    const write = () => one.hasher.write(new Uint8Array(buffer, 0, length), parts);
    const writing = one.work ? one.work.then(write) : write();
    if (!writing) return spent();
    const work = writing.then(() => {
      spent();
      if (one.work === work) one.work = undefined;
    });
    one.work = work;
    orFail(work);
  } else {
    running.delete(id);
    if (message.type === 'drop') return;
    const finish = () => tell({ id, type: 'entries', entries: one.hasher.finish() });
    if (one.work) orFail(one.work.then(finish));
    else finish();
  }
});

// An unexpected error ends the thread, and the pool reports it to its callers.
function orFail(work: Promise<void>): void {
  work.catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
}
