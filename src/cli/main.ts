/** The program: the one place that catches errors, sets the exit code, and handles signals. */
import { setImmediate } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { systemClock } from '../clock.js';
import { EXIT_CODES, OtaError, systemReason, toOtaError } from '../errors.js';
import { createCiGuard } from '../render/terminal/ci-guard.js';
import { withoutLineEnds } from '../settings/environment.js';
import { redactUrls } from '../url.js';
import { guardStream } from './guarded-stream.js';
import type { Io } from './io.js';
import { lightStream } from './light-stream.js';
import { createProgram } from './program.js';

/**
 * Milliseconds in which a second signal counts as the same one: npx and `timeout` forward a signal that the whole process group
 * has received already, and the run would end before it has reported its state.
 */
const SAME_SIGNAL = 400;

/** Milliseconds for the output of an interrupted program to be accepted. */
const LAST_WORDS = 2000;

/** What {@link main} uses of the process. Tests replace it, and run many command lines in one process. */
export interface Host {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  on(event: string, listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  exit(code?: number): void;
}

/** Runs one command line (without node and script). @returns its exit code (CONTRACT "Exit codes") */
export async function main(argv: string[], host: Host = process): Promise<number> {
  const abort = new AbortController();
  const restores = new Set<() => void>();
  const restoreAll = () => {
    for (const restore of restores) restore();
    restores.clear();
  };
  let signaledAt = Number.NEGATIVE_INFINITY;
  const onSignal = (code: 130 | 143) => () => {
    if (!abort.signal.aborted) {
      signaledAt = performance.now();
      abort.abort(code);
    } else if (performance.now() - signaledAt >= SAME_SIGNAL) {
      // At the second signal, only restore the terminal.
      restoreAll();
      host.exit(code);
    }
  };
  const onInterrupt = onSignal(130);
  const onTerminate = onSignal(143);
  let readerGone = false;
  let outputLost = false;
  const onOutputError = (error: Error) => {
    if (['EPIPE', 'EOF'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      // `| head` has closed the pipe, so nobody reads further output.
      readerGone = true;
      abort.abort(130);
    } else if (!readerGone && !outputLost) {
      // The disk is full. Upgrades are still followed, and stderr still shows them.
      outputLost = true;
      io.stderr.write(`error: standard output cannot be written: ${systemReason(error)}\n`);
    }
  };
  // Thrown outside any promise, for example in a timer. Node would print a stack and exit with 1, which means "a device
  // failed".
  let bugs = 0;
  const onBug = (error: unknown) => {
    // Further errors follow from the first one, and would hide it.
    if (bugs++ > 0) return;
    restoreAll();
    const bug = toOtaError(error);
    const end = () => host.exit(bug.exitCode);
    failed(bug, argv, io, false).then(() => host.stdout.write('', end), end);
  };
  host.on('SIGINT', onInterrupt);
  // Ctrl-Break on Windows, with which supervisors there end a process group.
  host.on('SIGBREAK', onInterrupt);
  host.on('SIGTERM', onTerminate);
  // The terminal was closed. End in an orderly way, so that the run can be resumed.
  host.on('SIGHUP', onTerminate);
  host.on('uncaughtException', onBug);
  // Node creates each of its streams on first access, which takes milliseconds.
  const guards = { 1: createCiGuard(), 2: createCiGuard() };
  const named = new Map<1 | 2, () => void>();
  const name = (fd: 1 | 2, stream: NodeJS.WriteStream, onError: (error: Error) => void) => {
    if (!named.has(fd)) {
      stream.on('error', onError);
      named.set(fd, guardStream(stream, guards[fd], fd === 2));
    }
    return stream;
  };
  const io: Io = {
    env: withoutLineEnds(host.env),
    clock: systemClock,
    get stdin() {
      return host.stdin;
    },
    get stdout() {
      return name(1, host.stdout, onOutputError);
    },
    get stderr() {
      return name(2, host.stderr, () => {});
    },
    light(fd) {
      const heavy = () => (fd === 1 ? io.stdout : io.stderr);
      // If Node's stream exists, its output may still be pending, so use the same one.
      return named.has(fd) || host !== process ? heavy() : lightStream(fd, guards[fd], heavy);
    },
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    // The clock starts with the process.
    startedAt: host === process ? 0 : systemClock.now(),
    readerGone: () => readerGone,
    onExit(restore) {
      restores.add(restore);
      return () => void restores.delete(restore);
    },
  };
  try {
    const code = await createProgram(io).run(argv);
    if (readerGone) return 130;
    // A stream reports its error one turn later. If upgrades have ended, their exit code counts, even if the reader is gone.
    if (named.has(1)) await setImmediate();
    if (readerGone && io.run === undefined) return 130;
    return outputLost && code === 0 && io.run === undefined ? EXIT_CODES.usage : code;
  } catch (error) {
    restoreAll();
    if (error instanceof CommanderError) return await failed(usageError(error), argv, io, error.exitCode === 0);
    if (readerGone) return 130;
    const failure = toOtaError(error);
    if (failure.code === 'interrupted' && abort.signal.reason instanceof Error) {
      return await failed(toOtaError(abort.signal.reason), argv, io, false);
    }
    if (failure.code === 'interrupted') {
      const code = abort.signal.reason === 143 ? 143 : 130;
      return await failed(failure, argv, io, false, code);
    }
    return await failed(failure, argv, io, false);
  } finally {
    restoreAll();
    host.off('SIGINT', onInterrupt);
    host.off('SIGBREAK', onInterrupt);
    host.off('SIGTERM', onTerminate);
    host.off('SIGHUP', onTerminate);
    host.off('uncaughtException', onBug);
    for (const unguard of named.values()) unguard();
    // An interrupted program must not wait for a terminal that accepts nothing.
    if (abort.signal.aborted) setTimeout(() => host.exit(), LAST_WORDS).unref();
  }
}

// commander's messages begin with `error: `, sometimes have a suggestion on the next line, and use other quotes than this
// program.
function usageError(error: CommanderError): OtaError {
  const [first = '', ...rest] = redactUrls(error.message.replace(/^error: /, '')).split('\n');
  return new OtaError('usage', first.replace(/'(.*?)'(?=[ ,.:]|$)/g, '"$1"'), {
    hint: rest.join(' ').replace(/^\(|\)$/g, '') || 'Try --help.',
  });
}

async function failed(error: OtaError, argv: string[], io: Io, shown: boolean, code = error.exitCode): Promise<number> {
  if (shown) return 0;
  const { reportFailure } = await import('./failure.js');
  const [stdout, stderr] = [() => io.light?.(1) ?? io.stdout, io.light?.(2) ?? io.stderr];
  await reportFailure(error, argv, { env: io.env, run: io.run, stdout, stderr }, code);
  return code;
}
