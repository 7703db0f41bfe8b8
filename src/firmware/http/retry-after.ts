import type { HttpAnswer } from './client.js';

// A server may ask for an hour; a run that hangs on that is no help to anybody.
const LONGEST_ASKED = 300_000;

/** Milliseconds that `Retry-After` (seconds, or a date) asks for, at most five minutes; null where it asks for none. */
export function retryAfter(headers: HttpAnswer['headers'], wall: number): number | null {
  const value = headers['retry-after'];
  if (value === undefined) return null;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - wall;
  return Number.isNaN(wait) ? null : Math.min(LONGEST_ASKED, Math.max(0, wait));
}
