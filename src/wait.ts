import type { Clock } from './clock.js';

/** Resolves after `ms` milliseconds of `clock`. Rejects with the reason of `signal` as soon as it is aborted. */
export function wait(ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Waits that double from `first` to `longest` milliseconds, each shortened at random by up to a half, so that a thousand
 * programs that lost the same server do not reconnect at the same moment.
 */
export function growingWait(first: number, longest: number, random: () => number = Math.random): () => number {
  let next = first;
  return () => {
    const now = Math.round(next * (1 - random() / 2));
    next = Math.min(longest, next * 2);
    return now;
  };
}
