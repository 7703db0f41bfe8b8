import type { HttpAnswer } from './client.js';

// Milliseconds. A server may request an hour, but a run should not hang for that long.
const LONGEST_ASKED = 300_000;

/** The wait that `Retry-After` (seconds or a date) requests, in milliseconds, at most five minutes; null = none. */
export function retryAfter(headers: HttpAnswer['headers'], wall: number): number | null {
  const value = headers['retry-after'];
  if (value === undefined) return null;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - wall;
  return Number.isNaN(wait) ? null : Math.min(LONGEST_ASKED, Math.max(0, wait));
}
