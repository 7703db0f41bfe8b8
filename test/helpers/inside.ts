/** Runs command lines with the sources in this process: all of `main`, without the half second of a process of its own. */
import { EventEmitter } from 'node:events';
import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import type { Io } from '../../src/cli/io.js';
import { type Host, main } from '../../src/cli/main.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { type Transcript, transcript } from './transcript.js';

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running command line, in this process or another. */
export interface CliRun extends Transcript {
  /** Ctrl-C is SIGINT. */
  kill(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGBREAK'): void;
  ended: Promise<CliResult>;
}

export interface InsideOptions {
  /** All of standard input. Default: empty. */
  input?: string;
  /** All three streams are one terminal of this size. `stdout` is what it shows. */
  terminal?: { columns: number; rows: number };
}

export interface InsideRun extends CliRun {
  /** What a person types at the terminal. */
  type(keys: string): void;
}

/**
 * Runs a command line. Relative paths refer to this process. What needs a process is in test/helpers/cli.ts (`spawn`): kills, a
 * second Ctrl-C, streams that fail or accept nothing, another user.
 */
export function inside(words: readonly string[], env: NodeJS.ProcessEnv, options: InsideOptions = {}): InsideRun {
  const { all, take, end, said } = transcript();
  const { input = '', terminal } = options;
  const [stdin, stdout, stderr] = [
    new PassThrough(),
    sink((text) => take('stdout', text)),
    sink((text) => take(terminal ? 'stdout' : 'stderr', text)),
  ];
  if (terminal) for (const stream of [stdin, stdout, stderr]) Object.assign(stream, { isTTY: true, ...terminal });
  else stdin.end(input);
  let exit: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const signals = new EventEmitter();
  const host = Object.assign(signals, { env, stdin, stdout, stderr, exit: (code = 0) => exit(code) });
  const ended = Promise.race([main([...words], host as unknown as Host), exited]).then((code) => {
    end();
    return { code, signal: null, ...all };
  });
  return {
    get stdout() {
      return all.stdout;
    },
    get stderr() {
      return all.stderr;
    },
    said,
    type: (keys) => void stdin.write(keys),
    kill: (signal) => void signals.emit(signal),
    ended,
  };
}

function sink(take: (text: string) => void): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      take(String(text));
      stream.emit('data', text);
      done();
    },
  });
  return Object.assign(stream, {
    cursorTo: (x: number) => cursorTo(stream, x),
    moveCursor: (x: number, y: number) => moveCursor(stream, x, y),
    clearLine: (direction: -1 | 0 | 1) => clearLine(stream, direction),
  }) as unknown as NodeJS.WriteStream;
}

export interface IoOptions {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  clock?: Clock;
}

/** The environment of one command, without terminals, with an empty standard input. `out` and `err` are what was written. */
export function splitIo({ env = {}, signal = new AbortController().signal, clock = systemClock }: IoOptions = {}): {
  io: Io;
  out(): string;
  err(): string;
} {
  const said = { out: '', err: '' };
  const stdin = new PassThrough();
  stdin.end();
  const own = new AbortController();
  const io: Io = {
    env,
    clock,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: sink((text) => (said.out += text)),
    stderr: sink((text) => (said.err += text)),
    signal: AbortSignal.any([signal, own.signal]),
    abort: (reason) => own.abort(reason),
    startedAt: clock.now(),
    readerGone: () => false,
    onExit: () => () => {},
  };
  return { io, out: () => said.out, err: () => said.err };
}

/** {@link splitIo}. `said` is what was written to both streams. */
export function quietIo(options: IoOptions = {}): { io: Io; said(): string } {
  let said = '';
  const { io } = splitIo(options);
  for (const stream of [io.stdout, io.stderr]) stream.on('data', (text) => (said += text));
  return { io, said: () => said };
}
