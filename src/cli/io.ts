import type { Clock } from '../clock.js';
import type { OutputStream } from '../render/terminal/stream.js';
import { safeText } from '../text.js';
import { timeLimit } from '../upgrade/end.js';

/** The environment of a command. Tests replace it. */
export interface Io {
  env: NodeJS.ProcessEnv;
  clock: Clock;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Standard output (1) or error (2) for a short text, without the cost of creating Node's stream. */
  light?(fd: 1 | 2): OutputStream;
  /**
   * Aborted by SIGINT (the reason is 130), SIGTERM (143), when the reader of the output is gone (130), and by {@link limitRun}.
   */
  signal: AbortSignal;
  /** Aborts `signal` for another reason. */
  abort(reason: unknown): void;
  /** When the program started, on `clock`. */
  startedAt: number;
  /** Whether the reader of standard output is gone (`| head`). Nothing more is printed then. */
  readerGone(): boolean;
  /** The current run, once there is one. An error that ends the program belongs to it. */
  run?: string;
  /** Registers a function that must run on every exit, for example to show the cursor. Call the result to unregister it. */
  onExit(restore: () => void): () => void;
}

/** `--timeout`: ends the command's work when the program has run for `ms`. Call the result to cancel. */
export function limitRun({ clock, startedAt, abort }: Io, ms: number | undefined): () => void {
  if (ms === undefined) return () => {};
  return clock.after(startedAt + ms - clock.now(), () => abort(timeLimit(ms)));
}

/** Whether there is a person who can be asked. */
export function isInteractive({ stdin, stderr }: Io): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Prints warnings before a command has an output of its own. */
export function warner({ stderr }: Pick<Io, 'stderr'>): (code: string, message: string) => void {
  return (_code, message) => void stderr.write(`warning: ${safeText(message, 1000)}\n`);
}
