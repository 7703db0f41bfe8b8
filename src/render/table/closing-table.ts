import type { RunEvent } from '../../upgrade/events.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import { splitText } from '../device-states.js';
import type { DrawingOptions } from '../renderer.js';
import { terminalWidth } from '../terminal/stream.js';
import { finalTable } from './final-table.js';

/** The table on stdout after a run, which is the same for every renderer. */
interface ClosingTable {
  /** Remembers what the table shows in addition to the devices. */
  event(event: RunEvent): void;
  write(event: Extract<RunEvent, { event: 'run_finished' }>, view: RunView | null): void;
}

/** Creates the table of a run. */
export function closingTable(options: DrawingOptions): ClosingTable {
  const { stdout, unicode, simulated } = options;
  const began = options.clock.wall();
  const splits: string[] = [];
  return {
    event(event) {
      if (event.event === 'pair_split') splits.push(splitText(event));
    },
    write({ devices, totals }, view) {
      const width = terminalWidth(stdout);
      const elsewhere = options.elsewhere();
      const styles = options.tableStyles;
      stdout.write(finalTable(devices, totals, view, { elsewhere, simulated, splits, width, styles, unicode, began }));
    },
  };
}
