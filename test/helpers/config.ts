import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach } from 'vitest';
import { configCommand } from '../../src/cli/commands/config/config.js';
import type { ConfigAction, ConfigIo, ConfigOptions } from '../../src/cli/commands/config/context.js';

/** What one `config` command wrote. */
export interface ConfigRun {
  code: number;
  stdout: string;
  stderr: string;
  /** The codes of its warnings. */
  warnings: string[];
}

/** The `config` command over a settings folder of its own, anew for each test. */
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
    /** What the settings file holds. */
    kept: async () => JSON.parse(await readFile(file(), 'utf8')),
    async config(
      action: ConfigAction,
      args: string[] = [],
      options: ConfigOptions = {},
      io: Partial<ConfigIo> = {},
    ): Promise<ConfigRun> {
      const stdout = new PassThrough();
      const stderr = new PassThrough();
      const warnings: string[] = [];
      const code = await configCommand(action, args, options, {
        stdout,
        stderr,
        stdin: new PassThrough(),
        isTerminal: false,
        warn: (warning) => warnings.push(warning),
        ...io,
        env: { DJI_OTA_HOME: home, ...io.env },
      });
      return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? ''), warnings };
    },
  };
}

/** Standard input that holds `text`. */
export function piped(text: string): { stdin: PassThrough } {
  const stdin = new PassThrough();
  stdin.end(text);
  return { stdin };
}
