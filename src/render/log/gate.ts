/** Decides which progress of a device gets a line (CONTRACT "Streams" and `--progress`). */
import type { RunEvent } from '../../upgrade/events.js';

type Progress = Extract<RunEvent, { event: 'device_progress' }>;

/** Percent between two lines without `--progress`. */
export const DEFAULT_STEP = 10;

/**
 * Decides for each progress event whether it is shown: each change of status or step; and of percent, at most one for each
 * `step`, unless `onlyChanges()` says that there are too many devices. 0 shows every event.
 */
export function progressGate(step: number, onlyChanges: () => boolean = () => false): (event: Progress) => boolean {
  // By gateway, then by device: a combined key would be built for each message.
  const gateways = new Map<string, Map<string, { status: string | null; step: string | null; reached: number }>>();
  return (event) => {
    let seen = gateways.get(event.pid);
    if (!seen) {
      seen = new Map();
      gateways.set(event.pid, seen);
    }
    const key = event.sn ?? event.bid ?? '';
    const last = seen.get(key);
    const reached = event.percent === null ? -1 : Math.floor(event.percent / Math.max(step, 1));
    if (!last) {
      seen.set(key, { status: event.status, step: event.step_key, reached });
      return true;
    }
    const changed = last.status !== event.status || last.step !== event.step_key;
    // After a change of step, percent starts again. Within a step, a lower percentage (another attempt) is not progress.
    if (!changed && step > 0 && (reached <= last.reached || onlyChanges())) return false;
    last.status = event.status;
    last.step = event.step_key;
    last.reached = reached;
    return true;
  };
}
