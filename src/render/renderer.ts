import type { Clock } from '../clock.js';
import type { Reading } from '../firmware/read/progress.js';
import type { RunEvent } from '../upgrade/events.js';
import type { RunView } from '../upgrade/tracker/state.js';
import type { OutputStream } from './terminal/stream.js';
import type { Styles } from './terminal/styles.js';

export type { Reading };

/** The options of the renderers for people. */
export interface DrawingOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  clock: Clock;
  /** The styles of stderr and stdout differ, because only one of them may be a terminal. */
  styles: Styles;
  tableStyles: Styles;
  unicode: boolean;
  /** The run's id with its mark: `20261124-081530-9f3ac2 (simulated)`. */
  run: string;
  /** The docks are simulated. */
  simulated: boolean;
  /** A sentence that names what shows every device of the run later; null = the table must list them. */
  elsewhere(): string | null;
}

/** Shows a run in one way (CONTRACT "Streams"). It never decides anything. */
export interface Renderer {
  /** Takes all events of the run, in order. */
  event(event: RunEvent): void;
  /** The activity before the first publish: `Connecting to mqtt://...`; null = it has ended. */
  phase(text: string | null): void;
  /** The progress of reading firmware files. May be called at any rate. */
  reading(files: readonly Reading[]): void;
  /** The live view of the run. */
  view(view: RunView): void;
  /** A line for people only, not a JSON line: a hint, a plan. */
  note(text: string): void;
  /** Restores the terminal. Called exactly once, also after errors and signals. */
  close(): void;
}
