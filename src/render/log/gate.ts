/** What of a device's progress is worth a line in the log (CONTRACT "Streams"). */
import type { RunEvent } from '../../upgrade/events.js';

type Progress = Extract<RunEvent, { event: 'device_progress' }>;

/** A line for each percent step of more devices than this would be a flood; a summary now and then says more. */
export const MANY_DEVICES = 50;

/**
 * Answers for each progress event whether it is to be logged: each change of status or step; and of percent, at most one
 * for each 10 %, unless `many()` says that there are so many devices that only changes count.
 */
export function progressGate(many: () => boolean): (event: Progress) => boolean {
  const seen = new Map<string, { status: string | null; step: string | null; tens: number }>();
  return (event) => {
    const key = `${event.pid}\n${event.sn ?? event.bid ?? ''}`;
    const last = seen.get(key);
    const tens = event.percent === null ? -1 : Math.floor(event.percent / 10);
    if (!last) {
      seen.set(key, { status: event.status, step: event.step_key, tens });
      return true;
    }
    const changed = last.status !== event.status || last.step !== event.step_key;
    // After a change of step percent begins anew; within one, a lower one (another attempt) is none.
    if (!changed && (tens <= last.tens || many())) return false;
    last.status = event.status;
    last.step = event.step_key;
    last.tens = tens;
    return true;
  };
}
