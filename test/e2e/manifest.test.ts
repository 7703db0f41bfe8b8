/** Manifests as people write them, with the whole program. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, type Workplace, workplace } from '../helpers/cli.js';
import { jsonLines } from '../helpers/cli-events.js';

let place: Workplace;
beforeAll(async () => {
  place = await workplace();
});
afterAll(() => place.close());

async function dryRun(name: string, content: string | Buffer | object, ...args: string[]): Promise<CliResult> {
  return place.run(['push', await place.put(name, content), '--dry-run', ...args]);
}

const device = (more: object) => [{ sn: 'A1', pid: 'D1', version: '17.02.0501', ...more }];

describe('serial numbers', { concurrent: true }, () => {
  test.each([
    ['sn', 'A\u200b1'],
    ['pid', 'D\u200e1'],
    ['sn', 'A\u31641'],
    ['pid', 'D\u00a01'],
    ['sn', 'A\u00071'],
    ['pid', 'D/1'],
  ])('%s %j is exit code 2', async (key, serial) => {
    const { code, stderr } = await dryRun(`${encodeURIComponent(serial)}.json`, device({ [key]: serial }));
    expect(code).toBe(2);
    expect(stderr).toMatch(/holds .*U\+[0-9A-F]{4}/);
    expect(stderr).not.toContain(serial);
  });

  test('what can be seen is warned about, with its code point', async () => {
    const { code, stderr } = await dryRun('odd.json', device({ sn: 'А1', pid: 'D\uff11' }));
    expect(code).toBe(0);
    expect(stderr).toContain('warning: ');
    expect(stderr).toContain('sn: holds "А" (U+0410)');
    expect(stderr).toContain('pid: holds "\uff11" (U+FF11)');
  });

  test('two that differ in case alone, and a version that is none', async () => {
    const content = [...device({ sn: '7CTX' }), ...device({ sn: '7ctx', version: '17,02' })];
    const result = await dryRun('case.json', content, '--output', 'json');
    expect(result.code).toBe(0);
    const { of } = jsonLines(result);
    expect(of('warning').map((event) => event.code)).toEqual(['odd_version', 'similar_serials']);
    expect(of('run_started')).toHaveLength(1);
  });

  test.each([['watch'], ['devices'], ['push']])('%s --pid goes by the same rule', async (command) => {
    const args = command === 'push' ? ['none.json'] : [];
    const { code, stderr } = await place.run([command, ...args, '--pid', 'D\u200b1']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: --pid "D\\u\{200b\}1" holds an invisible character \(U\+200B\)/);
  });
});

test('a spreadsheet goes through as it is, its other columns as labels', async () => {
  const text = [
    'sep=;',
    'Serial Number;Dock SN;Firmware;Site;Ring;',
    ';;;;;',
    'A1;="0815";v17.02.05.01;Nord;1;',
    'A2;="0816";17.02.05.01;Süd;2;',
    'A3;="0817";17.02.05.01;Nord;2;',
  ].join('\r\n');
  const file = await place.put('fleet.csv', Buffer.from(`\ufeff${text}\r\n`));
  const args = ['push', file, '--simulate', '--select', 'site=Nord', '--select', 'ring=2', '--output', 'json'];
  const report = `${place.folder}/report.json`;
  const result = await place.run([...args, '--report', report]);
  const { last, of } = jsonLines(result);
  expect(result.code, result.stderr).toBe(0);
  expect(of('job_published').map(({ pid, devices }) => [pid, devices])).toEqual([['0817', ['A3']]]);
  expect(last.devices).toMatchObject([{ sn: 'A3', labels: { site: 'Nord', ring: '2' } }]);
  // The journal has them, too.
  const again = await place.run(['report', of('run_started')[0]?.run as string, '--report', report]);
  expect(again.code, again.stderr).toBe(0);
  const csv = await place.run(['report', report, '--report', `${place.folder}/report.csv`]);
  expect(csv.code, csv.stderr).toBe(0);
  const { readFile } = await import('node:fs/promises');
  expect(JSON.parse(await readFile(report, 'utf8')).devices[0].labels).toEqual({ site: 'Nord', ring: '2' });
  expect(await readFile(`${place.folder}/report.csv`, 'utf8')).toMatch(/,labels\.site,labels\.ring\r\n.*,Nord,2\r\n$/);
});

test('one missing column of 244 rows is one error, with what was understood', async () => {
  const rows = Array.from({ length: 244 }, (_, at) => `A${at};17.02.0501`);
  const { code, stderr } = await dryRun('244.csv', ['Serial;Firmware', ...rows].join('\n'));
  expect(code).toBe(2);
  expect(stderr.split('\n').filter((line) => line.startsWith('  - '))).toEqual([
    '  - header: pid: has no column, which may be named "pid", "gateway", "dock", "dock sn", "gateway sn" ' +
      '(understood: "Serial" = sn, "Firmware" = product_version); or give one --pid',
  ]);
});
