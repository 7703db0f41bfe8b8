/** Manifests that try to hang, exhaust or confuse the reader: each one ends in a proper error, or is read correctly. */
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readManifest } from '../../../src/manifest/read.js';
import { errorOf, inFolder, NO_DEFAULTS, readFileAs, readText } from '../../helpers/manifest.js';

// The same values in every run.
fc.configureGlobal({ seed: 20260529 });

/** An entry with a dozen keys of its own, and an anchor. */
const anchored = (name: string) =>
  `- &${name} {${Array.from({ length: 12 }, (_, at) => `${name}${at}: 1`).join(', ')}}\n`;
const many = (count: number, text: string) => text.repeat(count);

test.each([
  ['m.json', many(1_000_000, '[')],
  ['m.json', many(200_000, '{"a":') + 1 + many(200_000, '}')],
  ['m.yaml', many(100_000, '[')],
  ['m.yaml', many(50_000, '{a: ')],
  ['m.yaml', `${many(50_000, '- ')}x`],
  ['m.yaml', `${many(50_000, '? ')}x`],
])('%s nested too deeply', async (name, text) => {
  expect((await errorOf(readFileAs(name, text))).message).toMatch(/^m\.\w+: line 1, column \d+: is nested too deeply$/);
});

test('an alias bomb is harmless', async () => {
  const levels = 'bcdefghijklmnopqrstuvwxyz'.split('');
  const lines = levels.map((name, at) => `${name}: &${name} [${many(9, `*${'abcdefghijklmnopqrstuvwxyz'[at]},`)}]`);
  const error = await errorOf(readFileAs('m.yaml', `a: &a [x]\n${lines.join('\n')}\ndevices: *z\n`));
  expect(error.code).toBe('manifest_invalid');
  expect(error.details[26]).toMatch(
    /^device 1, device 2, device 3 and 6 more: is a list; a device is a mapping of keys$/,
  );
});

test.each([
  ['&a [*a]', 'manifest_invalid'],
  ['- &a {sn: *a}', 'manifest_invalid'],
  ['&a {<<: *a}', 'manifest_unreadable'],
])('%s, which holds itself, comes to an end', async (text, code) => {
  expect(await errorOf(readFileAs('m.yaml', text))).toMatchObject({ code });
});

test.each([
  [
    'm.yaml',
    `- {${Array.from({ length: 40 }, (_, at) => `k${at}: 1`).join(', ')}}`,
    'has a mapping of more than 32 keys',
  ],
  ['m.yaml', `${['a', 'b', 'c'].map(anchored).join('')}- {<<: [*a, *b, *c]}`, 'has a mapping of more than 32 keys'],
  ['m.yaml', `- &a {b: c}\n- {<<: [${many(40, '*a,')}]}`, 'merges more than 32 mappings'],
  ['m.csv', `sn\n${many(2_000_000, ',')}`, 'row 2: has more than 1000 cells'],
  ['m.csv', `sn,pid\n${many(1_100_000, ',\n')}`, 'there are more than 1048576 rows'],
  ['m.csv', `sn\n"${many(2_000_000, 'x')}"`, 'row 2: is longer than 1048576 characters'],
  ['m.csv', `sn\n"${many(2_000_000, '""')}`, 'row 2: a quotation mark is not closed'],
  ['m.json', `[${many(1_000_000, '1,')}1]`, 'holds a list of more than 1000000 items'],
  ['m.json', `[${many(4000, `[${many(1000, '{},')}{}],`)}1]`, 'holds more than 4000000 lists and objects'],
  [
    'm.json',
    `[{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`).join()}}]`,
    'an object of more than 1000 keys',
  ],
  ['m.yaml', many(1_000_001, '#\n'), 'too large for YAML'],
])('%s out of all proportion', async (name, text, problem) => {
  const error = await errorOf(readFileAs(name, text));
  expect(error.code).toBe('manifest_unreadable');
  expect(error.message).toContain(problem);
});

test('too large a file is refused unread', async () => {
  const error = await errorOf(
    inFolder(async (cwd) => {
      await writeFile(join(cwd, 'm.json'), '[');
      await truncate(join(cwd, 'm.json'), 64 * 1024 * 1024 + 1);
      return readManifest('m.json', { ...NO_DEFAULTS, cwd });
    }),
  );
  expect(error.message).toBe('m.json: is larger than 67.1 MB, the limit for a manifest');
  const yaml = await errorOf(readFileAs('m.yaml', `- ${many(8 * 1024 * 1024, 'x')}`));
  expect(yaml.message).toContain('too large for YAML');
});

test.each([
  ['m.json', '[{"__proto__": {"sn": "A1"}, "constructor": 1, "pid": "D1", "version": "1"}]'],
  ['m.yaml', '- {__proto__: {sn: A1}, constructor: 1, pid: D1, version: 1}'],
])('%s: keys of every object are unknown keys like any other', async (name, text) => {
  expect((await errorOf(readFileAs(name, text))).details).toEqual([
    'device 1: "__proto__": unknown key',
    'device 1: "constructor": unknown key',
    'device 1: sn: is missing',
  ]);
  expect(({} as { sn?: string }).sn).toBeUndefined();
});

test('a device with thousands of keys is one finding', async () => {
  const entry = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`k${at}`, at]));
  expect((await errorOf(readText(JSON.stringify([entry])))).details).toEqual([
    'device 1: has more than 100 keys; a device has at most 16',
  ]);
});

const names = fc.constantFrom('m.json', 'm.yaml', 'm.csv', 'm.tsv', 'm');

test('any file is read or refused with an OtaError', async () => {
  const contents = fc.oneof(
    fc.json(),
    fc.string(),
    fc.uint8Array(),
    fc.string({
      unit: fc.constantFrom(
        '- ',
        '\n',
        'sn',
        ': ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '&a ',
        '*a',
        '<<',
        '"',
        '|',
        '!!',
        '#',
        'x',
        '? ',
        '---\n',
        '  ',
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(names, contents, async (name, text) => {
      // errorOf throws errors that are not the program's own.
      const outcome = await errorOf(readFileAs(name, text)).catch((error: Error) => error);
      expect(outcome.message === 'no error came' || outcome.name === 'OtaError').toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('a device with any values is read or refused with an OtaError', async () => {
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'https://h/a.zip',
      'http://h/',
      'https://u:p@h:8443/a%20b?c=d#e',
      'ftp://h/a',
      'https://[',
      '//h/a',
    ),
    fc.double(),
    fc.constantFrom(3, 'normal', null, 'A1', '0123456789abcdef0123456789abcdef'),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const keys = [
    'sn',
    'pid',
    'gateway',
    'product_version',
    'version',
    'file_url',
    'url',
    'file',
    'md5',
    'file_size',
    'file_name',
    'type',
    'firmware_upgrade_type',
    'other',
  ];
  const entry = fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] });
  const manifest = fc.oneof(fc.array(entry, { maxLength: 4 }), fc.record({ devices: fc.array(entry) }), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(manifest, fc.boolean(), async (content, allowFileWithoutUrl) => {
      const outcome = await errorOf(readText(JSON.stringify(content), { allowFileWithoutUrl })).catch(
        (error: Error) => error,
      );
      expect(outcome.message === 'no error came' || outcome.name === 'OtaError').toBe(true);
    }),
    { numRuns: 100 },
  );
});
