/** A written manifest is read correctly, in every format. */
import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelNameOf, labelNameProblem, labelProblem } from '../../../src/manifest/device/labels.js';
import {
  labelColumnProblem,
  MANIFEST_FORMATS,
  manifestFormat,
  manifestText,
  type WrittenDevice,
} from '../../../src/manifest/write.js';
import { anyText } from '../../helpers/any-text.js';
import { readFileAs } from '../../helpers/manifest.js';

const DEVICE: WrittenDevice = {
  sn: '7CTXN4A00B0001',
  pid: '7CTXN4A00B0001',
  product_version: '17.07.0401',
  file: 'firmware/Dock3_17.07.04.01_pro.zip',
  file_size: 6175,
  md5: 'a4475c8e02e0bf8ce218a52aacc975d7',
  labels: { site: 'north' },
  known: { version: '17.05.0102', model: 'Dock 3', heard_at: '2026-11-27T08:15:30.000Z' },
};

/** Texts that a manifest allows, including those that a format may misinterpret. */
const awkward = fc.constantFrom(
  'no',
  '1.10',
  '0123',
  '7E12',
  '1e5',
  '=1+1',
  "'01",
  '-',
  '@a',
  'a,b',
  'a;b',
  'a"b',
  'a: b',
  '# a',
  '~',
  '12:30',
  '0x1F',
  '="a"',
  'Zürich',
);
const text = fc
  .oneof(
    awkward,
    anyText(12).map((any) => any.trim().replace(/\s+/g, ' ')),
  )
  .filter((any) => labelProblem(any) === null);
const serial = fc.oneof(fc.stringMatching(/^[A-Z0-9]{1,20}$/), fc.constantFrom('7E12', '0123', '1E5', 'NULL', 'no'));
const label = fc
  .oneof(fc.stringMatching(/^[a-z_]{3,10}$/), text.map(labelNameOf))
  .filter((name) => labelNameProblem(name) === null && labelColumnProblem({ [name]: '' }) === null);
const known = fc.record({
  version: fc.option(text),
  model: fc.option(text),
  heard_at: fc.option(fc.constant('2026-11-27T08:15:30.000Z')),
});
const devices = fc
  .record({
    // A file name contains no slash.
    files: fc.array(
      text.filter((any) => !/[/\\]/.test(any) && any !== '.'),
      { minLength: 3, maxLength: 3 },
    ),
    serials: fc.uniqueArray(serial, {
      minLength: 1,
      maxLength: 3,
      comparator: (a, b) => a.toLowerCase() === b.toLowerCase(),
    }),
    labels: fc.dictionary(label, text, { maxKeys: 3 }),
    version: fc.constantFrom('1.10', '17.07.0401', '17.02.05.01', '1e5'),
    known,
  })
  .map(({ files, serials, labels, version, known }): WrittenDevice[] =>
    serials.map((sn, place) => ({
      ...DEVICE,
      ...{ sn, pid: serials[0] ?? '', product_version: version, file: `f/${files[place]}`, labels, known },
    })),
  );

test.each(MANIFEST_FORMATS)('%s is read as it was written, with any values', async (format) => {
  await fc.assert(
    fc.asyncProperty(devices, async (written) => {
      const read = await readFileAs(`m.${format}`, manifestText(written, format), { allowFileWithoutUrl: true });
      expect(read).toHaveLength(written.length);
      for (const [place, { labels, known, file, ...rest }] of written.entries()) {
        const device = read[place];
        expect(device).toMatchObject(rest);
        expect(device?.file?.endsWith(resolve('/', file))).toBe(true);
        expect({ ...device?.labels }).toEqual({ ...labels });
        const { version, model, heard_at } = known;
        const none = version === null && model === null && heard_at === null;
        const at = heard_at === null ? null : Date.parse(heard_at);
        expect(device?.known ?? null).toEqual(none ? null : { version, model, heard_at: at });
      }
    }),
    { numRuns: 60 },
  );
});

test('each format is one that a person reads and edits', () => {
  const aircraft = { ...DEVICE, sn: '1581F8HGX24B00A1', known: { version: null, model: 'M4TD', heard_at: null } };
  expect(manifestText([DEVICE, aircraft], 'json')).toMatchInlineSnapshot(`
    "{
      "devices": [
        {
          "sn": "7CTXN4A00B0001",
          "pid": "7CTXN4A00B0001",
          "product_version": "17.07.0401",
          "file": "firmware/Dock3_17.07.04.01_pro.zip",
          "file_size": 6175,
          "md5": "a4475c8e02e0bf8ce218a52aacc975d7",
          "labels": { "site": "north" },
          "known": { "version": "17.05.0102", "model": "Dock 3", "heard_at": "2026-11-27T08:15:30.000Z" }
        },
        {
          "sn": "1581F8HGX24B00A1",
          "pid": "7CTXN4A00B0001",
          "product_version": "17.07.0401",
          "file": "firmware/Dock3_17.07.04.01_pro.zip",
          "file_size": 6175,
          "md5": "a4475c8e02e0bf8ce218a52aacc975d7",
          "labels": { "site": "north" },
          "known": { "model": "M4TD" }
        }
      ]
    }
    "
  `);
  expect(manifestText([DEVICE, aircraft], 'yaml')).toMatchInlineSnapshot(`
    "- sn: 7CTXN4A00B0001
      pid: 7CTXN4A00B0001
      product_version: "17.07.0401"
      file: firmware/Dock3_17.07.04.01_pro.zip
      file_size: 6175
      md5: a4475c8e02e0bf8ce218a52aacc975d7
      labels:
        site: north
      known:
        version: "17.05.0102"
        model: Dock 3
        heard_at: "2026-11-27T08:15:30.000Z"

    - sn: 1581F8HGX24B00A1
      pid: 7CTXN4A00B0001
      product_version: "17.07.0401"
      file: firmware/Dock3_17.07.04.01_pro.zip
      file_size: 6175
      md5: a4475c8e02e0bf8ce218a52aacc975d7
      labels:
        site: north
      known:
        model: M4TD
    "
  `);
  expect(manifestText([DEVICE, aircraft], 'csv')).toMatchInlineSnapshot(`
    "sn,pid,product_version,file,file_size,md5,known_version,known_model,known_heard_at,site
    7CTXN4A00B0001,7CTXN4A00B0001,17.07.0401,firmware/Dock3_17.07.04.01_pro.zip,6175,a4475c8e02e0bf8ce218a52aacc975d7,17.05.0102,Dock 3,2026-11-27T08:15:30.000Z,north
    1581F8HGX24B00A1,7CTXN4A00B0001,17.07.0401,firmware/Dock3_17.07.04.01_pro.zip,6175,a4475c8e02e0bf8ce218a52aacc975d7,,M4TD,,north
    "
  `);
});

test('a CSV that is not ASCII says that it is UTF-8', () => {
  expect(manifestText([{ ...DEVICE, labels: { site: 'Zürich' } }], 'csv').charCodeAt(0)).toBe(0xfeff);
  expect(manifestText([DEVICE], 'csv').charCodeAt(0)).toBe('s'.charCodeAt(0));
});

test('the extension says the format', () => {
  expect(['a.JSON', 'b.yml', 'c.yaml', 'd.csv', 'e.tsv'].map((file) => manifestFormat(file, '--write'))).toEqual([
    'json',
    'yaml',
    'yaml',
    'csv',
    'tsv',
  ]);
  expect(() => manifestFormat('fleet.xlsx', '--write')).toThrow(
    '--write fleet.xlsx ends in .xlsx, which is not a manifest format',
  );
  expect(() => manifestFormat('fleet', '--write')).toThrow('has no extension');
});

test.each([['sn'], ['dock'], ['known_version'], ['firmwar'], ['file_urll']])('%s is no label of a CSV', (name) => {
  expect(labelColumnProblem({ [name]: 'x' })).not.toBeNull();
});
