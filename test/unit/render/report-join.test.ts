import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { report as reportOfSources } from '../../../src/app/report.js';
import { causesOf } from '../../../src/render/causes.js';
import { joinReports } from '../../../src/render/report/join.js';
import { NO_VERSIONS } from '../../../src/upgrade/counting.js';
import { joinedExitCode } from '../../../src/upgrade/exit-code.js';
import { RUN_BEGAN, recordedReport, reportOf } from '../../helpers/report.js';

describe('the exit code of joined runs', () => {
  it.each([
    [[0, 0], 0],
    [[0, 5], 5],
    [[5, 1], 1],
    [[1, 4], 4],
    [[4, 6], 6],
    [[6, 130], 130],
    [[143, 6], 143],
    [[0, 2, 3], 3],
    [[7, 1], 1],
    [[], 0],
  ])('of %j is %i', (codes, joined) => {
    expect(joinedExitCode(codes)).toBe(joined);
  });

  it('is one of theirs in any order, and 0 only if all are', () => {
    const code = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 70, 130, 143);
    fc.assert(
      fc.property(fc.array(code, { minLength: 1 }), (codes) => {
        const joined = joinedExitCode(codes);
        expect(codes).toContain(joined);
        expect(joinedExitCode([...codes].reverse())).toBe(joined);
        expect(joined === 0).toBe(codes.every((each) => each === 0));
      }),
    );
  });
});

describe('joined reports', () => {
  const planned = (sn: string) => ({ pid: `P${sn}`, sn, target: '2' });
  const ended = (sn: string, status: 'ok' | 'failed') => ({
    at: 1000,
    event: {
      event: 'device_finished' as const,
      pid: `P${sn}`,
      sn,
      bid: 'b',
      status,
      percent: 100,
      result: status === 'ok' ? 0 : 312015,
      reason: null,
      verified: null,
      ...NO_VERSIONS,
      verify: 'report' as const,
      labels: {},
    },
  });
  const report = (run: string, began: number, exitCode: number, ...ends: [string, 'ok' | 'failed'][]) =>
    reportOf(
      ends.map(([sn]) => planned(sn)),
      [
        { at: 0, event: { event: 'run_started', command: 'push', devices: ends.length, gateways: ends.length } },
        ...ends.map(([sn, status]) => ended(sn, status)),
      ],
      { run, began: RUN_BEGAN + began, exitCode },
    );

  it('have the devices of all shards, the totals of all and one exit code', () => {
    const joined = joinReports(
      [report('r2', 5, 1, ['C', 'failed']), report('r1', 0, 0, ['A', 'ok'], ['B', 'ok'])],
      '9',
    );
    expect(joined.runs.map(({ run }) => run)).toEqual(['r1', 'r2']);
    expect(joined.devices.map(({ sn, run }) => `${sn} ${run}`)).toEqual(['A r1', 'B r1', 'C r2']);
    expect(joined).toMatchObject({
      exit_code: 1,
      version: '9',
      gateways: 3,
      totals: { ok: 2, failed: 1 },
      warnings: [],
    });
    expect([joined.started, joined.ended]).toEqual([joined.runs[0]?.started, joined.runs[1]?.ended]);
  });

  it('have each device once, as in the newest run, and say so', () => {
    const first = report('r1', 0, 1, ['A', 'ok'], ['B', 'failed']);
    const again = report('r2', 60_000, 0, ['B', 'ok']);
    for (const order of [
      [first, again],
      [again, first],
    ]) {
      const joined = joinReports(order, '9');
      expect(joined.devices.map(({ sn, status, run }) => `${sn} ${status} ${run}`)).toEqual(['A ok r1', 'B ok r2']);
      expect(joined.totals).toMatchObject({ ok: 2, failed: 0 });
      expect(joined.warnings).toEqual([
        expect.objectContaining({
          code: 'repeated_device',
          message: expect.stringContaining('in the newest run counts: B'),
        }),
      ]);
      expect(joined.exit_code).toBe(1);
    }
  });

  it('have a run that is given twice once', () => {
    const one = recordedReport();
    const joined = joinReports([one, recordedReport()], '1.2.3');
    expect(joined).toEqual(one);
  });

  it('can be joined again', () => {
    const [a, b, c] = [
      report('a', 0, 0, ['A', 'ok']),
      report('b', 1, 5, ['B', 'ok']),
      report('c', 2, 1, ['C', 'failed']),
    ];
    expect(joinReports([joinReports([a, b], '1'), c], '1')).toEqual(joinReports([a, b, c], '1'));
  });

  it('name the parts of a run that are not among them, and are then never 0', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-parts-'));
    try {
      const put = async (run: string, exitCode = 0) => {
        const file = path.join(folder, `${run}.json`);
        await writeFile(
          file,
          JSON.stringify(report(run, 0, exitCode, [`SN-${run}`, exitCode === 0 ? 'ok' : 'failed'])),
        );
        return file;
      };
      const [one, two, three] = [await put('night.1-of-3'), await put('Night.2-of-3', 1), await put('night.3-of-3')];
      const codeOf = async (...files: string[]) => {
        const { exit_code, warnings } = await reportOfSources(files, { env: { DJI_OTA_HOME: folder } });
        return [exit_code, ...warnings.map(({ message }) => /^no report of ([\d, ]+) of the /.exec(message)?.[1])];
      };
      expect(await codeOf(one, two, three)).toEqual([1]);
      expect(await codeOf(one, three)).toEqual([5, '2']);
      expect(await codeOf(two, await put('other'))).toEqual([1, '1, 3']);
      // A single shard that is requested is not incomplete.
      expect(await codeOf(one)).toEqual([0]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('group failures by code, the most frequent first', () => {
    const joined = joinReports(
      [report('a', 0, 1, ['A', 'failed'], ['B', 'failed'], ['C', 'ok']), recordedReport({ began: RUN_BEGAN + 9 })],
      '1',
    );
    const groups = causesOf(joined.devices);
    expect(groups[0]).toMatchObject({ code: 312015, meaning: 'the dock is busy', advice: 'try again when it is idle' });
    expect(groups[0]?.devices.map(({ sn }) => sn)).toEqual(['A', 'B']);
    expect(groups.map(({ devices }) => devices.length)).toEqual([2, 1, 1, 1, 1]);
  });
});
