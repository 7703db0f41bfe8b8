#!/usr/bin/env node
/**
 * Runs simulated worlds (docs/reliability.md): bundles test/worlds with the sources, so that it starts quickly and runs at full
 * speed, and runs it with the given arguments.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
// In a folder from which packages that are not bundled are found.
const OUT = join(ROOT, 'node_modules', '.cache', 'dji-ota', `worlds-${process.pid}.mjs`);

await build({
  absWorkingDir: ROOT,
  entryPoints: ['test/worlds/night.ts'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  define: { __VERSION__: JSON.stringify('simulated') },
  sourcemap: 'inline',
  outfile: OUT,
  logLevel: 'warning',
});
const { rmSync } = await import('node:fs');
// An interrupted night is summed up before it ends.
process.on('SIGINT', () => {});
const { status, signal } = spawnSync(process.execPath, ['--enable-source-maps', OUT, ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
rmSync(OUT, { force: true });
process.exitCode = status ?? (signal === null ? 1 : 130);
