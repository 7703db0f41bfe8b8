import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readManifest } from '../../../src/manifest/read.js';
import {
  errorOf,
  inFolder,
  manifestDevice,
  NO_DEFAULTS,
  readEntries,
  readFileAs,
  readText,
} from '../../helpers/manifest.js';

const ENTRY = { sn: 'A1', pid: 'D1', product_version: '1.10' };
const DEVICE = { ...manifestDevice('A1', 'D1'), product_version: '1.10' };

test.each([
  ['a bare list', [ENTRY]],
  ['an object with devices', { devices: [ENTRY] }],
  ['an object with a $schema', { $schema: './manifest.schema.json', devices: [ENTRY] }],
  [
    'a message as the documentation prints it',
    { method: 'ota_create', 'timestamp:': 1, bid: 'b', tid: 't', gateway: 'elsewhere', data: { devices: [ENTRY] } },
  ],
  ['a message without a method', { timestamp: 1, data: { devices: [ENTRY] } }],
])('%s is a manifest', async (_, manifest) => {
  expect(await readEntries(manifest)).toEqual([DEVICE]);
});

test('the second spelling of each key', async () => {
  const entry = { sn: 'A1', gateway: 'D1', version: '1.10', url: 'http://h/a.zip', type: 'PSDK' };
  expect(await readEntries([entry])).toEqual([
    { ...DEVICE, firmware_upgrade_type: 4, file_url: 'http://h/a.zip', file_name: 'a.zip' },
  ]);
});

test('the extension tells the format in any case, and a file without one is JSON or YAML', async () => {
  const json = JSON.stringify([ENTRY]);
  const yaml = '- {sn: A1, pid: D1, version: 1.10}';
  expect(await readFileAs('m.JSON', json)).toEqual([DEVICE]);
  expect(await readFileAs('m.YML', yaml)).toEqual([DEVICE]);
  expect(await readFileAs('m.yaml', yaml)).toEqual([DEVICE]);
  expect(await readFileAs('m.Csv', 'sn,pid,version\nA1,D1,1.10\n')).toEqual([DEVICE]);
  expect(await readFileAs('manifest', yaml)).toEqual([DEVICE]);
  const error = await errorOf(readFileAs('m.txt', json));
  expect(error).toMatchObject({ code: 'manifest_unreadable', message: 'm.txt: the extension .txt is not known' });
});

test.each([
  ['JSON', JSON.stringify([ENTRY])],
  ['JSON with a byte order mark', `\ufeff${JSON.stringify([ENTRY])}`],
  ['YAML', 'devices:\n  - sn: A1\n    pid: D1\n    version: 1.10\n'],
  ['YAML that begins like JSON', '[{sn: A1, pid: D1, version: 1.10},] # all'],
])('standard input may hold %s', async (_, text) => {
  expect(await readText(text)).toEqual([DEVICE]);
});

test.each([
  ['UTF-8 with a mark', Buffer.from(`\ufeff${JSON.stringify([ENTRY])}`)],
  ['UTF-16 as PowerShell writes it', Buffer.from(`\ufeff${JSON.stringify([ENTRY])}`, 'utf16le')],
])('a file in %s', async (_, bytes) => {
  expect(await readFileAs('m.json', bytes)).toEqual([DEVICE]);
});

test('text outside ASCII arrives whole', async () => {
  const [device] = await readFileAs(
    'm.json',
    JSON.stringify([{ ...ENTRY, url: 'http://h/a', file_name: 'Überflug.zip' }]),
  );
  expect(device?.file_name).toBe('Überflug.zip');
});

test('YAML: what is written counts, quoted or not; blank values are left out; merges work', async () => {
  const text = `
- &dock {sn: 0123, pid: 1e5, version: 1.10, md5: 12345678901234567890123456789012, url: "http://h/a.zip", file_size: 7}
- <<: *dock
  sn: yes
  md5:
  file_size: ~
  version: '17.02'
`;
  expect(await readFileAs('m.yaml', text)).toEqual([
    {
      ...manifestDevice('0123', '1e5'),
      product_version: '1.10',
      file_url: 'http://h/a.zip',
      md5: '12345678901234567890123456789012',
      file_size: 7,
      file_name: 'a.zip',
    },
    {
      ...manifestDevice('yes', '1e5', 1),
      product_version: '17.02',
      file_url: 'http://h/a.zip',
      file_name: 'a.zip',
    },
  ]);
});

test('CSV: mark, line ends, quotes, blank cells and rows, and the delimiters of spreadsheets', async () => {
  const expected = [
    {
      ...manifestDevice('A1', 'D1'),
      product_version: '1,"0"',
      file_url: 'http://h/a.zip',
      file_size: 12,
      file_name: 'a.zip',
    },
    { ...manifestDevice('A2', 'D1', 1), product_version: '2', firmware_upgrade_type: 2 },
  ];
  const rows = [
    ['\ufeffsn', ' gateway', 'version', 'url', 'file_size', 'type'],
    ['A1', 'D1 ', '"1,""0"""', 'http://h/a.zip', '12', ''],
    ['', '', '', '', '', ''],
    ['A2', 'D1', '2', '', '', 'consistency'],
  ];
  for (const delimiter of [',', ';', '\t']) {
    const text = rows.map((row) => row.join(delimiter)).join('\r\n');
    expect(await readFileAs('m.csv', `${text}\r\n\r\n`)).toEqual(expected);
  }
});

test('--pid and --type apply to devices that name none', async () => {
  const entries = [
    { sn: 'A1', version: '1' },
    { sn: 'A2', version: '1', pid: 'D2', type: 4 },
  ];
  const devices = await readEntries(entries, { defaultPids: ['D9'], defaultType: 2 });
  expect(devices.map(({ pid, firmware_upgrade_type }) => [pid, firmware_upgrade_type])).toEqual([
    ['D9', 2],
    ['D2', 4],
  ]);
});

test('an MD5 comes in any case, a size as number or digits', async () => {
  const entry = { ...ENTRY, url: 'http://h/a', md5: 'ABCDEFabcdef0123456789ABCDEFabcd', file_size: '665800202' };
  expect(await readEntries([entry])).toMatchObject([{ md5: 'abcdefabcdef0123456789abcdefabcd', file_size: 665800202 }]);
});

test('null is no value', async () => {
  expect(await readEntries([{ ...ENTRY, gateway: null, url: null, file_size: null }])).toEqual([DEVICE]);
});

test('a file is relative to the manifest, or to the current folder on standard input', async () => {
  const entry = { ...ENTRY, url: 'http://h/a.zip', file: 'sub/../fw/b.zip' };
  expect((await readFileAs('m.json', JSON.stringify([entry])))[0]?.file).toBe(join('/', 'fw', 'b.zip'));
  expect((await readEntries([entry]))[0]?.file).toBe(resolve('/fleet/fw/b.zip'));
});

test.each([
  ['https://h/fw/M4T%20UAV.zip?X-Signature=a/b.c#d', 'M4T UAV.zip'],
  ['https://h/fw/100%.zip', '100%.zip'],
  ['https://h/fw/a%2Fb.zip', 'a%2Fb.zip'],
  ['https://h/fw/a%00.zip', 'a%00.zip'],
])('the file name in %s is %s', async (url, name) => {
  const [device] = await readEntries([{ ...ENTRY, url }]);
  expect(device).toMatchObject({ file_url: url, file_name: name });
});

test('the file name may come from the path, and the given one wins', async () => {
  const serve = { allowFileWithoutUrl: true };
  expect((await readEntries([{ ...ENTRY, file: 'fw/b.zip' }], serve))[0]?.file_name).toBe('b.zip');
  expect((await readEntries([{ ...ENTRY, file: 'fw/b.zip', url: 'http://h/' }]))[0]?.file_name).toBe('b.zip');
  expect((await readEntries([{ ...ENTRY, file: 'b.zip', url: 'http://h/a', file_name: 'c' }]))[0]?.file_name).toBe('c');
});

test.each([
  ['no such file', 'none.json', 'none.json: cannot be read: no such file'],
  ['a folder', '.', '.: is a folder, not a manifest'],
])('%s', async (_, source, message) => {
  const error = await errorOf(inFolder((cwd) => readManifest(source, { ...NO_DEFAULTS, cwd })));
  expect(error).toMatchObject({ code: 'manifest_unreadable', message });
  expect(error.hint).toBeTruthy();
});

test.each([
  ['m.json', '', 'm.json: is empty'],
  ['m.yaml', '# nothing yet\n', 'm.yaml: is empty'],
  ['m.json', '[\n {"sn": "a",}]', 'm.json: line 2, column 13: is not JSON: has an extra comma before "}"'],
  ['m.json', '[{"sn": "a",\n "sn": "b"}]', 'm.json: line 2, column 2: the key "sn" is given twice in one object'],
  ['m.json', '[{"sn": 1, "s\\u006e": 2}]', 'm.json: line 1, column 12: the key "sn" is given twice in one object'],
  [
    'm.json',
    Buffer.from('[\n"N\u00fcrnberg"]', 'latin1'),
    'm.json: line 2: is not UTF-8 text, but probably Windows-1252, where it has "ü"',
  ],
  ['m.json', Buffer.from('[{}]', 'utf16le'), 'm.json: seems to be UTF-16 without a byte order mark'],
  ['m.csv', Buffer.from('PK\u0003\u0004...'), 'm.csv: is a spreadsheet, or another ZIP'],
  ['m.xlsx', '', 'm.xlsx: is a spreadsheet'],
  ['m.yaml', 'devices:\n\t- sn: a', 'm.yaml: line 2, column 1: is not YAML: Tabs are not allowed as indentation'],
  ['m.yaml', '- sn: a\n  sn: b', 'm.yaml: line 2, column 3: the key "sn" is given twice in one mapping'],
  ['m.yaml', '- *gone', 'm.yaml: line 1, column 3: the alias "*gone" refers to nothing defined before it'],
  ['m.yaml', '- a\n---\n- b', 'm.yaml: line 2, column 1: holds several YAML documents'],
  ['m.yaml', '- {<<: a}', 'm.yaml: line 1, column 8: only a mapping can be merged with "<<"'],
  ['m.csv', 'sn,pid,version\nA,B,1\nC', 'm.csv: row 3: has 1 of 3 cells and no line end'],
  ['m.csv', 'sn,pid,version\n\nA,"B,1\nC,D,1\n', 'm.csv: row 3: a quotation mark is not closed'],
  ['m.csv', 'sn,pid,version\nA,"B" x,1\n', 'm.csv: row 2: has "x" after a quoted cell'],
  ['m.csv', 'sep=x\nsn,pid,version\n', 'm.csv: row 1: "sep=x" names no separator'],
  ['m.json', '{"device": []}', 'm.json: has "device", but no "devices"'],
  ['m.json', '{"sn": "a"}', 'm.json: is a single device, not a list of devices'],
  ['m.json', '"abc"', 'm.json: is "abc", not a manifest'],
  ['m.json', '{"devices": 3}', 'm.json: "devices" is the number 3, not a list'],
  ['m.json', '{"method": "ota_create", "data": []}', 'm.json: "data" is a list, not a mapping with "devices"'],
])('%s holding %j cannot be read', async (name, contents, message) => {
  expect(await errorOf(readFileAs(name, contents))).toMatchObject({ code: 'manifest_unreadable', message });
});

test('what is neither JSON nor YAML on standard input is reported as JSON', async () => {
  expect(await errorOf(readText('[{"sn": a"}'))).toMatchObject({
    message:
      'the manifest on standard input: line 1, column 9: is not JSON: has "a", which begins no key or value in JSON',
  });
});
