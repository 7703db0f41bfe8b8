/** The built program, spawned as a stranger or a CI job would: with a home and an environment of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Another program to test, e.g. that of an installed package, can be named in `DJI_OTA_BIN`. */
export const BIN = process.env.DJI_OTA_BIN || fileURLToPath(new URL('../../bin/dji-ota.js', import.meta.url));

export interface CliOptions {
  /** Added to an environment that has nothing but a path and a home. */
  env?: Record<string, string | undefined>;
  /** All of standard input; without it that is empty. */
  input?: string;
  cwd?: string;
  /** Another user to run as, which only root may do. */
  uid?: number;
  /** Arguments for node itself. */
  node?: string[];
}

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliProcess {
  child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves once `text` has come on either stream; rejects where the program ends without it. */
  said(text: string | RegExp): Promise<void>;
  ended: Promise<CliResult>;
}

export interface Workplace {
  folder: string;
  /** Writes a file below the folder and gives its path. */
  put(name: string, content: string | Buffer | object): Promise<string>;
  start(args: string[], options?: CliOptions): CliProcess;
  run(args: string[], options?: CliOptions): Promise<CliResult>;
  /** Ends what still runs and removes the folder. */
  close(): Promise<void>;
}

/** A folder with a home for the program in it. */
export async function workplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'dji-ota-e2e-'));
  const children = new Set<ChildProcess>();

  const start = (args: string[], options: CliOptions = {}): CliProcess => {
    const child = spawn(process.execPath, [...(options.node ?? []), BIN, ...args], {
      cwd: options.cwd ?? folder,
      env: environment(folder, options.env),
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    children.add(child);
    return follow(child, options.input ?? '', () => children.delete(child));
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
    async close() {
      for (const child of children) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing of the test's own environment gets in: neither `CI` nor colours nor anybody's settings. */
export function environment(home: string, more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env;
  return { PATH, HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', DJI_OTA_HOME: join(home, 'home'), ...more };
}

function follow(child: ChildProcess, input: string, onEnd: () => void): CliProcess {
  let stdout = '';
  let stderr = '';
  let over = false;
  const waiting = new Set<() => void>();
  const look = () => {
    for (const each of [...waiting]) each();
  };
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
    look();
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
    look();
  });
  // A program that refuses its command line has ended before it reads.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const ended = once(child, 'close').then(([code, signal]) => {
    over = true;
    onEnd();
    look();
    return { code, signal, stdout, stderr };
  });
  return {
    child,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    ended,
    said: (text) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const has = (all: string) => (typeof text === 'string' ? all.includes(text) : text.test(all));
          const found = has(stdout) || has(stderr);
          if (!found && !over) return;
          waiting.delete(check);
          if (found) resolve();
          else reject(new Error(`ended without saying ${text}:\n${stdout}\n${stderr}`));
        };
        waiting.add(check);
        check();
      }),
  };
}
