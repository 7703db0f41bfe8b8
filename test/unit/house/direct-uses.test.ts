/** The modules of a run take clock, files, processes and random ids from its `Machine`, so that worlds can be simulated. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { filesUnder, importsOf, withoutComments } from '../../helpers/imports.js';

const SRC = fileURLToPath(new URL('../../../src', import.meta.url));

const ROOMS = ['app', 'upgrade', 'journal', 'fleet', 'manifest'];

/** Modules of Node that are functions of their input. */
const PURE = ['node:buffer', 'node:path', 'node:url', 'node:crypto', 'node:zlib'];
/** For modules that have both, the pure functions. */
const PURE_NAMES = ['createHash', 'crc32'];

const DIRECT: Readonly<Record<string, RegExp>> = {
  clock: /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bhrtime\b|\bsystemClock\b/,
  timers: /\b(?:set|clear)(?:Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b|\bnextTick\b/,
  random: /\bMath\.random\b|\brandom(?:UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b/,
  process: /\bprocess\.(?!env\b|stdin\b)|\bglobalThis\b|\brequire\(/,
};

/** Not state of the machine, but part of the program itself. */
const OF_THE_PROGRAM = new Map([
  ['app/version.ts', ['node:fs']],
  // The examples in a single executable, which are unpacked.
  ['app/package-file.ts', ['node:fs', 'node:sea']],
]);

function directUses(name: string, text: string): string[] {
  const found = importsOf(text)
    .filter(({ specifier, kind }) => kind !== 'type' && specifier.startsWith('node:'))
    .map(({ specifier }) => specifier)
    .filter((specifier) => !PURE.includes(specifier) && !OF_THE_PROGRAM.get(name)?.includes(specifier));
  const code = withoutComments(text);
  for (const [, names = ''] of code.matchAll(/import \{([^}]*)\} from 'node:(?:crypto|zlib)'/g)) {
    found.push(...names.split(',').flatMap((each) => (PURE_NAMES.includes(each.trim()) ? [] : [each.trim()])));
  }
  for (const [what, pattern] of Object.entries(DIRECT)) if (pattern.test(code)) found.push(what);
  return found.filter((each) => each !== '');
}

describe('direct uses of clock, disk, randomness, timers and processes', () => {
  test.each(ROOMS)('none in %s', (room) => {
    const files = filesUnder(join(SRC, room), '.ts');
    expect(files.length).toBeGreaterThan(0);
    const found = files.flatMap((file) => {
      const name = relative(SRC, file).replaceAll('\\', '/');
      return directUses(name, readFileSync(file, 'utf8')).map((use) => `${name}: ${use}`);
    });
    expect(found).toEqual([]);
  });

  test.each([
    ["import { readFile } from 'node:fs/promises';", 'node:fs/promises'],
    ["import { randomBytes } from 'node:crypto';\nrandomBytes(3);", 'randomBytes'],
    ["import { hostname } from 'node:os';", 'node:os'],
    ['const now = Date.now();', 'clock'],
    ['const now = new Date();', 'clock'],
    ['setTimeout(() => {}, 1);', 'timers'],
    ['setImmediate(run);', 'timers'],
    ['const half = Math.random() / 2;', 'random'],
    ['const me = process.pid;', 'process'],
  ])('each is found: %s', (text, use) => {
    expect(directUses('app/x.ts', text)).toContain(use);
  });

  test('functions of their input, types and comments are none', () => {
    const text = [
      "import { createHash } from 'node:crypto';",
      "import { crc32 } from 'node:zlib';",
      "import type { FileHandle } from 'node:fs/promises';",
      '// Date.now() and setTimeout()',
      'const then = new Date(0);',
    ].join('\n');
    expect(directUses('app/x.ts', text)).toEqual([]);
  });
});
