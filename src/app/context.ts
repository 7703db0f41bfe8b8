/**
 * What a use case gets from its caller: its environment, and the functions that receive its output. It contains neither a
 * terminal nor the process.
 */
import type { Reading } from '../firmware/read/progress.js';
import type { Machine } from '../machine.js';
import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import type { Emit } from '../upgrade/events.js';
import type { RunView } from '../upgrade/tracker/state.js';

/** The machine and the environment variables. */
export interface World extends Machine {
  env: NodeJS.ProcessEnv;
}

/** A part of the context. Parts of the machine that are not given are those of this process. */
export type PartOf<K extends keyof Context> = Pick<Context, K> & Partial<Machine>;

/** Receives a warning. `code` is for scripts, `message` for people. */
export type Warn = (code: string, message: string) => void;

/** Receives the output of a use case. Its functions must not throw. */
interface Audience {
  emit: Emit;
  warn: Warn;
  /** A line for people only. */
  note(text: string): void;
  phase?(phase: 'preparing' | 'preflight' | 'upgrading'): void;
  /** Receives the live view of all devices, once the run is connected. */
  view?(view: RunView): void;
  /** There is a journal: from now on the run can be listed and resumed. */
  recorded?(): void;
  /** The progress of reading the firmware files, at most ten times a second. */
  reading?(files: readonly Reading[]): void;
}

/** The complete context of a use case. */
export interface Context extends World, Audience {
  /** Aborted to end the use case. */
  signal: AbortSignal;
}

/** Connects to the broker. Called once for a run, which closes the connection at its end. */
export type Connect = (events: BrokerEvents, signal: AbortSignal) => Promise<Broker>;
