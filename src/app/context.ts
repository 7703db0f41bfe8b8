/** What a use case has of the world, and whom it tells. Neither a terminal nor the process is part of it. */
import type { Reading } from '../firmware/read/progress.js';
import type { Machine } from '../machine.js';
import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import type { Emit } from '../upgrade/events.js';
import type { RunView } from '../upgrade/tracker/state.js';

export interface World extends Machine {
  env: NodeJS.ProcessEnv;
}

/** A part of the context; what is left out of the machine is that of this one. */
export type PartOf<K extends keyof Context> = Pick<Context, K> & Partial<Machine>;

export type Warn = (code: string, message: string) => void;

/** Receives what a use case tells; must not throw. */
interface Audience {
  emit: Emit;
  warn: Warn;
  /** A line for people alone. */
  note(text: string): void;
  phase?(phase: 'preparing' | 'preflight' | 'upgrading'): void;
  /** A live look at every device, once the run is connected. */
  view?(view: RunView): void;
  /** There is a journal: from here on the run can be listed and resumed. */
  recorded?(): void;
  /** The firmware files that are being read, at most ten times a second. */
  reading?(files: readonly Reading[]): void;
}

export interface Context extends World, Audience {
  /** Ends the use case. */
  signal: AbortSignal;
}

/** Connects: called once for a run, which closes the connection at its end. */
export type Connect = (events: BrokerEvents, signal: AbortSignal) => Promise<Broker>;
