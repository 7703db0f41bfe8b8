#!/usr/bin/env node
/** Runs the steps of action.yml in a clean copy of this repository, as a runner would. Needs the registry. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dji-ota-action-'));

try {
  const copy = join(folder, 'action');
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT });
  for (const file of listed.toString().split('\0')) {
    // Git still lists files that have just been removed.
    if (!existsSync(join(ROOT, file)) || file === '') continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  const output = join(folder, 'output');
  writeFileSync(output, '');
  const { steps } = parse(readFileSync(join(copy, 'action.yml'), 'utf8')).runs;
  const inputs = { INPUT_MANIFEST: 'examples/manifest.json', INPUT_OUTPUT: 'json', INPUT_ARGS: '--simulate\nok' };
  for (const { name, run, env = {} } of steps) {
    const empty = Object.fromEntries(Object.keys(env).map((key) => [key, '']));
    const { status, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', run], {
      cwd: copy,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        ...empty,
        ...inputs,
        GITHUB_ACTION_PATH: copy,
        GITHUB_OUTPUT: output,
        RUNNER_TEMP: folder,
      },
    });
    if (status !== 0) throw new Error(`the step "${name}" ended with ${status}:\n${stderr}`);
  }
  const said = readFileSync(output, 'utf8');
  if (!said.includes('exit-code=0\n')) throw new Error(`its outputs are:\n${said}`);
  console.log('built from a clean copy, and pushed');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
