import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { csvReport } from '../../../src/render/report/csv.js';
import { createCollector } from '../../../src/render/report/gather.js';
import type { ReportDevice, RunReport } from '../../../src/render/report/model.js';
import { SILENCE_MS } from '../../../src/render/report/phases.js';
import { durationOf, timeIn } from '../../../src/render/report/stats.js';
import { emptyTotals, NO_VERSIONS } from '../../../src/upgrade/counting.js';
import type { DeviceOutcome, RunEvent } from '../../../src/upgrade/events.js';
import { RUN_BEGAN, RUN_ID, recordedReport } from '../../helpers/report.js';
import { createReplay } from '../../render/replay.js';

type Timed = [ms: number, event: RunEvent];

const outcome = (more: Partial<DeviceOutcome> = {}): DeviceOutcome => ({
  pid: 'P',
  sn: 'S',
  status: 'ok',
  percent: 100,
  result: 0,
  reason: null,
  verified: null,
  ...NO_VERSIONS,
  verify: 'off',
  labels: {},
  ...more,
});
const published = (bid = 'b', attempt = 1): RunEvent => ({
  event: 'job_published',
  pid: 'P',
  bid,
  tid: 't',
  devices: ['S'],
  attempt,
});
const progress = (step_key: string | null, status = 'in_progress', bid: string | null = 'b', sn: string | null = 'S') =>
  ({ event: 'device_progress', pid: 'P', bid, sn, status, percent: 1, step_key, rate: null }) satisfies RunEvent;
const finished = (bid: string | null = 'b', more: Partial<DeviceOutcome> = {}): RunEvent => ({
  event: 'device_finished',
  bid,
  ...outcome(more),
});
const D = 'download_firmware';
const U = 'upgrade_firmware';

function collected(events: Timed[], devices: DeviceOutcome[] = [outcome()]): RunReport {
  const collector = createCollector({ run: RUN_ID, version: '1.2.3', simulated: false, verify: 'off' });
  collector.take({ event: 'run_started', command: 'push', devices: 1, gateways: 1 }, RUN_BEGAN);
  for (const [at, event] of events) collector.take(event, RUN_BEGAN + at);
  const last = events.at(-1)?.[0] ?? 0;
  collector.take({ event: 'run_finished', exit_code: 0, totals: emptyTotals(), devices }, RUN_BEGAN + last);
  return collector.report();
}

/** `kind from-to` in seconds since the start of the run. */
function phases(device: ReportDevice | undefined): string[] {
  const seconds = (iso: string) => (Date.parse(iso) - RUN_BEGAN) / 1000;
  return (device?.phases ?? []).map(({ kind, from, to }) => `${kind} ${seconds(from)}-${seconds(to)}`);
}

function phasesAfter(...events: Timed[]): string[] {
  return phases(collected(events).devices[0]);
}

describe('the phases of a device', () => {
  it('follow its steps, one after another without a gap', () => {
    const told = phasesAfter(
      [1000, published()],
      [3000, progress(D)],
      [5000, progress(D)],
      [9000, progress(U)],
      [12_000, finished()],
    );
    expect(told).toEqual(['waiting 1-3', 'download 3-9', 'upgrade 9-12']);
  });

  it('show a pause, a step that is not told, and the wait for the version', () => {
    const told = phasesAfter(
      [0, published()],
      [1000, progress(null, 'sent')],
      [2000, progress(null)],
      [3000, progress(D, 'paused')],
      [4000, progress(U)],
      [5000, progress(U, 'ok')],
      [9000, finished()],
    );
    expect(told).toEqual(['waiting 0-2', 'running 2-3', 'paused 3-4', 'upgrade 4-5', 'verifying 5-9']);
  });

  it('show silence from the last word on, and only where it was long', () => {
    const quiet = SILENCE_MS / 1000;
    expect(
      phasesAfter([0, published()], [0, progress(U)], [SILENCE_MS, progress(U)], [SILENCE_MS + 1000, finished()]),
    ).toEqual([`silence 0-${quiet}`, `upgrade ${quiet}-${quiet + 1}`]);
    expect(phasesAfter([0, published()], [0, progress(U)], [SILENCE_MS - 1, finished()])).toHaveLength(1);
  });

  it('show silence at the end, where nothing more came', () => {
    expect(phasesAfter([0, published()], [1000, progress(D)], [2000, progress(D)], [92_000, finished()])).toEqual([
      'waiting 0-1',
      'download 1-2',
      'silence 2-92',
    ]);
  });

  it('show the wait between two attempts, with the bid of each', () => {
    const again = { pid: 'P', sn: 'S', bid: 'b', result: 312015, attempt: 1, attempts: 2, wait_ms: 30_000 };
    const retry: RunEvent = { event: 'device_retrying', ...again };
    const report = collected([
      [0, published('b1')],
      [2000, retry],
      [32_000, published('b2', 2)],
      [33_000, progress(D, 'in_progress', 'b2')],
      [35_000, finished('b2')],
    ]);
    expect(phases(report.devices[0])).toEqual(['waiting 0-2', 'retry_wait 2-32', 'waiting 32-33', 'download 33-35']);
    expect(report.devices[0]).toMatchObject({ attempts: 2, bids: ['b1', 'b2'], retried: [312015] });
    expect(report.warnings).toEqual([]);
  });

  it('show the wait between two attempts without being told of it', () => {
    const told = phasesAfter(
      [0, published('b1')],
      [2000, progress(D, 'in_progress', 'b1')],
      [9000, published('b2', 2)],
      [9500, finished('b2')],
    );
    expect(told).toEqual(['waiting 0-2', 'retry_wait 2-9', 'waiting 9-9.5']);
  });

  it('are limited for a device that keeps changing, and still reach to its end', () => {
    const events: Timed[] = [[0, published()]];
    for (let ms = 1; ms < 10_000; ms++) events.push([ms, progress(D, ms % 2 ? 'paused' : 'in_progress')]);
    events.push([20_000, finished()]);
    const device = collected(events).devices[0];
    expect(device?.phases.length).toBeLessThan(30);
    expect(phases(device).at(-1)).toMatch(/-20$/);
  });

  it('never run backwards where the clock was set back', () => {
    const device = collected([
      [5000, published()],
      [9000, progress(D)],
      [2000, progress(U)],
      [3000, finished()],
    ]).devices[0];
    for (const { from, to } of device?.phases ?? []) expect(Date.parse(to)).toBeGreaterThanOrEqual(Date.parse(from));
    expect(durationOf(device as ReportDevice)).toBeGreaterThanOrEqual(0);
  });
});

describe('a run that goes on', () => {
  it('stands with every device: what each is at, why it waits, and nothing of an end', () => {
    const replay = createReplay(
      ['A', 'B', 'C'].map((sn) => ({ pid: 'P', sn, target: '2.0', ...(sn === 'A' ? { version: '1.0' } : {}) })),
    );
    const collector = createCollector({ run: RUN_ID, version: '1.2.3', simulated: false, verify: 'off' });
    const tell = (at: number, event: RunEvent) => {
      replay.apply(event, at);
      collector.take(event, RUN_BEGAN + at);
    };
    tell(0, { event: 'run_started', command: 'push', devices: 3, gateways: 1 });
    expect(collector.standing(RUN_BEGAN).report.devices).toEqual([]);
    collector.view(replay.view);
    tell(1000, { event: 'job_published', pid: 'P', bid: 'b', tid: 't', devices: ['A', 'B'], attempt: 1 });
    tell(2000, { ...progress(D), sn: 'A' });
    tell(3000, { ...finished(), sn: 'B', status: 'failed', result: 312704 } as RunEvent);
    const waiting = replay.view.devices[2];
    if (waiting) waiting.reason = 'the battery is at 12 %';
    const { report, states } = collector.standing(RUN_BEGAN + 9000);
    const said = report.devices.map((device) => [device.sn, states.get(device)?.kind, device.reason, device.advice]);
    expect(said).toEqual([
      ['A', 'running', null, null],
      ['B', undefined, null, expect.any(String)],
      ['C', 'waiting', 'the battery is at 12 %', null],
    ]);
    expect(states.get(report.devices[0] as ReportDevice)?.word).toBe('download');
    // A running phase reaches to now; a finished one does not.
    expect(phases(report.devices[0])).toEqual(['waiting 1-2', 'download 2-9']);
    expect(report.devices[0]).toMatchObject({ version_before: '1.0', version_after: null });
    expect(report.devices[1]?.ended).toBe(new Date(RUN_BEGAN + 3000).toISOString());
  });
});

describe('a report', () => {
  it('marks the devices of a pair that ended on different releases, for CSV as well', () => {
    const devices = [outcome({ sn: 'D' }), outcome({ sn: 'A', status: 'failed' }), outcome({ sn: 'X', pid: 'Q' })];
    const split: RunEvent = {
      event: 'pair_split',
      pid: 'P',
      devices: [
        { sn: 'D', status: 'ok', version_after: '17.07.0401' },
        { sn: 'A', status: 'failed', version_after: null },
      ],
    };
    const report = collected([[1000, split]], devices);
    expect(report.devices.map(({ sn, pair_split }) => [sn, pair_split])).toEqual([
      ['D', true],
      ['A', true],
      ['X', false],
    ]);
    const rows = parse(csvReport(report), { columns: true, bom: true }) as Record<string, string>[];
    expect(rows.map(({ sn, pair_split }) => [sn, pair_split])).toEqual([
      ['D', 'true'],
      ['A', 'true'],
      ['X', 'false'],
    ]);
  });

  it('has nothing of a device that never had a turn but its outcome', () => {
    const report = collected(
      [[1000, finished(null, { status: 'skipped', reason: 'already there' })]],
      [outcome({ status: 'skipped', reason: 'already there' })],
    );
    expect(report.devices[0]).toMatchObject({
      status: 'skipped',
      reason: 'already there',
      started: null,
      attempts: 0,
      bids: [],
      phases: [],
    });
    expect(report.totals.skipped).toBe(1);
  });

  it('keeps two upgrades of one device apart, and those of devices without a name', () => {
    const report = collected(
      [
        [0, progress(D, 'in_progress', 'b1')],
        [1000, finished('b1')],
        [5000, progress(U, 'in_progress', 'b2')],
        [7000, finished('b2')],
        [7000, progress(D, 'in_progress', 'b3', null)],
        [7000, progress(D, 'in_progress', 'b4', null)],
        [9000, finished('b4', { sn: null })],
        [10_000, finished('b3', { sn: null })],
      ],
      [outcome(), outcome(), outcome({ sn: null }), outcome({ sn: null })],
    );
    expect(report.devices.map(({ bids }) => bids)).toEqual([['b1'], ['b2'], ['b3'], ['b4']]);
    expect(report.devices.map((device) => phases(device)[0])).toEqual([
      'download 0-1',
      'upgrade 5-7',
      'download 7-10',
      'download 7-9',
    ]);
  });

  it('says in words what is to be done, and names version, model and firmware where they are known', () => {
    const { devices, outages, gateways } = recordedReport();
    expect(devices.find(({ result }) => result === 312027)?.advice).toBe('bring it home, then try again');
    expect(devices[1]).toMatchObject({
      product_version: '17.02.05.01',
      firmware: { file_name: 'M4T_UAV_17.02.05.01_pro.zip', file_size: 665_800_202 },
    });
    expect(devices[0]?.firmware).toBeNull();
    expect(gateways).toBe(5);
    expect(outages).toEqual([
      expect.objectContaining({ from: '2026-11-24T08:15:40.000Z', to: '2026-11-24T08:15:44.000Z' }),
    ]);
  });

  it('bounds what a flood of warnings and long texts would make of it', () => {
    const report = collected(
      Array.from({ length: 1000 }, (_, ms) => [
        ms,
        { event: 'warning', code: 'flood', message: 'x'.repeat(5000) } satisfies RunEvent,
      ]),
    );
    expect(report.warnings.length + report.warnings_omitted).toBe(1000);
    expect(report.warnings.length).toBeLessThanOrEqual(200);
    expect(report.warnings[0]?.message.length).toBe(1000);
  });

  it('counts the time of each kind of phase', () => {
    const device = collected([
      [0, published()],
      [1000, progress(D)],
      [2000, progress(D, 'paused')],
      [4000, progress(D)],
      [5000, finished()],
    ]).devices[0] as ReportDevice;
    expect([timeIn(device, 'download'), timeIn(device, 'paused'), timeIn(device, 'upgrade')]).toEqual([2000, 2000, 0]);
  });
});
