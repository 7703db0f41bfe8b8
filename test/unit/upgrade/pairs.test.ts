import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pairOf } from '../../../src/fleet/pair.js';
import { sharesReleases } from '../../../src/protocol/models.js';
import { advance, createCore } from '../../../src/upgrade/core/core.js';
import type { RunEvent } from '../../../src/upgrade/events.js';
import { exitCodeOf } from '../../../src/upgrade/exit-code.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import { isSplit } from '../../../src/upgrade/plan/pairs.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import { outcomes } from '../../../src/upgrade/tracker/tracker.js';
import { coreOptions, device } from '../../helpers/upgrade-run.js';

const DOCK = 'DOCK1';
const AIR = 'AIR1';

/** A dock and its aircraft in one job, and functions for what happens to them. */
function pairRun(skipped: number[] = []) {
  const planned = [DOCK, AIR].map((sn) => ({ ...device(sn, DOCK), product_version: '17.07.0401' }));
  const core = createCore(makePlan(planned), coreOptions(), new Set(skipped));
  const events: RunEvent[] = [];
  const take = (...facts: Fact[]) => {
    for (const fact of facts) events.push(...advance(core, fact));
  };
  const progress = (sn: string | null, status: string, result = 0) =>
    take({
      type: 'progress',
      at: 5,
      pid: DOCK,
      message: {
        ...{ method: 'ota_progress', tid: 't', bid: 'b', timestamp: null, needReply: false },
        ...{ sn, status, result, percent: null, step: null, rate: null },
      },
    });
  const version = (sn: string, version: string, model: string) =>
    take({ type: 'version_reported', at: 6, wall: 6, sn, version, model });
  const open = (...devices: number[]) =>
    take({ type: 'job_opened', at: 1, pid: DOCK, bid: 'b', tid: 't', attempt: 1, devices });
  const splits = () => events.filter(({ event }) => event === 'pair_split');
  const exit = () =>
    exitCodeOf(outcomes(core.tracker), {
      ...{ interrupted: null, stopped: false, brokerLost: false, unready: 0 },
      split: core.split.size,
    });
  return { core, take, progress, version, open, splits, exit, events };
}

describe('a pair that ends split', () => {
  test('dock ok, aircraft failed: told once, and exit 1', () => {
    const run = pairRun();
    run.open(0, 1);
    run.progress(DOCK, 'ok');
    expect(run.splits()).toEqual([]);
    run.progress(AIR, 'failed', 312016);
    expect(run.splits()).toEqual([
      {
        event: 'pair_split',
        pid: DOCK,
        devices: [
          { sn: DOCK, status: 'ok', version_after: null },
          { sn: AIR, status: 'failed', version_after: null },
        ],
      },
    ]);
    expect(run.exit()).toBe(1);
  });

  test('both ok, but they report different releases of models that share theirs', () => {
    const run = pairRun();
    run.open(0, 1);
    run.version(DOCK, '17.07.0401', '3-3-0');
    run.version(AIR, '17.05.0100', '0-100-1');
    run.version(AIR, '17.06.0100', '0-100-1');
    run.progress(null, 'ok');
    expect(run.splits()).toHaveLength(1);
    expect(run.exit()).toBe(1);
  });

  test('is none where an aircraft told its release from before while its upgrade was under way', () => {
    const run = pairRun();
    run.open(0, 1);
    run.version(DOCK, '17.07.0401', '3-3-0');
    run.version(AIR, '17.06.0100', '0-100-1');
    run.version(AIR, '17.06.0100', '0-100-1');
    run.progress(null, 'ok');
    expect(run.splits()).toEqual([]);
    expect(run.exit()).toBe(0);
    expect(outcomes(run.core.tracker)[1]).toMatchObject({ version_before: '17.06.0100', version_after: null });
    // A version that was reported again after its end is the current one.
    run.version(AIR, '17.06.0100', '0-100-1');
    expect(run.splits()).toHaveLength(1);
  });

  test('also where the second one reports only after its end', () => {
    const run = pairRun();
    run.open(0, 1);
    run.progress(null, 'ok');
    run.version(DOCK, '17.07.04.01', '3-3-0');
    expect(run.splits()).toEqual([]);
    run.version(AIR, '17.06.0100', '0-100-1');
    run.version(AIR, '17.06.0100', '0-100-1');
    expect(run.splits()).toHaveLength(1);
  });

  test('the half that was skipped counts as at its target', () => {
    const run = pairRun([0]);
    run.take({ type: 'left_out', at: 0, device: 0, outcome: 'skipped', reason: 'already there' });
    run.open(1);
    run.progress(null, 'failed');
    expect(run.splits()).toHaveLength(1);
  });

  test.each([
    ['the same release in both spellings', ['17.07.0401', '3-3-0'], ['17.07.04.01', '0-100-1']],
    ['models that have releases of their own', ['10.01.0205', '3-1-0'], ['14.03.0110', '0-67-1']],
  ])('is none: %s', (_name, dock, aircraft) => {
    const run = pairRun();
    run.open(0, 1);
    run.progress(null, 'ok');
    run.version(DOCK, dock[0] ?? '', dock[1] ?? '');
    run.version(AIR, aircraft[0] ?? '', aircraft[1] ?? '');
    expect(run.splits()).toEqual([]);
    expect(run.exit()).toBe(0);
  });

  test('is none where both failed, or where one end is not known', () => {
    const both = pairRun();
    both.open(0, 1);
    both.progress(null, 'failed');
    expect(both.splits()).toEqual([]);
    const unknown = pairRun();
    unknown.open(0, 1);
    unknown.progress(DOCK, 'ok');
    unknown.take({ type: 'limit', at: 9, device: 1, limit: 'stall', ms: 1 });
    expect(unknown.splits()).toEqual([]);
    expect(unknown.exit()).toBe(5);
  });

  test('two aircraft, or two docks, are no pair', () => {
    const of = (...sns: string[]) => pairOf(sns.map((sn) => ({ sn, pid: DOCK })));
    expect(of('A', 'B')).toBeNull();
    expect(of(DOCK)).toBeNull();
    expect(of(DOCK, 'A', 'B')).toBeNull();
    expect(of('A', DOCK)).toMatchObject({ dock: { sn: DOCK }, aircraft: { sn: 'A' } });
  });

  test('never with an end that is not known, whatever was reported', () => {
    const half = fc.record({
      phase: fc.constantFrom('ended' as const, 'open' as const),
      status: fc.constantFrom('ok', 'skipped', 'failed', 'unknown', 'not_started', 'timeout'),
      versionBefore: fc.constantFrom(null, '1.0', '2.0'),
      versionNoted: fc.boolean(),
      versionAfter: fc.constantFrom(null, '1.0', '2.0'),
    });
    fc.assert(
      fc.property(half, half, (one, other) => {
        const dock = { ...one, sn: DOCK, pid: DOCK, model: '3-3-0' };
        const aircraft = { ...other, sn: AIR, pid: DOCK, model: '0-100-0' };
        const split = isSplit({ dock, aircraft } as unknown as Parameters<typeof isSplit>[0]);
        const statuses = [one, other].map(({ phase, status }) => (phase === 'ended' ? status : 'open'));
        if (statuses.includes('unknown') || statuses.includes('open')) expect(split).toBe(false);
        if (split) expect(statuses.some((status) => status === 'ok' || status === 'skipped')).toBe(true);
      }),
    );
  });

  test('which models share their releases', () => {
    expect(sharesReleases('3-3-0', '0-100-0')).toBe(true);
    expect(sharesReleases('3-2-0', '0-91-1')).toBe(true);
    expect(sharesReleases('3-1-0', '0-67-0')).toBe(false);
    expect(sharesReleases('3-3-0', '0-91-0')).toBe(false);
    expect(sharesReleases('constructor', '0-91-0')).toBe(false);
  });
});

describe('versions before and after', () => {
  test('are what the device reported before its request, and since; a noted one is no word of this run', () => {
    const run = pairRun();
    run.take({ type: 'version_reported', at: 0, wall: 1_000, sn: DOCK, version: '17.05.0102', noted: true });
    run.version(AIR, '17.06.0100', '0-100-1');
    run.open(0, 1);
    run.version(AIR, '17.07.0401', '0-100-1');
    run.progress(null, 'ok');
    expect(outcomes(run.core.tracker)).toMatchObject([
      { sn: DOCK, version_before: '17.05.0102', version_after: null, heard_at: '1970-01-01T00:00:01.000Z' },
      { sn: AIR, version_before: '17.06.0100', version_after: '17.07.0401', heard_at: '1970-01-01T00:00:00.006Z' },
    ]);
    expect(run.core.tracker.devices[0]?.reportedOther).toBe(false);
  });
});
