import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach } from 'vitest';
import { flagOf } from '../../src/cli/options/declaration.js';
import { createProgram } from '../../src/cli/program.js';
import { quietIo } from './inside.js';

/** The result of one `config` command. */
export interface ConfigRun {
  code: number;
  stdout: string;
  stderr: string;
  /** Its warnings. */
  warnings: string[];
}

export interface ConfigIo {
  stdin?: PassThrough;
  isTerminal?: boolean;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

export type ConfigOptions = Readonly<Record<string, string | boolean | readonly string[]>>;

/** Runs `config <action>` with options by their keys. `outcome` is its exit code, or what it throws. */
export async function runConfig(
  action: string,
  args: readonly string[],
  options: ConfigOptions,
  { stdin, isTerminal = false, env = {}, signal }: ConfigIo,
): Promise<Omit<ConfigRun, 'code'> & { outcome: unknown }> {
  const { io } = quietIo({ env, ...(signal ? { signal } : {}) });
  if (stdin) io.stdin = stdin as unknown as NodeJS.ReadStream;
  for (const stream of [io.stdin, io.stderr]) Object.assign(stream, { isTTY: isTerminal });
  const said = { stdout: '', stderr: '' };
  io.stdout.on('data', (text) => (said.stdout += text));
  io.stderr.on('data', (text) => (said.stderr += text));
  const flags = Object.entries(options).flatMap(([key, value]) =>
    value === true ? [flagOf(key)] : [value].flat().map((each) => `${flagOf(key)}=${each}`),
  );
  const outcome = await createProgram(io)
    .run(['config', action, ...args, ...flags])
    .catch((error: unknown) => error);
  await setImmediate();
  const warnings = [...said.stderr.matchAll(/^warning: (.*)$/gm)].map(([, message = '']) => message);
  return { outcome, ...said, warnings };
}

/** The `config` command with its own settings folder, new for each test. */
export function configHome() {
  let home = '';
  beforeEach(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'dji-ota-config-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));
  const file = () => path.join(home, 'config.json');
  return {
    home: () => home,
    file,
    /** The content of the settings file. */
    kept: async () => JSON.parse(await readFile(file(), 'utf8')),
    /** Runs a command. @throws what it throws */
    async config(
      action: string,
      args: readonly string[] = [],
      options: ConfigOptions = {},
      { env, ...io }: ConfigIo = {},
    ): Promise<ConfigRun> {
      const { outcome, ...said } = await runConfig(action, args, options, {
        ...io,
        env: { DJI_OTA_HOME: home, ...env },
      });
      if (typeof outcome !== 'number') throw outcome;
      return { code: outcome, ...said };
    },
  };
}

/** A standard input with `text`. */
export function piped(text: string): { stdin: PassThrough } {
  const stdin = new PassThrough();
  stdin.end(text);
  return { stdin };
}
