/** `run_finished` is the last line of a run (CONTRACT "JSON lines"). */
import type { Emit, RunEvent } from '../../upgrade/events.js';

/**
 * Keeps `run_finished` back until `release`: the journal, the inventory and the firmware server are put away after a run has
 * ended, and what goes wrong there is to be told as well.
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
