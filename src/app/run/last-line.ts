/** `run_finished` is the last line of a run (CONTRACT "JSON lines"). */
import type { Emit, RunEvent } from '../../upgrade/events.js';

/**
 * Holds back `run_finished` until `release`. After a run has ended, the journal, the inventory and the firmware server are
 * closed, and errors there must be reported before the last line.
 */
export function holdLastLine(emit: Emit): { emit: Emit; release(): void } {
  let held: RunEvent | null = null;
  return {
    emit(event) {
      if (event.event === 'run_finished') held = event;
      else emit(event);
    },
    release() {
      if (held) emit(held);
      held = null;
    },
  };
}
