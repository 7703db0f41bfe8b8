import { isTerminal } from '../protocol/statuses.js';
import type { FactOf } from '../upgrade/facts.js';

/** Percent between two stored lines of one step, which is the most that a resumed run can show too little. */
const EVERY = 5;

/**
 * Decides for each progress message whether the journal keeps it: each change of status, step, result, job or device, each end,
 * and every {@link EVERY} percent. Each dock may send several messages a second, and a line for each would cost more than all
 * other work for the message.
 */
export function progressFilter(): (fact: FactOf<'progress'>) => boolean {
  const kept = new Map<string, FactOf<'progress'>['message']>();
  return ({ pid, message }) => {
    const last = kept.get(pid);
    if (
      last !== undefined &&
      last.bid === message.bid &&
      last.sn === message.sn &&
      last.status === message.status &&
      last.step === message.step &&
      last.result === message.result &&
      last.method === message.method &&
      last.percent !== null &&
      message.percent !== null &&
      message.percent >= last.percent &&
      message.percent < last.percent + EVERY &&
      !(message.status !== null && isTerminal(message.status))
    )
      return false;
    kept.set(pid, message);
    return true;
  };
}
