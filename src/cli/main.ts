/** The program: one place that catches, one that sets the exit code, and the signals. */
import { CommanderError } from 'commander';
import { OtaError, toOtaError } from '../errors.js';
import type { Io } from './io.js';
import { createProgram } from './program.js';

/** Runs one command line (without node and script) and gives its exit code (CONTRACT "Exit codes"). */
export async function main(argv: string[]): Promise<number> {
  const abort = new AbortController();
  const restores = new Set<() => void>();
  const restoreAll = () => {
    for (const restore of restores) restore();
    restores.clear();
  };
  const onSignal = (code: 130 | 143) => () => {
    // The second one means it: no tidying up but the terminal's.
    if (abort.signal.aborted) {
      restoreAll();
      process.exit(code);
    }
    abort.abort(code);
  };
  const onInterrupt = onSignal(130);
  const onTerminate = onSignal(143);
  let readerGone = false;
  const onPipe = () => {
    // `| head` has seen enough: nothing is left to tell, and nobody to tell it to.
    readerGone = true;
    abort.abort(130);
  };
  // Thrown where nobody waits for it, e.g. in a timer: Node would print a stack and end with 1, "a device failed".
  const onBug = (error: unknown) => {
    restoreAll();
    const bug = toOtaError(error);
    const end = () => process.exit(bug.exitCode);
    failed(bug, argv, io, false).then(() => process.stdout.write('', end), end);
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  // The terminal was closed: tidied up like any other end, so that the run can be resumed.
  process.on('SIGHUP', onTerminate);
  process.on('uncaughtException', onBug);
  process.stdout.on('error', onPipe);
  process.stderr.on('error', () => {});
  const io: Io = {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: abort.signal,
    readerGone: () => readerGone,
    onExit(restore) {
      restores.add(restore);
      return () => void restores.delete(restore);
    },
  };
  try {
    return await createProgram(io).run(argv);
  } catch (error) {
    restoreAll();
    if (error instanceof CommanderError) return await failed(usageError(error), argv, io, error.exitCode === 0);
    if (readerGone) return 130;
    const failure = toOtaError(error);
    if (failure.code === 'interrupted') {
      const code = abort.signal.reason === 143 ? 143 : 130;
      return await failed(failure, argv, io, false, code);
    }
    return await failed(failure, argv, io, false);
  } finally {
    restoreAll();
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
    process.off('SIGHUP', onTerminate);
    process.off('uncaughtException', onBug);
  }
}

// What commander says is a sentence with `error: ` before it, and sometimes a suggestion in the next line.
function usageError(error: CommanderError): OtaError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  return new OtaError('usage', first, { hint: rest.join(' ').replace(/^\(|\)$/g, '') || 'Try --help.' });
}

async function failed(error: OtaError, argv: string[], io: Io, shown: boolean, code = error.exitCode): Promise<number> {
  if (shown) return 0;
  const { reportFailure } = await import('./failure.js');
  reportFailure(error, argv, io, code);
  return code;
}
