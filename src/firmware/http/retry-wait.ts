import type { Clock } from '../../clock.js';
import type { HttpAnswer } from './client.js';

const FIRST = 500;
const LONGEST = 30_000;
// A server may ask for an hour; a run that hangs on that is no help to anybody.
const LONGEST_ASKED = 300_000;

/**
 * Milliseconds before the next attempt: doubled for each of the `idle` attempts in a row that brought nothing, spread
 * by `random` (0 to 1) over its upper half, so that a fleet of programs does not come back in step.
 */
export function backoff(idle: number, random: number): number {
  const full = Math.min(LONGEST, FIRST * 2 ** Math.max(0, idle - 1));
  return Math.round(full * (0.5 + random / 2));
}

/** Milliseconds that `Retry-After` (seconds, or a date) asks for, at most five minutes; null where it asks for none. */
export function retryAfter(headers: HttpAnswer['headers'], wall: number): number | null {
  const value = headers['retry-after'];
  if (value === undefined) return null;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - wall;
  return Number.isNaN(wait) ? null : Math.min(LONGEST_ASKED, Math.max(0, wait));
}

/** Waits `ms` milliseconds of `clock`; rejects with the reason of `signal` as soon as that is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
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
