/** The same devices in every format, and the JSON Schema that describes them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { FIELD_OF, type Field } from '../../../src/manifest/device/fields.js';
import { deviceSchema, manifestJsonSchema, manifestSchema } from '../../../src/manifest/schema.js';
import { readFileAs, readText } from '../../helpers/manifest.js';

// The same values in every run.
fc.configureGlobal({ seed: 20260529 });

const serial = fc.stringMatching(/^[A-Za-z0-9]{1,20}$/);
// Includes characters that are special in one of the formats, but no white space at the ends.
const text = fc
  .string({
    unit: fc.constantFrom(
      'a',
      'Ü',
      '0',
      '1',
      '.',
      'e',
      '-',
      '"',
      "'",
      ',',
      ';',
      ':',
      '#',
      ' ',
      '&',
      '*',
      '{',
      '~',
      '\\',
      '🛩',
    ),
    minLength: 1,
    maxLength: 12,
  })
  // A CSV treats these as a spreadsheet's mark for text, but JSON does not.
  .filter((value) => value === value.trim() && !/^('|=")/.test(value));
const hex = fc.stringMatching(/^[0-9a-fA-F]{32}$/);

const file = fc.record(
  {
    file_url: fc.webUrl({ withQueryParameters: true }).map((url) => `${url.replace(/[?#].*$/, '')}/a.zip`),
    file: fc.constantFrom('a.zip', 'fw/b.zip', '../c.zip'),
    md5: hex,
    sha256: fc.tuple(hex, hex).map((halves) => halves.join('')),
    file_size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    file_name: text.filter((name) => !/[/\\]/.test(name) && !/^\.\.?$/.test(name)),
  },
  { requiredKeys: ['file_url'] },
);
const more = fc.record(
  {
    firmware_upgrade_type: fc.constantFrom(2, 3, 4, 'normal', 'consistency', 'psdk'),
    labels: fc.dictionary(fc.constantFrom('site', 'ring', 'hall_2', '__proto__', 'größe'), text.map(oneLine)),
    known: fc.record({ version: text, model: text, heard_at: fc.constant('2026-11-24T08:15:30.5+01:00') }),
  },
  { requiredKeys: [] },
);
const entry = fc
  .tuple(fc.record({ sn: serial, pid: serial, product_version: text }), fc.option(file, { nil: {} }), more)
  .map((parts) => Object.assign({}, ...parts) as Entry);
const entries = fc.uniqueArray(entry, { selector: ({ sn }) => sn, minLength: 1, maxLength: 8 });

type Entry = { sn: string } & Partial<Record<Field, unknown>>;

/** In a label, a CSV treats all white space as spaces. */
function oneLine(value: string): string {
  return value.replace(/\s+/g, ' ');
}

function csv(devices: readonly Entry[]): string {
  const flat = devices.map(({ labels, known, ...rest }): Record<string, unknown> => {
    const parts = Object.entries(known ?? {}).map(([part, value]) => [`known_${part}`, value]);
    // fromEntries instead of a spread, because a label may be called __proto__.
    return Object.fromEntries([...Object.entries(rest), ...parts, ...Object.entries(labels ?? {})]);
  });
  const columns = [...new Set(flat.flatMap((device) => Object.keys(device)))];
  const cell = (value: unknown) => (value === undefined ? '' : `"${String(value).replaceAll('"', '""')}"`);
  return [
    columns,
    ...flat.map((device) => columns.map((column) => cell(Object.getOwnPropertyDescriptor(device, column)?.value))),
  ]
    .map((row) => row.join(','))
    .join('\r\n');
}

test('devices are the same in JSON, YAML and CSV', async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (devices) => {
      const json = await readFileAs('m.json', JSON.stringify(devices));
      expect(json.map(({ sn, pid, product_version }) => ({ sn, pid, product_version }))).toEqual(
        devices.map(({ sn, pid, product_version }) => ({ sn, pid, product_version })),
      );
      expect(await readFileAs('m.yaml', stringify({ devices }))).toEqual(json);
      expect(await readFileAs('m.csv', csv(devices))).toEqual(json);
    }),
    { numRuns: 60 },
  );
});

test('the schema accepts what the reader accepts', async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (devices) => {
      await readText(JSON.stringify(devices));
      for (const form of [devices, { devices }, { method: 'ota_create', 'timestamp:': 1, data: { devices } }]) {
        expect(manifestSchema.safeParse(form).error).toBeUndefined();
      }
    }),
    { numRuns: 60 },
  );
});

test.each([
  { sn: 'A1' },
  { version: '1' },
  { sn: 'A1', version: 1.1 },
  { sn: 'a/b', version: '1' },
  { sn: 'A1', version: '1', other: 1 },
  { sn: 'A1', version: '1', md5: 'abc' },
  { sn: 'A1', version: '1', url: 'ftp://h/a' },
  { sn: 'A1', version: '1', type: 5 },
  { sn: 'A1', version: '1', file_size: -1 },
  { sn: 'a\u200b', version: '1' },
  { sn: 'A1', version: '1', sha256: 'abc' },
  { sn: 'A1', version: '1', labels: { ring: 1 } },
  { sn: 'A1', version: '1', known: { heard_at: 'today' } },
  { sn: 'A1', version: '1', known: { serial: 'x' } },
])('the schema refuses %j', (device) => {
  expect(deviceSchema.safeParse(device).success).toBe(false);
});

test('the JSON Schema knows exactly the keys that the reader knows', () => {
  const schema = manifestJsonSchema() as {
    $defs: {
      device: {
        properties: Record<string, { description?: string }>;
        additionalProperties: boolean;
        required: string[];
        anyOf: unknown;
      };
    };
  };
  const { device } = schema.$defs;
  expect(Object.keys(device.properties).sort()).toEqual([...FIELD_OF.keys()].sort());
  expect(Object.values(device.properties).every(({ description }) => description)).toBe(true);
  expect(device.additionalProperties).toBe(false);
  expect(device.required).toEqual(['sn']);
  expect(device.anyOf).toEqual([{ required: ['product_version'] }, { required: ['version'] }]);
});
