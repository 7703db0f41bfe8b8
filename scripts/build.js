#!/usr/bin/env node
/** Builds dist/: types with tsc, and in dist/program the command line program and the library (`bundle.js`). */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';

// Without symbolic links, like the paths of the bundler.
const ROOT = realpathSync(fileURLToPath(new URL('..', import.meta.url)));

/** Copies the declarations that the library's own refer to into dist/types. The others are internal. */
function copyTypes() {
  const from = join(ROOT, 'dist');
  const to = join(from, 'types');
  rmSync(to, { recursive: true, force: true });
  const seen = new Set();
  const queue = ['index.d.ts'];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const text = readFileSync(join(from, name), 'utf8');
    mkdirSync(dirname(join(to, name)), { recursive: true });
    writeFileSync(join(to, name), text);
    for (const [, path] of text.matchAll(/\b(?:from|import\() ?'(\.[^']+)\.js'/g))
      queue.push(join(dirname(name), `${path}.d.ts`));
  }
}

/** Replaces the files that have changed. A program that is running still finds its own files for a while. */
function write(files) {
  const folder = join(ROOT, 'dist', 'program');
  mkdirSync(folder, { recursive: true });
  for (const { path, text } of files) {
    const half = join(ROOT, `${path}.${process.pid}.tmp`);
    writeFileSync(half, text);
    renameSync(half, join(ROOT, path));
  }
  const names = new Set(files.map(({ path }) => basename(path)));
  const old = Date.now() - 10 * 60_000;
  for (const name of readdirSync(folder)) {
    if (!names.has(name) && statSync(join(folder, name)).mtimeMs < old) rmSync(join(folder, name));
  }
}

const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.json')], { stdio: 'inherit' });
copyTypes();
write(await bundle(ROOT));
