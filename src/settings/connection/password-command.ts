/** Runs a profile's `password_command`: a program of the user that prints the password. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { systemClock } from '../../clock.js';
import { OtaError, systemReason } from '../../errors.js';
import { quoted, safeText } from '../../text.js';
import type { PasswordCommand } from '../profiles/profile.js';
import { passwordIn } from './credential-files.js';

/** Milliseconds. Enough to unlock a key or log in by hand; a CI job does not hang. */
const TIME_LIMIT = 30_000;
/** Milliseconds for a command to restore the terminal's echo before it is killed. */
const LAST_WORDS = 1000;
/** Milliseconds to wait for output after the command has ended, because a process that it started may keep the pipe open. */
const LATE_OUTPUT = 200;
/** Bytes, for each of stdout and stderr. */
const MOST_OUTPUT = 64 * 1024;
const MOST_LINES = 10;

/** The environment in which a command runs. */
export interface CommandSurroundings {
  env: NodeJS.ProcessEnv;
  /** The folder of the settings file, so that a relative path does not depend on the current folder. */
  folder: string;
  /** The user can be asked: the command gets the terminal as its standard input. */
  isTerminal: boolean;
  signal?: AbortSignal | undefined;
  /** Milliseconds. */
  timeLimit?: number | undefined;
  platform?: NodeJS.Platform;
}

/**
 * Returns what `command` prints, without one final line end. A text is run by the shell, a list without one. Messages never
 * contain its output; if it fails, they contain its standard error.
 * @param from its name in messages: `profile "site-a": password-command`
 * @throws OtaError `settings_invalid`; `interrupted` by the signal
 */
export async function runPasswordCommand(
  command: PasswordCommand,
  from: string,
  surroundings: CommandSurroundings,
): Promise<string> {
  const { output, said, problem } = await run(command, surroundings);
  if (problem === null) return passwordIn(output.toString('utf8'), `${from}: its output`, 'settings_invalid');
  throw new OtaError('settings_invalid', `${from} ${problem}`, {
    details: shownLines(said.toString('utf8'), output.toString('utf8')),
    hint: 'Run it by hand to see more. It must print only the password, as one line.',
  });
}

interface Ended {
  output: Buffer;
  /** Its standard error. */
  said: Buffer;
  /** Why there is no password; null = the command succeeded. */
  problem: string | null;
}

function run(command: PasswordCommand, surroundings: CommandSurroundings): Promise<Ended> {
  const { signal, timeLimit = TIME_LIMIT, platform = process.platform } = surroundings;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted());
    // A process group of its own can be killed as a whole, but it cannot use the terminal.
    const isGroup = !surroundings.isTerminal && platform !== 'win32';
    const endAll = () => (platform === 'win32' ? endTree(child, surroundings.env) : end(child, isGroup));
    // The arguments of a program may be secret, its name is not.
    const program = typeof command === 'string' ? '' : ` (${quoted(command[0] ?? '')})`;
    const notRun = (error: unknown) => `cannot be run: ${safeText(systemReason(error), 200)}${program}`;
    let child: ChildProcess;
    try {
      child = start(command, surroundings, isGroup);
    } catch (error) {
      // Node rejected the arguments, or the argument list is too long.
      return resolve({ output: Buffer.alloc(0), said: Buffer.alloc(0), problem: notRun(error) });
    }
    const output = collect(child.stdout, () => void stop('printed more than 64 KB'));
    // Only the beginning of standard error is kept.
    const said = collect(child.stderr, () => {});
    let cancelLate = () => {};

    const settle = (end: () => void) => {
      cancelLimit();
      cancelLate();
      signal?.removeEventListener('abort', onAbort);
      child.removeAllListeners();
      child.on('error', () => {});
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      end();
    };
    const finish = (problem: string | null) =>
      settle(() => resolve({ output: output.bytes(), said: said.bytes(), problem }));
    const stop = async (problem: string) => {
      child.removeAllListeners('exit');
      await endAll();
      finish(problem);
    };
    const onAbort = () => void endAll().then(() => settle(() => reject(interrupted())));
    const cancelLimit = systemClock.after(
      timeLimit,
      () => void stop(`printed no password within ${timeLimit / 1000} s`),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    child.on('error', (error) => finish(notRun(error)));
    child.on('exit', (code, killedBy) => {
      const problem = code === 0 ? null : killedBy ? `was ended by ${killedBy}` : `ended with exit code ${code}`;
      child.on('close', () => finish(problem));
      // If this process itself was delayed, output that has already arrived is read first.
      cancelLate = systemClock.after(LATE_OUTPUT, () => setImmediate(() => finish(problem)));
    });
  });
}

function start(
  command: PasswordCommand,
  { env, folder, isTerminal }: CommandSurroundings,
  detached: boolean,
): ChildProcess {
  const [file = '', ...args] = typeof command === 'string' ? [command] : command;
  return spawn(file, args, {
    shell: typeof command === 'string',
    cwd: folder,
    env,
    stdio: [isTerminal ? 'inherit' : 'ignore', 'pipe', 'pipe'],
    windowsHide: true,
    detached,
  });
}

/** Ends the command, with its whole process group if it has one. */
async function end(child: ChildProcess, isGroup: boolean): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (isGroup) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
    return;
  }
  await new Promise<void>((resolve) => {
    const cancel = systemClock.after(LAST_WORDS, () => {
      child.kill('SIGKILL');
      resolve();
    });
    child.once('exit', () => {
      cancel();
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** On Windows, ending `cmd.exe` does not end its children; `taskkill`, which is part of the system, ends them all. */
function endTree(child: ChildProcess, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve) => {
    const options = { env, timeout: LAST_WORDS, windowsHide: true };
    execFile('taskkill', ['/pid', String(child.pid), '/t', '/f'], options, () => {
      child.kill('SIGKILL');
      resolve();
    });
  });
}

function collect(stream: NodeJS.ReadableStream | null, onTooMuch: () => void) {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size > MOST_OUTPUT) return;
    size += chunk.length;
    chunks.push(chunk);
    if (size > MOST_OUTPUT) onTooMuch();
  });
  return { bytes: () => Buffer.concat(chunks).subarray(0, MOST_OUTPUT) };
}

/** The lines of its standard error, with the password removed in case they contain it. */
function shownLines(said: string, output: string): string[] {
  const secrets = output.split(/\r?\n/).filter((line) => line.length > 3);
  const hidden = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), said);
  const lines = hidden.split(/\r?\n/).filter((line) => line.trim() !== '');
  const more = lines.length > MOST_LINES ? [`and ${lines.length - MOST_LINES} lines more`] : [];
  return [...lines.slice(0, MOST_LINES).map((line) => safeText(line, 200)), ...more];
}

function interrupted(): OtaError {
  return new OtaError('interrupted', 'interrupted while the password command ran');
}
