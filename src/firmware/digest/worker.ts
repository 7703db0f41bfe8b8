/** Entry of a digest thread: digests files by itself, and pieces that the main thread has downloaded. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { digestFile, type FileDigest } from './file.js';

/** To the thread. `id` names one file. */
export type ToWorker =
  | { id: number; type: 'file'; path: string }
  | { id: number; type: 'chunk'; buffer: ArrayBuffer; length: number }
  | { id: number; type: 'reset' }
  | { id: number; type: 'digest' };

/** From the thread. `spent` gives the buffer of a digested chunk back. */
export type FromWorker =
  | { id: number; type: 'read'; read: number }
  | { id: number; type: 'file'; digest: FileDigest }
  | { id: number; type: 'spent'; buffer: ArrayBuffer }
  | { id: number; type: 'digest'; md5: string };

const port = parentPort;
if (!port) throw new Error('digest-worker runs as a thread');
const hashes = new Map<number, Hash>();

port.on('message', (message: ToWorker) => {
  const { id } = message;
  if (message.type === 'file') {
    const onBytes = (read: number) => port.postMessage({ id, type: 'read', read } satisfies FromWorker);
    digestFile(message.path, onBytes, { ownThread: true }).then(
      (digest) => port.postMessage({ id, type: 'file', digest } satisfies FromWorker),
      (error) => {
        throw error;
      },
    );
  } else if (message.type === 'chunk') {
    hashOf(id).update(new Uint8Array(message.buffer, 0, message.length));
    port.postMessage({ id, type: 'spent', buffer: message.buffer } satisfies FromWorker, [message.buffer]);
  } else if (message.type === 'reset') {
    hashes.delete(id);
  } else {
    const md5 = hashOf(id).digest('hex');
    hashes.delete(id);
    port.postMessage({ id, type: 'digest', md5 } satisfies FromWorker);
  }
});

function hashOf(id: number): Hash {
  let hash = hashes.get(id);
  if (!hash) {
    hash = createHash('md5');
    hashes.set(id, hash);
  }
  return hash;
}
