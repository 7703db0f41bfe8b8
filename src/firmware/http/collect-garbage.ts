import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Node makes a new buffer of 64 kB for each reading of a socket. They are garbage at once, but lie outside of the heap, and
// V8 lets dozens of megabytes of them pile up before it looks after them. Every so many bytes costs about a millisecond.
const EVERY = 8 * 1024 * 1024;

/** Hears of downloaded bytes, and now and then has the short-lived garbage of their buffers collected. */
export type Collector = (bytes: number) => void;

/** A collector, shared by all downloads that run at the same time; one that does nothing where V8 offers no way. */
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
    // The flag puts the function into new contexts alone, so that this one does not change.
    const gc: unknown = runInNewContext('globalThis.gc');
    return typeof gc === 'function' ? () => gc(true) : null;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
