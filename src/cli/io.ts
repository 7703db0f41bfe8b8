import type { Clock } from '../clock.js';
import type { OutputStream } from '../render/terminal/stream.js';
import { safeText } from '../text.js';
import { timeLimit } from '../upgrade/end.js';

/** What a command has of the world around it; tests bring their own. */
export interface Io {
  env: NodeJS.ProcessEnv;
  clock: Clock;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Standard output (1) or error (2) for a short text, without what the stream itself costs to make. */
  light?(fd: 1 | 2): OutputStream;
  /**
   * Aborted by SIGINT (its reason is then 130), SIGTERM (143), when the reader of our output is gone (130), and by
   * {@link limitRun}.
   */
  signal: AbortSignal;
  /** Aborts `signal` for another reason. */
  abort(reason: unknown): void;
  /** When the program began, on `clock`. */
  startedAt: number;
  /** Whether the reader of our standard output is gone (`| head`): then nothing more is said. */
  readerGone(): boolean;
  /** The run that is told of, once there is one: an error that ends the program belongs to it. */
  run?: string;
  /** Something that has to be put right on every way out, e.g. a hidden cursor; the result takes it back. */
  onExit(restore: () => void): () => void;
}

/** `--timeout`: ends the command's work once the program has run for `ms`; the result takes that back. */
export function limitRun({ clock, startedAt, abort }: Io, ms: number | undefined): () => void {
  if (ms === undefined) return () => {};
  return clock.after(startedAt + ms - clock.now(), () => abort(timeLimit(ms)));
}

/** Whether a person can be asked something. */
export function isInteractive({ stdin, stderr }: Io): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** For what is worth saying before a command has an output of its own. */
export function warner({ stderr }: Pick<Io, 'stderr'>): (code: string, message: string) => void {
  return (_code, message) => void stderr.write(`warning: ${safeText(message, 1000)}\n`);
}
