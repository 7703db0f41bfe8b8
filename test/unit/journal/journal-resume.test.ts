/** How a later process uses the facts of an earlier one. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import type { RunEvent } from '../../../src/upgrade/events.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import type { PlannedDevice } from '../../../src/upgrade/plan/plan.js';
import { type ResumeOptions, rebuild, replayAsRead, resume } from '../../../src/upgrade/resume.js';
import { outcomes } from '../../../src/upgrade/tracker/tracker.js';
import { opened, progress, reply } from '../../helpers/facts.js';
import { type FakeBrokerOptions, fakeBroker, goodDock } from '../../helpers/fake-broker.js';
import { manualClock } from '../../helpers/manual-clock.js';
import { coreOptions, device, REPLY, settle } from '../../helpers/upgrade-run.js';

const TWO = [device('A', 'P0'), device('B', 'P1')];

async function resumed(
  facts: Fact[],
  more: Partial<ResumeOptions> & { reopen?: boolean; planned?: PlannedDevice[]; broker?: FakeBrokerOptions } = {},
) {
  const clock = manualClock();
  const fake = fakeBroker({ docks: { P0: goodDock, P1: goodDock }, ...more.broker });
  const events: RunEvent[] = [];
  const kept: Fact[] = [];
  const core = rebuild({ devices: more.planned ?? TWO, options: coreOptions(), facts }, clock, more.reopen ?? false);
  let id = 0;
  const result = resume({
    core,
    connect: (to) => fake.connect(to),
    log: { write: async (written) => void kept.push(...written), append: (fact) => void kept.push(fact) },
    timeout: null,
    republishUncertain: false,
    reopened: more.reopen ?? false,
    clock,
    emit: (event) => void events.push(event),
    signal: new AbortController().signal,
    newId: () => `new-${++id}`,
    ...more,
  });
  await settle();
  return { clock, fake, events, kept, core, result, bids: (pid: string) => fake.jobs(pid).map(({ bid }) => bid) };
}

const UNCERTAIN: Fact[] = [
  opened('b1', [0]),
  opened('b2', [1], 1, 'P1'),
  { type: 'job_acknowledged', at: 1, bid: 'b2' },
];
const B_DONE = progress({ bid: 'b2', status: 'ok' }, 'P1');

describe('a publish that is uncertain', () => {
  it('is waited for until the reply limit, then unknown, with a hint; never sent', async () => {
    const run = await resumed([...UNCERTAIN, B_DONE]);
    run.clock.advance(REPLY - 1000);
    await settle();
    expect(run.events.filter(({ event }) => event === 'device_finished')).toEqual([]);
    run.clock.advance(2000);
    const { devices, exit_code } = await run.result;
    expect(exit_code).toBe(5);
    expect(devices.map(({ status }) => status)).toEqual(['unknown', 'ok']);
    expect(devices[0]?.reason).toContain('--republish-uncertain');
    expect(run.fake.jobs()).toEqual([]);
  });

  it('its dock speaks: it was sent, and is followed', async () => {
    const run = await resumed([...UNCERTAIN, B_DONE]);
    const job = { pid: 'P0', bid: 'b1', tid: 't-b1', devices: [], count: 1 };
    run.fake.dock.progress(job, 'in_progress', 10);
    run.clock.advance(REPLY * 2);
    run.fake.dock.progress(job, 'ok', 100);
    expect((await run.result).exit_code).toBe(0);
    expect(run.fake.jobs()).toEqual([]);
  });

  it('is sent again under its own ids where that is asked for, and what is certain is not', async () => {
    const run = await resumed([...UNCERTAIN, B_DONE], { republishUncertain: true });
    expect((await run.result).exit_code).toBe(0);
    expect(run.fake.jobs().map(({ bid, tid }) => [bid, tid])).toEqual([['b1', 't-b1']]);
  });

  it('is not sent where it cannot be', async () => {
    const run = await resumed([...UNCERTAIN, B_DONE], { republishUncertain: true, refuses: () => 'no URL' });
    expect(run.fake.jobs()).toEqual([]);
    expect(run.events).toContainEqual({
      event: 'warning',
      code: 'not_republished',
      message: 'gateway P0: not sent again: no URL',
    });
    run.clock.advance(REPLY + 2000);
    expect((await run.result).exit_code).toBe(5);
  });
});

describe('what was never sent', () => {
  it('recorded and withdrawn before it was handed to the broker: is sent now, under new ids', async () => {
    const withdrawn: Fact = { type: 'job_unsent', at: 1, bid: 'b1', reason: 'cut off', withdrawn: true };
    const cut: Fact = { type: 'cut_off', at: 1, cause: 'interrupted', reason: 'x' };
    const run = await resumed([...UNCERTAIN, B_DONE, withdrawn, cut]);
    expect((await run.result).exit_code).toBe(0);
    expect(run.bids('P0')).toEqual(['new-1']);
    expect(run.bids('P1')).toEqual([]);
  });

  it('what must not be sent is not started and says why, the rest of the fleet goes on, and a later resume may send it', async () => {
    const refuses = (devices: readonly number[]) => (devices.includes(0) ? 'no URL' : null);
    const run = await resumed([], { refuses });
    const { devices, exit_code } = await run.result;
    expect(exit_code).toBe(5);
    expect(devices.map(({ status, reason }) => [status, reason])).toEqual([
      ['not_started', 'no URL'],
      ['ok', null],
    ]);
    expect(run.fake.jobs('P0')).toEqual([]);
    let id = 0;
    const later = await resumed(run.kept, { newId: () => `later-${++id}` });
    expect((await later.result).exit_code).toBe(0);
    expect(later.fake.jobs().map(({ pid }) => pid)).toEqual(['P0']);
  });
});

describe('a resume that does not reach the broker', () => {
  const unreachable = () => Promise.reject(new OtaError('broker_unreachable', 'nobody there'));
  const ended: Fact[] = [...UNCERTAIN, B_DONE];
  const stop: Fact = { type: 'stop_requested', at: 3, reason: 'dji-ota runs stop' };

  it.each([
    ['4', ended, 4],
    ['6 where the run was asked to start nothing more', [...ended, stop], 6],
  ])('ends with exit code %s', async (_, facts, code) => {
    const run = await resumed(facts, { connect: unreachable });
    expect(await run.result).toMatchObject({ exit_code: code, error: { code: 'broker_unreachable' } });
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'error', exit_code: code }));
  });
});

describe('a limit that passed', () => {
  const passed: Fact[] = [
    ...UNCERTAIN,
    reply({ bid: 'b1' }),
    B_DONE,
    { type: 'limit', at: 5, device: 0, limit: 'stall', ms: 1000 },
  ];
  const late: Fact[] = [{ type: 'resumed', at: 6, reopened: true }, progress({ bid: 'b1', status: 'ok' })];
  const statuses = (facts: Fact[], reopen = false) =>
    outcomes(rebuild({ devices: TWO, options: coreOptions(), facts }, manualClock(), reopen).tracker).map(
      ({ status }) => status,
    );

  it('stands, also for the next process, unless it asks again', () => {
    expect(statuses(passed)).toEqual(['unknown', 'ok']);
    expect(statuses([...passed, { type: 'resumed', at: 6 }, progress({ bid: 'b1', status: 'ok' })])).toEqual([
      'unknown',
      'ok',
    ]);
  });

  it('asked again, what is heard then counts, also for every process after it', () => {
    expect(statuses([...passed, ...late])).toEqual(['ok', 'ok']);
    expect(statuses([...passed, ...late], true)).toEqual(['ok', 'ok']);
  });

  it('a pair that a late end shows to be split is told where the run is asked for again', async () => {
    const planned = [device('P0', 'P0'), device('A', 'P0'), device('B', 'P1')];
    const facts: Fact[] = [
      opened('b1', [0, 1]),
      opened('b2', [2], 1, 'P1'),
      progress({ bid: 'b1', sn: 'A', status: 'failed', result: 312023 }),
      { type: 'limit', at: 5, device: 0, limit: 'stall', ms: 1000 },
      { type: 'limit', at: 5, device: 2, limit: 'stall', ms: 1000 },
      progress({ bid: 'b1', sn: 'P0', status: 'ok' }),
    ];
    const run = await resumed(facts, { reopen: true, planned });
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'pair_split', pid: 'P0' }));
    run.fake.dock.progress({ pid: 'P1', bid: 'b2', tid: 't-b2', devices: [], count: 1 }, 'ok', 100);
    expect((await run.result).exit_code).toBe(1);
  });

  it('that passed after the resume counts', () => {
    const again: Fact = { type: 'limit', at: 9, device: 0, limit: 'stall', ms: 1000 };
    expect(statuses([...passed, { type: 'resumed', at: 6, reopened: true }, again])).toEqual(['unknown', 'ok']);
  });

  it('of a device that had reported its new version is final', () => {
    const planned = [device('A', 'P0'), device('B', 'P0')];
    const version: Fact = { type: 'version_reported', at: 2, sn: 'A', version: planned[0]?.product_version ?? '' };
    const facts: Fact[] = [
      opened('b1', [0, 1]),
      version,
      { type: 'limit', at: 5, device: 0, limit: 'stall', ms: 1000, proven: true },
      { type: 'limit', at: 5, device: 1, limit: 'stall', ms: 1000 },
      { type: 'resumed', at: 6, reopened: true },
      { type: 'cut_off', at: 7, cause: 'interrupted', reason: 'Ctrl-C' },
    ];
    for (const reopen of [false, true]) {
      const core = rebuild({ devices: planned, options: coreOptions(), facts }, manualClock(), reopen);
      expect(core.tracker.devices.map(({ phase, status }) => [phase, status])).toEqual([
        ['ended', 'ok'],
        ['open', null],
      ]);
      expect(core.tracker.totals).toMatchObject({ ok: 1, unknown: 0 });
    }
  });

  it('the resume writes down that it asked again', async () => {
    const run = await resumed(passed, { reopen: true });
    expect(run.kept).toContainEqual({ type: 'resumed', at: expect.any(Number), reopened: true });
    run.fake.dock.progress({ pid: 'P0', bid: 'b1', tid: 't-b1', devices: [], count: 1 }, 'ok', 100);
    expect((await run.result).exit_code).toBe(0);
  });
});

it('the end of a job is missing in a damaged journal: the next one on its gateway shows that it had one', () => {
  const planned = [device('A', 'P0'), device('B', 'P0'), device('C', 'P0')];
  const facts = [opened('b1', [0, 1]), opened('b2', [2]), progress({ bid: 'b2', status: 'ok' })];
  const core = rebuild({ devices: planned, options: coreOptions(), facts }, manualClock(), false);
  expect(outcomes(core.tracker).map(({ status }) => status)).toEqual(['unknown', 'unknown', 'ok']);
});

describe('facts taken as they are read', () => {
  const asRead = (facts: readonly Fact[], reopen = false) => {
    const replay = replayAsRead({ devices: TWO, options: coreOptions({ retries: 1 }) }, manualClock());
    for (const fact of facts) replay.take(fact);
    return replay.end(reopen);
  };
  const atOnce = (facts: readonly Fact[], reopen = false) =>
    rebuild({ devices: TWO, options: coreOptions({ retries: 1 }), facts }, manualClock(), reopen);

  const bid = fc.constantFrom('b1', 'b2', 'b3');
  const pid = fc.constantFrom('P0', 'P1');
  const index = fc.integer({ min: 0, max: 1 });
  const status = fc.constantFrom('in_progress', 'ok', 'failed', null);
  const fact: fc.Arbitrary<Fact> = fc.oneof(
    fc.tuple(bid, index, fc.integer({ min: 1, max: 2 })).map(([b, d, attempt]) => opened(b, [d], attempt, `P${d}`)),
    bid.map((b): Fact => ({ type: 'job_acknowledged', at: 2, bid: b })),
    fc.tuple(bid, fc.constantFrom(0, 312014, 312028), pid).map(([b, result, p]) => reply({ bid: b, result }, p)),
    fc
      .tuple(bid, status, fc.nat({ max: 100 }), pid)
      .map(([b, s, percent, p]) => progress({ bid: b, status: s, percent }, p)),
    fc
      .tuple(bid, fc.boolean())
      .map(([b, withdrawn]): Fact => ({ type: 'job_unsent', at: 3, bid: b, reason: 'x', withdrawn })),
    fc
      .tuple(index, fc.constantFrom('reply' as const, 'stall' as const, 'verify' as const), fc.boolean())
      .map(([device, limit, proven]): Fact => ({ type: 'limit', at: 4, device, limit, ms: 1000, proven })),
    fc
      .tuple(index, fc.constantFrom('skipped' as const, 'not_started' as const))
      .map(([device, outcome]): Fact => ({ type: 'left_out', at: 5, device, outcome, reason: 'x' })),
    fc.boolean().map((reopened): Fact => ({ type: 'resumed', at: 6, reopened })),
    fc.constant<Fact>({ type: 'cut_off', at: 7, cause: 'interrupted', reason: 'x' }),
  );

  it('give what all of them give at once, or nothing', () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 12 }), fc.boolean(), (facts, reopen) => {
        const core = asRead(facts, reopen);
        if (core) expect(core).toEqual(atOnce(facts, reopen));
      }),
      { numRuns: 1000 },
    );
  });

  const skip: Fact = { type: 'left_out', at: 1, device: 1, outcome: 'skipped', reason: 'x' };
  const limit: Fact = { type: 'limit', at: 5, device: 0, limit: 'stall', ms: 1000 };
  const again: Fact = { type: 'resumed', at: 6, reopened: true };

  it('are enough for a run as it is usually written', () => {
    const facts = [skip, ...UNCERTAIN.slice(0, 1), reply({ bid: 'b1' }), progress({ bid: 'b1', status: 'ok' })];
    expect(asRead(facts)).toEqual(atOnce(facts));
    expect(asRead([])).toEqual(atOnce([]));
    expect(asRead([...facts, { type: 'resumed', at: 6 }, limit])).not.toBeNull();
  });

  it.each([
    ['a withdrawn job', [...UNCERTAIN, { type: 'job_unsent', at: 2, bid: 'b1', reason: 'x', withdrawn: true }], false],
    ['a limit after which it was asked again', [...UNCERTAIN, limit, again], false],
    ['a limit after which it is asked again now', [...UNCERTAIN, limit], true],
    ['a device left out in the middle', [opened('b1', [0]), skip], false],
  ] satisfies [string, Fact[], boolean][])(
    'are not enough where a fact changes what came before: %s',
    (_, facts, reopen) => {
      expect(asRead(facts, reopen)).toBeNull();
    },
  );
});

describe('an end that was seen by the version alone', () => {
  it('is not a failure if its run is resumed', () => {
    const planned = [device('A', 'P0'), device('B', 'P0'), device('C', 'P0')];
    const version = (sn: string): Fact => ({
      type: 'version_reported',
      at: 2,
      sn,
      version: planned[0]?.product_version ?? '',
    });
    const facts: Fact[] = [
      opened('b1', [0, 1]),
      { type: 'job_acknowledged', at: 1, bid: 'b1' },
      version('A'),
      version('B'),
      { type: 'limit', at: 3, device: 0, limit: 'stall', ms: 1 },
      { type: 'limit', at: 3, device: 1, limit: 'stall', ms: 1 },
      opened('b2', [2]),
      { type: 'limit', at: 5, device: 2, limit: 'reply', ms: 1 },
    ];
    const options = coreOptions({}, { maxFailures: { devices: 2 } });
    const core = rebuild({ devices: planned, options, facts }, manualClock(), true);
    expect(outcomes(core.tracker).map(({ status }) => status)).toEqual(['ok', 'ok', 'unknown']);
    expect(core.rollout).toMatchObject({ stopped: null, badDevices: 0 });
  });
});
