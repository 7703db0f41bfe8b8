#!/usr/bin/env node
/**
 * Does what `npm test` does on other versions of Node, which the npm package `node` brings:
 *
 *     npm run test:node -- 22 24             everything
 *     npm run test:node -- 24 test/unit      some of the tests alone
 *
 * Everything that the tests spawn runs on that Node as well: it comes first on the PATH. Ends with 1 at the first version that fails.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const npmCli = process.env.npm_execpath;
if (!npmCli) throw new Error('run it with npm: npm run test:node -- 22 24');

/** Runs npm with the Node at `node`, on every platform without a shell. */
function npm(node, args, env) {
  const { status, error } = spawnSync(node, [npmCli, ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed`);
}

/** The environment with `folder` first on the PATH (`Path` on Windows), in which npm runs on its Node. */
function environmentOf(folder, node) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const env = { ...process.env, [name]: `${folder}${delimiter}${process.env[name] ?? ''}`, npm_node_execpath: node };
  env.NODE = node;
  return env;
}

const words = process.argv.slice(2);
const end = words.findIndex((word) => !/^\d+(\.\d+)*$/.test(word));
const wanted = end === -1 ? words : words.slice(0, end);
const tests = end === -1 ? [] : words.slice(end);
const folder = mkdtempSync(join(tmpdir(), 'dji-ota-node-'));
try {
  for (const version of wanted.length > 0 ? wanted : ['20', '22', '24']) {
    const prefix = join(folder, version);
    // Its install script selects the binary of this platform.
    const options = ['--no-save', '--no-audit', '--no-fund', '--silent', '--ignore-scripts=false'];
    npm(process.execPath, ['install', '--prefix', prefix, ...options, `node@${version}`], process.env);
    const node = join(prefix, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    const env = environmentOf(dirname(node), node);
    console.log(`Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
    if (tests.length === 0) npm(node, ['test'], env);
    else {
      npm(node, ['run', 'build'], env);
      npm(node, ['exec', '--', 'vitest', 'run', ...tests], env);
    }
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
