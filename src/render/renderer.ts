import type { Clock } from '../clock.js';
import type { Reading } from '../firmware/read/progress.js';
import type { RunEvent } from '../upgrade/events.js';
import type { RunView } from '../upgrade/tracker/state.js';
import type { OutputStream } from './terminal/stream.js';
import type { Styles } from './terminal/styles.js';

export type { Reading };

/** What the renderers for people draw with. */
export interface DrawingOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  clock: Clock;
  /** For stderr and for stdout: only one of them may be a terminal. */
  styles: Styles;
  tableStyles: Styles;
  unicode: boolean;
  /** The run's id, and whether it is simulated: `20261124-081530-9f3ac2 (simulated)`. */
  run: string;
  /** Against simulated docks. */
  simulated: boolean;
  /** A sentence that names what shows every device of the run afterwards; null = the table has to. */
  elsewhere(): string | null;
}

/** One way to show a run, chosen once (CONTRACT "Streams"). Never decides anything. */
export interface Renderer {
  /** Everything that the run tells, in order. */
  event(event: RunEvent): void;
  /** What is going on before the first publish: `Connecting to mqtt://...`; null = over. */
  phase(text: string | null): void;
  /** The firmware files being read; called as often as the reader likes. */
  reading(files: readonly Reading[]): void;
  /** From here on there is something to draw. */
  view(view: RunView): void;
  /** A line for people alone (no JSON line): a hint, a plan. */
  note(text: string): void;
  /** Leaves the terminal as it was found; called exactly once, also on errors and signals. */
  close(): void;
}
