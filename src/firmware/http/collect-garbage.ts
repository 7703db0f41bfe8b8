import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Node allocates a new 64 kB buffer for each read of a socket. They are garbage at once, but are outside the heap, and V8
// collects them only after dozens of megabytes. A collection after this many bytes takes about a millisecond.
const EVERY = 8 * 1024 * 1024;

/** Counts downloaded bytes, and at intervals has their buffers collected as garbage. */
export type Collector = (bytes: number) => void;

/** A collector for all downloads that run at the same time. Does nothing if V8 does not offer a way. */
export function bufferCollector(collect = youngCollection()): Collector {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < EVERY) return;
    since = 0;
    collect?.();
  };
}

function youngCollection(): (() => void) | null {
  const present = (globalThis as { gc?: (minor: boolean) => void }).gc;
  if (present) return () => present(true);
  setFlagsFromString('--expose-gc');
  try {
    // The flag only affects new contexts, so this one does not change.
    const gc: unknown = runInNewContext('globalThis.gc');
    return typeof gc === 'function' ? () => gc(true) : null;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
