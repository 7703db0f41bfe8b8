/**
 * Bounds what one dock can cost: how many of its changes are emitted and kept, and how many upgrades it can invent
 * (SECURITY.md).
 */
import { safeText } from '../../text.js';
import type { RunEvent } from '../events.js';
import type { Tracker } from './jobs.js';
import type { JobState } from './state.js';

/**
 * How many changes of one attempt are emitted and kept in the journal: at most `burst` in any `window` (milliseconds); after
 * `most`, one per `slowWindow`. An upgrade of two devices has about 400 in ten minutes. The end of a device is always emitted,
 * and live displays always show the newest state.
 */
export const TOLD = { burst: 400, window: 10_000, most: 2000, slowWindow: 60_000 } as const;

/** The most devices that `watch` follows: on one gateway, and in all. */
export const MAX_ADOPTED_ON_GATEWAY = 100;
/** See {@link MAX_ADOPTED_ON_GATEWAY}. */
export const MAX_ADOPTED = 20_000;

/**
 * Whether a change at `at` is emitted. If `events` is given, a warning is added for the first suppressed change of a gateway.
 */
export function mayTell(tracker: Tracker, job: JobState, at: number, events: RunEvent[] | null): boolean {
  if (at >= job.windowEnds) {
    const slow = job.told >= TOLD.most;
    job.windowEnds = at + (slow ? TOLD.slowWindow : TOLD.window);
    job.windowLeft = slow ? 1 : TOLD.burst;
  }
  if (job.windowLeft > 0) {
    job.windowLeft--;
    job.told++;
    return true;
  }
  const message = `gateway ${safeText(job.pid, 64)} reports more changes than an upgrade has (${TOLD.burst} within ${TOLD.window / 1000} s, or ${TOLD.most}): from now on not all of them are reported and stored, but its end is`;
  if (events) warnOnce(tracker, `flood ${job.pid}`, 'too_many_changes', message, events);
  return false;
}

/** Whether `watch` may follow one more device of a gateway. A warning is added for the first one that it does not follow. */
export function mayAdopt(tracker: Tracker, pid: string, events: RunEvent[]): boolean {
  // The user's own list of ids is a bound already.
  if (typeof tracker.options.adopt !== 'string') return true;
  if (tracker.devices.length >= MAX_ADOPTED) {
    const message = `more than ${MAX_ADOPTED} upgrades were seen: no more are followed`;
    warnOnce(tracker, 'adopted', 'too_many_upgrades', message, events);
    return false;
  }
  const adopted = tracker.adopted.get(pid) ?? 0;
  if (adopted >= MAX_ADOPTED_ON_GATEWAY) {
    const message = `gateway ${safeText(pid, 64)} reports more than ${MAX_ADOPTED_ON_GATEWAY} upgrades: no more of its upgrades are followed`;
    warnOnce(tracker, `adopted ${pid}`, 'too_many_upgrades', message, events);
    return false;
  }
  tracker.adopted.set(pid, adopted + 1);
  return true;
}

/** Adds a warning to `events`, once for each `key`. */
export function warnOnce(tracker: Tracker, key: string, code: string, message: string, events: RunEvent[]): void {
  if (tracker.warned.has(key)) return;
  tracker.warned.add(key);
  events.push({ event: 'warning', code, message });
}
