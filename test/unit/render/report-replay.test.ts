/** Reports from journals, and of resumed runs. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportOfJournal } from '../../../src/app/run/report-journal.js';
import { runsFolder } from '../../../src/app/run/run-journal.js';
import type { Io } from '../../../src/cli/io.js';
import { openOutput } from '../../../src/cli/run-output.js';
import { systemClock } from '../../../src/clock.js';
import { type JournalContent, readJournal } from '../../../src/journal/read.js';
import type { RunReport } from '../../../src/render/report/model.js';
import { emptyTotals, NO_VERSIONS } from '../../../src/upgrade/counting.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import { opened, progress, reply } from '../../helpers/facts.js';
import { type JournalPlace, journalPlace, RUN } from '../../helpers/journals.js';

const START: Fact[] = [
  opened('b1', [0, 1]),
  { type: 'job_acknowledged', at: 0, bid: 'b1' },
  reply({}, 'P0'),
  progress({ percent: 40, step: 'download_firmware' }),
];
const cut: Fact = { type: 'cut_off', at: 3, cause: 'interrupted', reason: 'interrupted (SIGINT)' };
const stalled: Fact = { type: 'limit', at: 4, device: 0, limit: 'stall', ms: 60_000 };
const done = progress({ status: 'ok', percent: 100, step: 'upgrade_firmware' }, 'P0', 5);

let place: JournalPlace;
beforeEach(async () => {
  place = await journalPlace();
});
afterEach(() => place.close());

/** A journal with these facts, read back. */
async function content(facts: Fact[], end?: { exit_code: number; complete: boolean }): Promise<JournalContent> {
  const journal = await place.create();
  await journal.write(facts);
  if (end) {
    await journal.finish({ ...end, totals: emptyTotals() });
  } else await journal.abandon();
  return readJournal(place.file);
}

const statuses = (report: RunReport) => report.devices.map(({ sn, status }) => `${sn} ${status}`);

describe('the report of a journal', () => {
  it('has the devices, their steps and the exit code that the run had', async () => {
    const report = reportOfJournal(await content([...START, done], { exit_code: 6, complete: true }), '1.0', false);
    expect(statuses(report)).toEqual(['A ok', 'B ok', 'C not_started']);
    expect(report).toMatchObject({ exit_code: 6, warnings: [], errors: [], version: '1.0' });
    expect(report.devices[0]).toMatchObject({ product_version: '2.0', bids: ['b1'], attempts: 1 });
    expect(report.devices[0]?.phases.map(({ kind }) => kind)).toContain('download');
    expect(report.runs).toEqual([expect.objectContaining({ run: RUN, command: 'push', gateways: 2 })]);
  });

  it('tells who took it up again, and when', async () => {
    const by = { user: 'eve', host: 'laptop', version: '2.0' };
    const resumed: Fact = { type: 'resumed', at: 4, by };
    const report = reportOfJournal(
      await content([...START, cut, resumed, { type: 'resumed', at: 5 }, done]),
      '1.0',
      false,
    );
    const nobody = { user: null, host: null, version: null };
    expect(report.runs[0]?.resumed).toEqual([
      { time: expect.any(String), ...by },
      { time: expect.any(String), ...nobody },
    ]);
  });

  it('says of a run that was killed that its end is not known', async () => {
    const report = reportOfJournal(await content(START), '1.0', false);
    expect(statuses(report)).toEqual(['A unknown', 'B unknown', 'C not_started']);
    expect(report.exit_code).toBe(5);
    expect(report.warnings).toEqual([
      expect.objectContaining({ code: 'run_unfinished', message: expect.stringContaining(`resume ${RUN}`) }),
    ]);
  });

  it('says of a run that goes on that it does', async () => {
    const report = reportOfJournal(await content(START), '1.0', true);
    expect(report.warnings.map(({ code }) => code)).toEqual(['run_alive']);
  });

  it('says why a run was cut off', async () => {
    const report = reportOfJournal(await content([...START, cut], { exit_code: 130, complete: false }), '1.0', false);
    expect(statuses(report)).toEqual(['A unknown', 'B unknown', 'C not_started']);
    expect(report.errors).toEqual([expect.objectContaining({ code: 'interrupted', message: 'interrupted (SIGINT)' })]);
    expect(report.exit_code).toBe(130);
  });

  it('takes the end of a run that was taken up again for its end', async () => {
    const facts: Fact[] = [...START, cut, { type: 'resumed', at: 4 }, done];
    const report = reportOfJournal(await content(facts, { exit_code: 0, complete: true }), '1.0', false);
    expect(statuses(report).slice(0, 2)).toEqual(['A ok', 'B ok']);
    expect(report.errors).toEqual([]);
  });

  it('lets a limit hold, unless the device was asked for again', async () => {
    const held = reportOfJournal(await content([...START, stalled, done]), '1.0', false);
    expect(statuses(held).slice(0, 2)).toEqual(['A unknown', 'B ok']);
    await rm(place.file);
    const facts: Fact[] = [...START, stalled, { type: 'resumed', at: 4, reopened: true }, done];
    const again = reportOfJournal(await content(facts), '1.0', false);
    expect(statuses(again).slice(0, 2)).toEqual(['A ok', 'B ok']);
  });
});

describe('the reports of a run that is under way', () => {
  let home: string;
  let said: string;
  beforeEach(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'dji-ota-reports-'));
    said = '';
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  function io(): Io {
    const stream = {
      write: (text: string) => {
        said += text;
        return true;
      },
      isTTY: false,
      on() {},
      off() {},
    };
    return {
      env: { DJI_OTA_HOME: home },
      clock: systemClock,
      stdin: process.stdin,
      stdout: stream as unknown as NodeJS.WriteStream,
      stderr: stream as unknown as NodeJS.WriteStream,
      signal: new AbortController().signal,
      abort() {},
      startedAt: 0,
      readerGone: () => false,
      onExit: () => () => {},
    };
  }

  const ok = {
    pid: 'P0',
    sn: 'A',
    status: 'ok',
    percent: 100,
    result: 0,
    reason: null,
    verified: null,
    ...NO_VERSIONS,
    verify: 'off',
    labels: {},
  } as const;
  const result = { exit_code: 0, totals: { ...emptyTotals(), ok: 1 }, devices: [ok], error: null };

  async function runOutput(report: string[], more: { verify?: 'require'; simulate?: true } = {}) {
    const output = await openOutput({ output: 'quiet', report, ...more }, io(), RUN);
    output.emit({ event: 'run_started', command: 'resume', devices: 1, gateways: 1 });
    output.emit({ event: 'device_finished', bid: 'b1', ...ok });
    output.emit({ event: 'run_finished', exit_code: 0, totals: result.totals, devices: [ok] });
    return output;
  }

  it('begin with what the journal of the run tells, so that nothing of it is lost', async () => {
    await content([...START, progress({ percent: 60, step: 'download_firmware' }, 'P0', 3), cut]);
    const runs = runsFolder({ DJI_OTA_HOME: home });
    await mkdir(runs, { recursive: true });
    await writeFile(path.join(runs, `${RUN}.jsonl`), await readFile(place.file));
    const file = path.join(home, 'r.json');
    const output = await runOutput([file]);
    await output.finish(result, RUN);
    output.close();
    const report = JSON.parse(await readFile(file, 'utf8')) as RunReport;
    expect(report.devices).toEqual([expect.objectContaining({ sn: 'A', status: 'ok', bids: ['b1'], attempts: 1 })]);
    expect(report.devices[0]?.phases.map(({ kind }) => kind)).toContain('download');
    expect(report.runs[0]).toMatchObject({ command: 'resume', started: '2026-11-24T00:00:00.000Z' });
  });

  it('say how the run was made', async () => {
    const file = path.join(home, 'r.json');
    const output = await runOutput([file], { verify: 'require', simulate: true });
    await output.finish(result, null);
    output.close();
    const { runs } = JSON.parse(await readFile(file, 'utf8')) as RunReport;
    expect(runs[0]).toMatchObject({ verify: 'require', simulated: true });
  });

  it('that cannot be written at the end are an error on stderr', async () => {
    const folder = path.join(home, 'gone');
    await mkdir(folder);
    const output = await runOutput([path.join(folder, 'r.json')]);
    await rm(folder, { recursive: true });
    await output.finish(result, null);
    output.close();
    expect(said).toMatch(/^error: the report .*r\.json cannot be written: no such file\nhint: /);
  });
});
