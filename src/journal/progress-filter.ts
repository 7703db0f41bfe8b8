import { isTerminal } from '../protocol/statuses.js';
import type { FactOf } from '../upgrade/facts.js';

/** Percent between two lines of one step: what a run that is taken up again may show less than was heard. */
const EVERY = 5;

/**
 * Answers for each progress message whether the journal keeps it: each change of status, step, result, job or device, each end,
 * and of percent alone every {@link EVERY}. Messages may come several a second from each dock, and a line for each of them would
 * cost more than everything else that is done with them.
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
