/** CSV manifests as people and their spreadsheets write them. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvRows } from '../../../src/manifest/parse/csv-rows.js';
import { errorOf, manifestDevice, readFileAs } from '../../helpers/manifest.js';

// The same values in every run.
fc.configureGlobal({ seed: 20260529 });

/** One device whose CSV has these columns in addition to sn, pid and version. */
async function deviceWith(columns: Record<string, string>) {
  const header = ['sn', 'pid', 'version', ...Object.keys(columns)].join(';');
  const [device] = await readFileAs('m.csv', `${header}\nA1;D1;17.02.0501;${Object.values(columns).join(';')}\n`);
  return device;
}

const findings = async (text: string, name = 'm.csv') => (await errorOf(readFileAs(name, text))).details;

describe('headers', () => {
  test.each([
    ['Serial Number;Dock SN;Firmware'],
    ['serial;GATEWAY;Firmware Version'],
    ['Device-SN;gateway_sn;target version'],
    ['SN;PID;PRODUCT_VERSION'],
    ['"Serial\nNumber";  dock ;Version'],
  ])('%j', async (header) => {
    expect(await readFileAs('m.csv', `${header}\nA1;D1;17.02.05.01\n`)).toEqual([manifestDevice('A1', 'D1')]);
  });

  test.each([
    ['Download URL', 'http://h/a.zip', 'file_url', 'http://h/a.zip'],
    ['firmware-url', 'http://h/a.zip', 'file_url', 'http://h/a.zip'],
    ['Upgrade Type', 'psdk', 'firmware_upgrade_type', 4],
    ['TYPE', '2', 'firmware_upgrade_type', 2],
  ])('%s', async (name, cell, key, value) => {
    expect(await deviceWith({ [name]: cell })).toMatchObject({ [key]: value });
  });

  test('checksum, size and the other keys of a file', async () => {
    const md5 = '0123456789ABCDEF0123456789abcdef';
    const cells = { url: 'http://h/a', Checksum: md5, Size: '12', 'SHA-256': md5 + md5, 'File Name': 'a.zip' };
    expect(await deviceWith(cells)).toMatchObject({
      md5: md5.toLowerCase(),
      sha256: (md5 + md5).toLowerCase(),
      file_size: 12,
      file_name: 'a.zip',
    });
  });

  test('the columns of known', async () => {
    const cells = { known_version: '17.01.0001', 'Known Model': 'Dock 3', known_heard_at: '2026-11-24T08:15:30Z' };
    expect((await deviceWith(cells))?.known).toEqual({
      version: '17.01.0001',
      model: 'Dock 3',
      heard_at: Date.UTC(2026, 10, 24, 8, 15, 30),
    });
  });

  test.each([
    ['Site', 'site'],
    ['Ring', 'ring'],
    ['Roll-out  Ring', 'roll-out_ring'],
    ['ID', 'id'],
    ['Name', 'name'],
    ['Model', 'model'],
    ['Device', 'device'],
    ['Region', 'region'],
    ['Current version', 'current_version'],
    ['Größe', 'größe'],
    ['Time', 'time'],
  ])('any other column is a label: %s', async (name, label) => {
    expect((await deviceWith({ [name]: 'x y' }))?.labels).toEqual({ [label]: 'x y' });
  });

  test.each([
    ['verson', 'version'],
    ['frimware', 'firmware'],
    ['Serail Number', 'serial number'],
    ['gatway', 'gateway'],
    ['ulr', 'url'],
    ['pidd', 'pid'],
    ['Typ', 'type'],
    ['files', 'file'],
    ['docks', 'dock'],
    ['check sums', 'checksum'],
    ['donwload url', 'download url'],
    ['know_version', 'known_version'],
  ])('%s looks like a mistyped key', async (name, meant) => {
    expect(await findings(`sn;pid;version;${name}\nA;D;1;x\nB;D;1;x\n`)).toEqual([
      `header: unknown column "${name}"; did you mean "${meant}"?`,
    ]);
  });

  test('a column that is missing is said once, with what was understood', async () => {
    const rows = Array.from({ length: 244 }, (_, at) => `A${at};Nord;17.02.0501`).join('\n');
    expect(await findings(`Seriennummer;Site;Firmware\n${rows}\n`)).toEqual([
      'header: sn: has no column, which may be named "sn", "serial number", "serial", "device sn" ' +
        '(understood: "Firmware" = product_version; taken as labels: "Seriennummer", "Site")',
      'header: pid: has no column, which may be named "pid", "gateway", "dock", "dock sn", "gateway sn" ' +
        '(understood: "Firmware" = product_version; taken as labels: "Seriennummer", "Site"); or give one --pid',
    ]);
  });

  test('with one --pid no column for it is missing', async () => {
    const [device] = await readFileAs('m.csv', 'serial,firmware\nA1,1\n', { defaultPids: ['D9'] });
    expect(device?.pid).toBe('D9');
  });

  test.each([
    ['sn,pid,version,sn', 'header: the column "sn" occurs twice'],
    ['sn,pid,version,Serial', 'header: the columns "sn" and "Serial" both stand for sn; rename one of them'],
    ['sn,pid,version,Firmware', 'header: the columns "version" and "Firmware" both stand for product_version'],
    ['sn,pid,version,Site,site', 'header: the columns "Site" and "site" both stand for site; rename one of them'],
    ['sn,pid,version,labels', 'header: the column "labels": in CSV each label has its own column, for example "site"'],
    [
      'sn,pid,version,known',
      'header: the column "known": in CSV each of its parts has its own column, for example "known_version"',
    ],
  ])('%s', async (header, finding) => {
    const found = await findings(
      `${header}\nA,D,1,x,x\nB,D,1,x,x\n`.replace(/,x,x/g, header.includes('Site') ? ',x,x' : ',x'),
    );
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(finding);
  });
});

describe('cells', () => {
  test('marks of text, empty rows and columns, cells beyond the header', async () => {
    const text = [
      '\ufeffsep=;',
      ';;;;',
      'Serial Number;Dock SN;;Firmware;Notes;',
      '="0123";\'456;;="17.02.0501";\'s Hertogenbosch;;;;',
      ';;;;;',
      '"=""0124""";\'456;;\'17.02.0501;\'42;',
      '0125;456;;17.02.0501',
      '',
      '0126;456;;v17.02.0501;"two',
      'lines"',
      '',
    ].join('\r\n');
    const devices = await readFileAs('m.csv', text);
    expect(devices.map(({ sn, pid, product_version, labels }) => [sn, pid, product_version, labels])).toEqual([
      ['0123', '456', '17.02.0501', { notes: "'s Hertogenbosch" }],
      ['0124', '456', '17.02.0501', { notes: '42' }],
      ['0125', '456', '17.02.0501', {}],
      ['0126', '456', '17.02.0501', { notes: 'two lines' }],
    ]);
  });

  test('what stands in a column without a name is said once, with its row', async () => {
    expect(await findings('sn,pid,version,\nA,D,1,x,\nB,D,1,x,y\nC,D,1,x,y\n')).toEqual([
      'row 2: "x" has no name above it; name the column, or clear the cell',
      'row 3: "y" is beyond the header, in column 5; name the column, or clear the cell',
    ]);
  });

  test('a bad value is named with its row as the spreadsheet counts', async () => {
    expect(await findings('sn,pid,version\n,,\nA,D,1\n\n1.58E+15,D,1\n')).toEqual([
      'device 2 (row 5, sn 1.58E+15): sn: holds "+" (U+002B), which cannot be part of a serial number',
    ]);
  });

  const plain = 'Serial Number\tDock SN\tFirmware\tSite\r\nA1\tD1\t17.02.05.01\tNürnberg, Halle 2\r\n';
  test.each([
    ['m.tsv', Buffer.from(plain)],
    ['m.csv', Buffer.from(plain)],
    ['m.csv', Buffer.from(`\ufeff${plain}`, 'utf16le')],
    ['m.csv', Buffer.from(`\ufeff${plain}`, 'utf16le').swap16()],
    ['m.csv', Buffer.from(plain.replaceAll('\t', ';'))],
    ['m.csv', Buffer.from(plain.replaceAll('\t', '|').replace(/^/, 'sep=|\r\n'))],
    ['m.csv', Buffer.from(plain.replaceAll('\r\n', '\r'))],
  ])('separators and encodings of spreadsheets: %s', async (name, bytes) => {
    expect(await readFileAs(name, bytes)).toEqual([
      { ...manifestDevice('A1', 'D1'), labels: { site: 'Nürnberg, Halle 2' } },
    ]);
  });
});

test('rows and cells are those of a reader for RFC 4180', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' x', 'ü'), maxLength: 6 });
  const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.constantFrom('\n', '\r\n'), (written, end) => {
      const quoted = (text: string) => (/^[a ü]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`);
      const text = written.map((row) => row.map(quoted).join(',')).join(end);
      const expected = (parse(text, { relax_column_count: true, trim: true }) as string[][])
        .map((row) => row.map((each) => each.replace(/^[ \t]+|[ \t]+$/g, '')))
        .filter((row) => row.some((each) => each !== ''));
      expect([...csvRows('m.csv', text, ',')].map(({ cells }) => cells)).toEqual(expected);
    }),
  );
});
