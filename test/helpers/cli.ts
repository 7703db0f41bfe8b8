/** The program as a stranger or a CI job would run it, with a home and an environment of its own: in this process, or spawned. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliResult, type CliRun, type InsideOptions, type InsideRun, inside } from './inside.js';
import { transcript } from './transcript.js';

export type { CliResult, CliRun } from './inside.js';

/** Another program to test, e.g. that of an installed package, can be named in `DJI_OTA_BIN`. */
export const BIN = process.env.DJI_OTA_BIN || fileURLToPath(new URL('../../bin/dji-ota.js', import.meta.url));

export interface CliOptions extends InsideOptions {
  /** Added to an environment that has nothing but a path and a home. */
  env?: Record<string, string | undefined>;
}

export interface SpawnOptions extends Omit<CliOptions, 'terminal'> {
  /** Default: the folder of the workplace. */
  cwd?: string;
  /** Another user to run as, which only root may do. */
  uid?: number;
  /** Arguments for node itself. */
  node?: string[];
}

export interface CliProcess extends CliRun {
  child: ChildProcess;
}

export interface Workplace {
  folder: string;
  /** Writes a file below the folder and gives its path. */
  put(name: string, content: string | Buffer | object): Promise<string>;
  /** Starts a command line in this process. Its paths are absolute, since the folder is not the current one. */
  start(args: string[], options?: CliOptions): InsideRun;
  /** {@link start}, to its end. */
  run(args: string[], options?: CliOptions): Promise<CliResult>;
  /**
   * Starts the built program, in the folder. It costs half a second of a processor: for what takes a process, i.e. kills,
   * second signals, streams that fail, users, and what Node does by itself.
   */
  spawn(args: string[], options?: SpawnOptions): CliProcess;
  /** Ends what still runs and removes the folder. */
  close(): Promise<void>;
}

/** A folder with a home for the program in it. */
export async function workplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'dji-ota-e2e-'));
  const ends = new Set<() => Promise<unknown>>();

  /** What still runs when the workplace is closed is ended by `end`. */
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

/** Nothing of the test's own environment gets in: neither `CI` nor colours nor anybody's settings. */
export function environment(home: string, more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env;
  return { PATH, HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', DJI_OTA_HOME: join(home, 'home'), ...more };
}

function follow(child: ChildProcess, input: string): CliProcess {
  const { all, take, end, said } = transcript();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => take(name, chunk));
  }
  // A program that refuses its command line has ended before it reads.
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
