/** Reports as a user makes them: at the end of a push, of earlier runs, and of shards from other machines. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countAnew } from '../../src/render/report/join.js';
import type { RunReport } from '../../src/render/report/model.js';
import { reportSchema } from '../../src/render/report/schema.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { FAST } from '../helpers/cli-docks.js';

const before = process.cwd();
let place: Workplace;
const DOCKS = ['7CTXN4A00B0001', '7CTXN4A00B0002', '7CTXN4A00B0003'];

beforeAll(async () => {
  place = await workplace();
  // As people do it: files are named relative to the current folder.
  process.chdir(place.folder);
  await place.put(
    'fleet.json',
    DOCKS.map((sn) => ({
      ...{ sn, pid: sn, product_version: '10.02.03.01', labels: { site: 'north' } },
      known: { model: 'Dock 3', heard_at: '2026-01-01T00:00:00Z' },
    })),
  );
  await place.put('good.json', { defaults: FAST });
  await place.put('bad.json', {
    defaults: FAST,
    devices: {
      [DOCKS[1] as string]: { end: 'failed', end_step: 'upgrade_firmware', end_percent: 40, end_result: 312704 },
    },
  });
});
afterAll(async () => {
  process.chdir(before);
  await place?.close();
});

async function read(name: string): Promise<RunReport> {
  return countAnew(reportSchema.parse(JSON.parse(await readFile(path.join(place.folder, name), 'utf8'))));
}

function push(scenario: string, ...more: string[]) {
  return place.run(['push', 'fleet.json', '--simulate', scenario, '--output', 'quiet', ...more]);
}

const SAME = [
  ...(['sn', 'model', 'labels', 'product_version', 'status', 'result', 'reason', 'percent', 'verified'] as const),
  ...(['version_before', 'version_after', 'attempts', 'bids', 'firmware', 'pair_split'] as const),
];

function keys<T extends object, K extends keyof T>(of: T, names: readonly K[]) {
  return Object.fromEntries(names.map((name) => [name, of[name]]));
}

/** What is the same for a run in every report: its devices and what happened to them. */
function essence({ devices, totals, exit_code }: RunReport) {
  return {
    totals,
    exit_code,
    devices: devices.map(({ phases, ...device }) => ({
      ...keys(device, SAME),
      phases: phases.map(({ kind }) => kind),
    })),
  };
}

describe('push --report', () => {
  it('writes every format, and the journal tells the same later', async () => {
    const files = ['r.json', 'r.xml', 'r.html', 'r.md', 'r.csv'];
    const result = await push('bad.json', ...files.flatMap((file) => ['--report', file]));
    expect(result.code).toBe(1);
    const report = await read('r.json');
    expect(report.devices.map(({ sn, status }) => [sn, status])).toEqual([
      [DOCKS[0], 'ok'],
      [DOCKS[1], 'failed'],
      [DOCKS[2], 'ok'],
    ]);
    expect(report.devices[1]).toMatchObject({ model: 'Dock 3', labels: { site: 'north' } });
    expect(report.devices[1]).toMatchObject({ result: 312704, advice: 'charge it, then try again', attempts: 1 });
    expect(report.runs[0]).toMatchObject({ command: 'push', simulated: true, exit_code: 1 });
    const text = (name: string) => readFile(path.join(place.folder, name), 'utf8');
    expect(await text('r.xml')).toMatch(/tests="3" failures="1" errors="0"/);
    expect(await text('r.html')).toContain('2 of 3 devices ended well');
    expect(await text('r.md')).toContain('| 312704 | the battery is at 20 % or less | charge it, then try again |');
    expect((await text('r.csv')).trimEnd().split('\r\n')).toHaveLength(4);

    const again = await place.run(['report', report.runs[0]?.run ?? '', '--report', 'again.json']);
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: '' });
    expect(essence(await read('again.json'))).toEqual(essence(report));
  });

  it('is refused before anything else where it cannot be written', async () => {
    const before = (await place.run(['runs', '--output', 'json'])).stdout;
    const unknown = await push('good.json', '--report', 'r.pdf');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('r.pdf ends in .pdf')]);
    const missing = await push('good.json', '--report', 'nowhere/r.html');
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('there is no such folder')]);
    expect((await place.run(['runs', '--output', 'json'])).stdout).toBe(before);
  });
});

describe('report', () => {
  it('joins the shards of a fleet into one, with one exit code', async () => {
    const codes = [];
    for (const shard of [1, 2]) {
      const name = `shard-${shard}.json`;
      codes.push((await push('bad.json', '--shard', `${shard}/2`, '--report', name)).code);
    }
    const joined = await place.run([
      'report',
      'shard-1.json',
      './shard-2.json',
      '--report',
      'fleet.json.json',
      '--report',
      'fleet.html',
    ]);
    expect(joined).toMatchObject({ code: 1, stderr: '' });
    expect(codes).toContain(1);
    const report = await read('fleet.json.json');
    expect(report.devices.map(({ sn }) => sn).sort()).toEqual(DOCKS);
    expect(report).toMatchObject({ totals: { ok: 2, failed: 1 }, exit_code: 1, warnings: [] });
  });

  it('takes the newest of what ran twice, and says so', async () => {
    await push('bad.json', '--report', 'first.json');
    await push('good.json', '--only', DOCKS[1] as string, '--report', 'second.json');
    const { code, stdout } = await place.run(['report', 'second.json', 'first.json']);
    expect(code).toBe(1);
    expect(stdout).toContain('3 devices: ✔ 3 ok');
    expect(stdout).toContain(`1 device is in several runs; its outcome in the newest run counts: ${DOCKS[1]}`);
    expect(stdout).toContain('Exit code 1');
  });

  it.each([
    [['nope'], 'there is no run "nope"'],
    [['nope.json'], 'nope.json cannot be read: no such file'],
    [['fleet.json'], 'fleet.json is not a report of dji-ota'],
    [['../r'], '../r cannot be read'],
    [[], 'missing required argument'],
  ])('refuses %j', async (args, message) => {
    const result = await place.run(['report', ...args]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(message);
  });

  it('says what is wrong with a file that is none of ours', async () => {
    await place.put('newer.json', { schema: 2 });
    await place.put('broken.json', '{"schema": 1,');
    await place.put('evil.json', { schema: 1, runs: '\u001b[2J' });
    const said = async (name: string) => (await place.run(['report', name])).stderr;
    expect(await said('newer.json')).toContain('made by a newer version');
    expect(await said('broken.json')).toContain('is not JSON');
    expect(await said('evil.json')).not.toContain('\u001b');
  });

  it('leaves no half-written file behind', async () => {
    await place.run(['report', 'r.json', '--report', 'whole.html']);
    expect((await readdir(place.folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
