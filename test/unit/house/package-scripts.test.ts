/** The scripts of package.json also run in the shell of Windows. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const PROGRAMS = ['node', 'npm', 'tsc', 'biome', 'vitest'];

test.each(Object.entries(scripts))('%s: programs that every platform has, and no shell syntax but &&', (_, script) => {
  for (const command of script.split(' && ')) expect(PROGRAMS).toContain(command.split(' ')[0]);
  // Text in double quotes is passed on unchanged.
  expect(script.replace(/"[^"]*"/g, '').replaceAll(' && ', ' ')).not.toMatch(/['$`%;|<>()*~&^\\]/);
  const [, file] = /^node (scripts\/\S+|bench\/\S+)/.exec(script) ?? [];
  if (file) expect(existsSync(join(ROOT, file))).toBe(true);
});
