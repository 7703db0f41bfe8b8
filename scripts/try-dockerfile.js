#!/usr/bin/env node
/**
 * Follows the Dockerfile without a container engine: copies what it copies into a clean folder, runs the RUN lines of the build
 * stage there, copies the result as the second stage does, and uses it. Needs the registry.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copiesOf, stagesOf } from './dockerfile.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dji-ota-image-'));

try {
  const [build, final] = stagesOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
  const src = join(folder, 'src');
  mkdirSync(src);
  for (const { sources, target } of copiesOf(build)) {
    for (const source of sources) {
      cpSync(join(ROOT, source), target === './' ? join(src, basename(source)) : join(src, target), {
        recursive: true,
      });
    }
  }
  for (const { instruction, text } of build.steps) {
    if (instruction === 'RUN') execFileSync('sh', ['-c', text], { cwd: src, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  for (const { sources, target } of copiesOf(final, 'build')) {
    for (const source of sources) {
      const to = target.endsWith('/') ? join(target, basename(source)) : target;
      cpSync(join(folder, source), join(folder, to), { recursive: true, verbatimSymlinks: true });
    }
  }
  rmSync(src, { recursive: true });
  const bin = join(folder, 'opt', 'dji-ota', 'bin', 'dji-ota.js');
  execFileSync(bin, ['push', join(ROOT, 'examples', 'manifest.json'), '--simulate', '--output', 'quiet'], {
    env: { PATH: process.env.PATH, DJI_OTA_HOME: join(folder, 'data') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const kilobytes = execFileSync('du', ['-sk', join(folder, 'opt')], { encoding: 'utf8' }).split('\t')[0];
  console.log(`${(Number(kilobytes) / 1000).toFixed(1)} MB over the base image`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
