/** Command lines run by the sources in this process: what `main` does, without the process of its own that costs half a second. */
import { PassThrough, Writable } from 'node:stream';
import { CommanderError } from 'commander';
import type { Io } from '../../src/cli/io.js';
import { createProgram } from '../../src/cli/program.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { toOtaError } from '../../src/errors.js';

export interface IoOptions {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  clock?: Clock;
}

/** A world without terminals, its standard input at its end; `out` and `err` are what was written. */
export function splitIo({ env = {}, signal = new AbortController().signal, clock = systemClock }: IoOptions = {}): {
  io: Io;
  out(): string;
  err(): string;
} {
  const said = { out: '', err: '' };
  const sink = (name: 'out' | 'err') =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        said[name] += text;
        this.emit('data', text);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const stdin = new PassThrough();
  stdin.end();
  const own = new AbortController();
  const io: Io = {
    env,
    clock,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: sink('out'),
    stderr: sink('err'),
    signal: AbortSignal.any([signal, own.signal]),
    abort: (reason) => own.abort(reason),
    startedAt: clock.now(),
    readerGone: () => false,
    onExit: () => () => {},
  };
  return { io, out: () => said.out, err: () => said.err };
}

/** {@link splitIo}; `said` is what was written, by both streams together. */
export function quietIo(options: IoOptions = {}): { io: Io; said(): string } {
  let said = '';
  const { io } = splitIo(options);
  for (const stream of [io.stdout, io.stderr]) stream.on('data', (text) => (said += text));
  return { io, said: () => said };
}

export interface Inside {
  /** Resolves once `text` has been written; rejects where the command ends without it. */
  said(text: string): Promise<void>;
  /** What SIGTERM does. */
  end(): void;
  ended: Promise<{ code: number; stderr: string }>;
}

/** Relative paths are those of the process. */
export function inside(words: readonly string[], env: NodeJS.ProcessEnv): Inside {
  const abort = new AbortController();
  const { io, said } = quietIo({ env, signal: abort.signal });
  let over = false;
  const ended = createProgram(io)
    .run(words)
    .then(
      (code) => ({ code, stderr: said() }),
      (error) => {
        if (error instanceof CommanderError) return { code: error.exitCode === 0 ? 0 : 2, stderr: error.message };
        const { code, exitCode, message, details } = toOtaError(error);
        const signalled = code === 'interrupted' && abort.signal.aborted;
        return { code: signalled ? 143 : exitCode, stderr: [said(), message, ...details].join('\n') };
      },
    )
    .finally(() => {
      over = true;
    });
  return {
    ended,
    end: () => abort.abort(143),
    async said(text) {
      const { stdout, stderr } = io;
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          if (said().includes(text)) resolve();
          else if (over) reject(new Error(`ended without saying ${text}:\n${said()}`));
        };
        stdout.on('data', look);
        stderr.on('data', look);
        void ended.then(look);
        look();
      });
    },
  };
}
