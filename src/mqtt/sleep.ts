import type { Clock } from '../clock.js';

/** Resolves after `ms` milliseconds, or at once when the signal is aborted. Never rejects. */
export function sleep(ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const onAbort = () => {
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Waits that double from `first` to `longest` milliseconds, each shortened by up to a half at random: a thousand
 * clients that lost the same broker must not all come back in the same moment.
 */
export function growingWait(first: number, longest: number, random: () => number = Math.random): () => number {
  let wait = first;
  return () => {
    const now = wait * (1 - random() / 2);
    wait = Math.min(longest, wait * 2);
    return now;
  };
}
