/** Runs the program as a user or a CI job would, with its own home and environment: in this process, or spawned. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliResult, type CliRun, type InsideOptions, type InsideRun, inside } from './inside.js';
import { transcript } from './transcript.js';

export type { CliResult, CliRun } from './inside.js';

/** `DJI_OTA_BIN` can name another program to test, for example that of an installed package. */
export const BIN = process.env.DJI_OTA_BIN || fileURLToPath(new URL('../../bin/dji-ota.js', import.meta.url));

export interface CliOptions extends InsideOptions {
  /** Added to an environment that contains only a path and a home. */
  env?: Record<string, string | undefined>;
}

export interface SpawnOptions extends Omit<CliOptions, 'terminal'> {
  /** Default: the folder of the workplace. */
  cwd?: string;
  /** The user to run as, which only root may choose. */
  uid?: number;
  /** Arguments for node itself. */
  node?: string[];
}

export interface CliProcess extends CliRun {
  child: ChildProcess;
}

export interface Workplace {
  folder: string;
  /** Writes a file in the folder and returns its path. */
  put(name: string, content: string | Buffer | object): Promise<string>;
  /** Starts a command line in this process. Its paths are absolute, because the folder is not the current one. */
  start(args: string[], options?: CliOptions): InsideRun;
  /** Runs {@link start} to its end. */
  run(args: string[], options?: CliOptions): Promise<CliResult>;
  /**
   * Starts the built program in the folder, which costs half a second of processor time. Only for what needs a process: kills,
   * second signals, streams that fail, other users, and Node's own behaviour.
   */
  spawn(args: string[], options?: SpawnOptions): CliProcess;
  /** Ends what is still running, and removes the folder. */
  close(): Promise<void>;
}

/** A folder with a home for the program. */
export async function workplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'dji-ota-e2e-'));
  const ends = new Set<() => Promise<unknown>>();

  /** Calls `end` if the run still goes on when the workplace is closed. */
  function kept<R extends CliRun>(run: R, end: () => void): R {
    const close = () => {
      end();
      return run.ended;
    };
    ends.add(close);
    void run.ended.finally(() => ends.delete(close)).catch(() => {});
    return run;
  }

  const start = (args: string[], { env, ...options }: CliOptions = {}): InsideRun => {
    const run = inside(args, environment(folder, env), options);
    return kept(run, () => run.kill('SIGTERM'));
  };

  return {
    folder,
    async put(name, content) {
      const path = join(folder, name);
      const plain = typeof content === 'string' || Buffer.isBuffer(content);
      await writeFile(path, plain ? content : JSON.stringify(content, null, 2));
      return path;
    },
    start,
    run: (args, options) => start(args, options).ended,
    spawn(args, { env, input = '', cwd = folder, uid, node = [] } = {}) {
      const child = spawn(process.execPath, [...node, BIN, ...args], {
        cwd,
        env: environment(folder, env),
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(uid === undefined ? {} : { uid, gid: uid }),
      });
      return kept(follow(child, input), () => child.kill('SIGKILL'));
    },
    async close() {
      await Promise.all([...ends].map((end) => end()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing of the test's own environment is passed on: neither `CI`, nor colours, nor settings. */
export function environment(home: string, more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env;
  return { PATH, HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', DJI_OTA_HOME: join(home, 'home'), ...more };
}

function follow(child: ChildProcess, input: string): CliProcess {
  const { all, take, end, said } = transcript();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => take(name, chunk));
  }
  // A program that rejects its command line ends before it reads.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const ended = once(child, 'close').then(([code, signal]) => {
    end();
    return { code, signal, ...all };
  });
  return {
    child,
    get stdout() {
      return all.stdout;
    },
    get stderr() {
      return all.stderr;
    },
    said,
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
