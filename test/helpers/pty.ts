/** Runs the built program on its own terminal. `script` of util-linux creates it, so no native module is needed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BIN } from './cli.js';

/** Whether there is a `script` that accepts a command and passes on its exit code. */
export function ptyAvailable(): boolean {
  const probe = spawnSync('script', ['-qefc', 'exit 7', '/dev/null'], { stdio: 'ignore' });
  if (probe.status === 7) return true;
  console.warn('no script of util-linux: the tests that need a terminal are skipped');
  return false;
}

export interface Terminal {
  /** The output, with escape codes. */
  readonly screen: string;
  /** Types keys. */
  write(keys: string): void;
  /** Resolves when the output matches `pattern`; rejects if the program ends before. */
  said(pattern: RegExp): Promise<void>;
  read(): void;
  /** The process id of the program. */
  pid(): number;
  ended: Promise<{ code: number | null; screen: string }>;
}

export interface PtyOptions {
  env: NodeJS.ProcessEnv;
  columns?: number;
  rows?: number;
  /** The output is not read until {@link Terminal.read}. */
  unread?: boolean;
}

/** Runs the program on a terminal of 80 by 24, or of `columns` by `rows`. */
export function spawnPty(args: string[], { env, columns = 80, rows = 24, unread = false }: PtyOptions): Terminal {
  const words = [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  // In a file, because the terminal may not be read.
  const pidFile = join(mkdtempSync(join(tmpdir(), 'dji-ota-pty-')), 'pid');
  const command = `echo $$ >'${pidFile}'; stty cols ${columns} rows ${rows}; exec ${words}`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let screen = '';
  let over = false;
  const waiting = new Set<() => void>();
  const look = () => {
    for (const each of [...waiting]) each();
  };
  const read = () =>
    void child.stdout.setEncoding('utf8').on('data', (chunk) => {
      screen += chunk;
      look();
    });
  if (!unread) read();
  child.stdin.on('error', () => {});
  return {
    get screen() {
      return screen;
    },
    pid: () => Number(readFileSync(pidFile, 'utf8')),
    write: (keys) => void child.stdin.write(keys),
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!pattern.test(screen) && !over) return;
          waiting.delete(check);
          if (pattern.test(screen)) resolve();
          else reject(new Error(`ended without ${pattern}:\n${screen}`));
        };
        waiting.add(check);
        check();
      }),
    read,
    ended: once(child, 'close').then(([code]) => {
      over = true;
      rmSync(dirname(pidFile), { recursive: true, force: true });
      look();
      return { code, screen };
    }),
  };
}
