import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  advance,
  type CoreOptions,
  createCore,
  dueLimits,
  isRunOver,
  type RunCore,
  refuseStarts,
  replay,
} from '../../../src/upgrade/core/core.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import { startDue } from '../../../src/upgrade/rollout/rollout.js';
import { outcomes } from '../../../src/upgrade/tracker/tracker.js';
import { ends, progress, reply } from '../../helpers/facts.js';
import { coreOptions, device, fleetOf, REPLY, STALL, VERIFY } from '../../helpers/upgrade-run.js';

/** A core whose starts are opened with the bids `b1`, `b2`, ... */
function live(planned = fleetOf(1), options: CoreOptions = coreOptions(), skipped = new Set<number>()) {
  const core = createCore(makePlan(planned), options, skipped);
  const facts: Fact[] = [];
  let count = 0;
  const take = (fact: Fact) => {
    facts.push(structuredClone(fact));
    return advance(core, fact);
  };
  const start = (at: number) =>
    startDue(core.rollout, at).flatMap(({ devices, attempt }) => {
      const bid = `b${++count}`;
      const pid = core.tracker.devices[devices[0] ?? 0]?.pid ?? '';
      return take({ type: 'job_opened', at, pid, bid, tid: `t-${bid}`, attempt, devices });
    });
  return { core, facts, take, start, bids: () => count };
}

describe('limits', () => {
  test('the reply limit counts from the acknowledgement, and ends with the reply or progress', () => {
    const { core, take, start } = live();
    start(0);
    take({ type: 'job_acknowledged', at: 5000, bid: 'b1' });
    expect(dueLimits(core, 5000 + REPLY - 1)).toEqual({ due: [], next: 5000 + REPLY });
    expect(dueLimits(core, 5000 + REPLY).due).toMatchObject([{ device: 0, limit: 'reply', ms: REPLY }]);
    take({ ...reply(), at: 6000 });
    expect(dueLimits(core, 5000 + REPLY)).toEqual({ due: [], next: 6000 + STALL });
  });

  test('a limit of a device that has told its new version says so: an `ok` that stands', () => {
    const { core, take, start } = live();
    const version = core.plan.devices[0]?.product_version ?? '';
    start(0);
    take(progress({ percent: 1 }));
    take({ type: 'version_reported', at: 3, sn: core.plan.devices[0]?.sn ?? '', version });
    expect(dueLimits(core, 2 + STALL).due).toEqual([
      { type: 'limit', at: 2 + STALL, device: 0, limit: 'stall', ms: STALL, proven: true },
    ]);
  });

  test('the stall limit counts from the last word', () => {
    const { core, take, start } = live();
    start(0);
    take({ ...progress({ percent: 1 }), at: 1000 });
    take({ ...progress({ percent: 1 }), at: 9000 });
    expect(dueLimits(core, 9000 + STALL - 1).due).toEqual([]);
    expect(dueLimits(core, 9000 + STALL).due).toMatchObject([{ limit: 'stall', ms: STALL }]);
  });

  test('a request that is never acknowledged runs into the stall limit, not the reply limit', () => {
    const { core, start } = live();
    start(0);
    expect(dueLimits(core, STALL - 1)).toEqual({ due: [], next: STALL });
    expect(dueLimits(core, STALL).due).toMatchObject([{ limit: 'stall' }]);
  });

  test('nothing counts while the broker is away, and everything starts anew when it is back', () => {
    const { core, take, start } = live();
    start(0);
    take({ ...progress(), at: 1000 });
    take({ type: 'broker_lost', at: 2000, reason: 'x' });
    expect(dueLimits(core, STALL * 9)).toEqual({ due: [], next: null });
    take({ type: 'broker_restored', at: STALL * 9, sessionPresent: true });
    expect(dueLimits(core, STALL * 9)).toEqual({ due: [], next: STALL * 10 });
  });

  test('a device that tells its new version is given a minute to tell its end, counted from the first time', () => {
    const { core, take, start } = live(fleetOf(1), coreOptions({ verify: 'report' }));
    take({ type: 'version_reported', at: 0, sn: 'S0', version: '1.0' });
    start(0);
    take({ ...progress(), at: 1000 });
    for (const at of [50_000, 52_000, 54_000]) take({ type: 'version_reported', at, sn: 'S0', version: '2.0' });
    expect(dueLimits(core, 60_000)).toEqual({ due: [], next: 110_000 });
    const [fact] = dueLimits(core, 110_000).due;
    expect(fact && take(fact)).toMatchObject([{ event: 'device_finished', status: 'ok', verified: true }]);
  });

  test('the verify limit counts from the end; the gateway stays taken until then', () => {
    const { core, take, start } = live(fleetOf(1), coreOptions({ verify: 'require' }));
    start(0);
    take({ ...progress({ status: 'ok' }), at: 7000 });
    expect(isRunOver(core)).toBe(false);
    expect(dueLimits(core, 7000)).toEqual({ due: [], next: 7000 + VERIFY });
    const [fact] = dueLimits(core, 7000 + VERIFY).due;
    expect(fact && take(fact)).toMatchObject([{ status: 'ok', verified: null }]);
    expect(isRunOver(core)).toBe(true);
  });

  test('one device of a job that ends does not end the limit of the other', () => {
    const { core, take, start } = live([device('A', 'P0'), device('B', 'P0')]);
    start(0);
    take({ ...progress({ sn: 'A', status: 'ok' }), at: 1000 });
    expect(dueLimits(core, STALL).due).toMatchObject([{ device: 1 }]);
  });
});

describe('consequences of facts', () => {
  test('a stop leaves out what was not started and what waited for a new attempt', () => {
    const options = coreOptions({ retries: 3 }, { concurrency: 2, maxFailures: { devices: 1 } });
    const { core, take, start } = live(fleetOf(4), options);
    start(0);
    take({ ...reply({ tid: 't-b1', bid: 'b1', result: 312015 }), at: 1 });
    start(1);
    const events = take({ ...progress({ bid: 'b2', status: 'failed', result: 312023 }, 'P1'), at: 2 });
    expect(ends(events)).toEqual(['S1 failed', 'S0 rejected', 'S3 not_started']);
    expect(isRunOver(core)).toBe(false);
    expect(ends(take({ ...progress({ bid: 'b3', status: 'ok' }, 'P2'), at: 3 }))).toEqual(['S2 ok']);
    expect(isRunOver(core)).toBe(true);
  });

  test('after an unknown end the further jobs of that gateway are not started, with the reason', () => {
    const { take, start, core } = live([device('A', 'P0'), device('B', 'P0'), device('C', 'P0')]);
    start(0);
    take({ type: 'limit', at: 1, device: 0, limit: 'reply', ms: 1 });
    const events = take({ type: 'limit', at: 1, device: 1, limit: 'reply', ms: 1 });
    expect(ends(events)).toEqual(['B unknown', 'C not_started']);
    expect(events.at(-1)).toMatchObject({ reason: expect.stringContaining('may still be running on gateway P0') });
    expect(isRunOver(core)).toBe(true);
  });

  test('waves are told as they begin and end, the last one too, and none of a run in one', () => {
    const { take, start, core, facts } = live(
      fleetOf(4),
      coreOptions({}, { waves: [1, 3, 4], maxFailures: { devices: 2 } }),
    );
    const told: string[] = [];
    const collect = (events: ReturnType<typeof take>) => {
      for (const event of events) {
        if (event.event === 'wave_started' || event.event === 'wave_finished')
          told.push(`${event.event} ${event.wave}/${event.waves} ${event.gateways}`);
        else if (event.event === 'device_finished') told.push(`${event.sn} ${event.status}`);
      }
    };
    // The same facts in a replay.
    const replayed = () => {
      const again = createCore(core.plan, core.options);
      for (const fact of facts) collect(replay(again, structuredClone(fact)));
    };
    start(0);
    take({ ...progress({ status: 'ok' }), at: 1 });
    start(1);
    take({ ...progress({ bid: 'b2', status: 'failed' }, 'P1'), at: 2 });
    take({ ...progress({ bid: 'b3', status: 'failed' }, 'P2'), at: 3 });
    replayed();
    expect(told).toEqual([
      'wave_started 1/3 1',
      'S0 ok',
      'wave_finished 1/3 1',
      'wave_started 2/3 2',
      'S1 failed',
      'S2 failed',
      'S3 not_started',
      'wave_finished 2/3 2',
    ]);
    const single = live();
    single.start(0);
    collect(single.take({ ...progress({ status: 'ok' }), at: 1 }));
    expect(told.slice(8)).toEqual(['S0 ok']);
  });

  test('a failure counts as it comes, also where the other device of its job goes on', () => {
    const planned = [device('D', 'P0'), device('A', 'P0'), device('E', 'P1')];
    const options = coreOptions({}, { concurrency: 1, maxFailures: { devices: 1 } });
    const { core, take, start } = live(planned, options);
    start(0);
    const events = take(progress({ sn: 'A', status: 'failed', result: 312023 }));
    expect(ends(events)).toEqual(['A failed', 'E not_started']);
    expect(core.rollout).toMatchObject({ stopped: '1 devices failed or are unknown', endedDevices: 1, badDevices: 1 });
    take(progress({ sn: 'D', status: 'ok' }));
    expect(core.rollout).toMatchObject({ running: 0, endedDevices: 2, badDevices: 1 });
  });

  test('a wave that begins is told once, also with a fact that changes nothing', () => {
    const stranger = (at: number) => ({ ...progress({ bid: 'x' }), at, pid: 'elsewhere' });
    const first = live(fleetOf(2), coreOptions({}, { waves: [1, 2] }));
    // Its start is claimed, and still being recorded.
    startDue(first.core.rollout, 0);
    expect(first.take(stranger(1))).toMatchObject([{ event: 'wave_started', wave: 1 }]);
    expect(first.take(stranger(2))).toEqual([]);
    const other = live(fleetOf(2));
    expect(other.take(stranger(3))).toEqual([]);
  });

  test('skipped devices are no part of the roll-out, also where waves count them', () => {
    const { core, take, start } = live(fleetOf(3), coreOptions({}, { waves: [1, 3] }), new Set([0, 2]));
    take({ type: 'left_out', at: 0, device: 0, outcome: 'skipped', reason: 'up to date' });
    take({ type: 'left_out', at: 0, device: 2, outcome: 'skipped', reason: 'up to date' });
    start(0);
    take({ ...progress({ status: 'ok' }, 'P1'), at: 1 });
    start(1);
    expect(isRunOver(core)).toBe(true);
    expect(outcomes(core.tracker).map(({ status }) => status)).toEqual(['skipped', 'ok', 'skipped']);
  });

  test('starts that could not be recorded are not started, and nothing more is', () => {
    const { core } = live(fleetOf(3), coreOptions({}, { concurrency: 2 }));
    const starts = startDue(core.rollout, 0);
    expect(ends(refuseStarts(core, starts, 'disk full', 1))).toEqual([
      'S0 not_started',
      'S1 not_started',
      'S2 not_started',
    ]);
    expect(isRunOver(core)).toBe(true);
  });
});

/** What must be the same after a replay: everything except the identity of objects. */
function stateOf({ tracker, rollout, running, cut }: RunCore) {
  return { tracker, rollout, running, cut };
}

const step = fc.record({
  which: fc.nat(),
  what: fc.constantFrom(
    'progress',
    'progress',
    'ok',
    'failed',
    'retry',
    'refused',
    'reply',
    'limit',
    'version',
    'foreign',
  ),
  one: fc.boolean(),
  percent: fc.integer({ min: 0, max: 100 }),
});
const runOptions = fc
  .record({
    retries: fc.integer({ min: 0, max: 2 }),
    verify: fc.constantFrom('off' as const, 'report' as const, 'require' as const),
    concurrency: fc.option(fc.integer({ min: 1, max: 3 })),
    waves: fc.constantFrom([], [1, 6], [1, 3, 6]),
    maxFailures: fc.constantFrom(null, { devices: 2 }, { percent: 50 }),
    wavePause: fc.constantFrom(0, 7),
  })
  .map(({ retries, verify, ...rollout }) => coreOptions({ retries, verify }, { ...rollout, retryWait: 3 }));

test('replaying the facts of any run gives its tracker, its roll-out, and its events', () => {
  const planned = [0, 0, 0, 1, 1, 2, 3, 3, 4, 5].map((pid, index) => device(`S${index}`, `P${pid}`));
  fc.assert(
    fc.property(runOptions, fc.array(step, { maxLength: 60 }), fc.boolean(), (options, steps, cutOff) => {
      const { core, facts, take, start, bids } = live(planned, options);
      const told: unknown[] = [];
      let at = 0;
      for (const { which, what, one, percent } of steps) {
        told.push(...start(++at));
        const job = core.tracker.byBid.get(`b${(which % Math.max(1, bids())) + 1}`);
        const target = job?.devices[which % 2] ?? job?.devices[0];
        if (!job || !target) continue;
        const ids = { bid: job.bid, tid: job.tid, sn: one ? target.sn : null, percent };
        const word = (status: string, result = 0) => ({ ...progress({ ...ids, status, result }, job.pid), at });
        const fact: Record<typeof what, () => Fact> = {
          progress: () => word('in_progress'),
          ok: () => word('ok'),
          failed: () => word('failed', 312023),
          retry: () => word('failed', 312028),
          foreign: () => ({ ...progress({ bid: 'other' }, job.pid), at }),
          refused: () => ({ ...reply({ tid: job.tid, bid: job.bid, result: 312015 }, job.pid), at }),
          reply: () => ({ ...reply({ tid: job.tid, bid: job.bid }, job.pid), at }),
          limit: () => ({ type: 'limit', at, device: target.index, limit: one ? 'stall' : 'verify', ms: 1 }),
          version: () => ({ type: 'version_reported', at, sn: target.sn ?? '', version: one ? '2.0' : '1.0' }),
        };
        told.push(...take(fact[what]()));
      }
      if (cutOff) told.push(...take({ type: 'cut_off', at: ++at, cause: 'timeout', reason: 'time is up' }));
      const again = createCore(makePlan(planned), options);
      expect(facts.flatMap((fact) => replay(again, fact))).toEqual(told);
      expect(stateOf(again)).toEqual(stateOf(core));
      expect(isRunOver(again)).toBe(isRunOver(core));
    }),
    { numRuns: 500 },
  );
});

test('a fact that is replayed twice counts once', () => {
  const { core, facts, take, start } = live(fleetOf(2));
  start(0);
  take({ ...progress({ status: 'ok' }), at: 1 });
  const again = createCore(makePlan(fleetOf(2)), coreOptions());
  for (const fact of facts) for (const _ of [1, 2]) replay(again, fact);
  expect(stateOf(again)).toEqual(stateOf(core));
});

describe('a request to stop', () => {
  const request = (at = 1): Fact => ({ type: 'stop_requested', at, reason: 'dji-ota runs stop by ops@host' });

  test('what runs goes on to its end; what waits for its turn, or for another attempt, is not started', () => {
    const { core, take, start } = live(
      fleetOf(4),
      coreOptions({ retries: 2 }, { concurrency: 2, waves: [3, 4], wavePause: 60_000 }),
    );
    start(0);
    take({ ...progress({ bid: 'b1', status: 'failed', result: 312028 }, 'P0'), at: 1 });
    start(1);
    expect(core.running.size).toBe(2);
    const events = take(request(2));
    expect(events[0]).toEqual({ event: 'run_stopping', reason: 'dji-ota runs stop by ops@host' });
    expect(ends(events)).toEqual(['S0 failed', 'S3 not_started']);
    start(10 * 60_000);
    expect(core.running.size).toBe(2);
    expect(isRunOver(core)).toBe(false);
    take({ ...progress({ bid: 'b2', status: 'failed', result: 312028 }, 'P1'), at: 3 });
    take({ ...progress({ bid: 'b3', status: 'ok' }, 'P2'), at: 4 });
    expect(isRunOver(core)).toBe(true);
    expect(outcomes(core.tracker).map(({ status }) => status)).toEqual(['failed', 'failed', 'ok', 'not_started']);
  });

  test('is told once, also where a limit has stopped the run before; replayed, the run stands as it stood', () => {
    const { core, facts, take, start } = live(
      fleetOf(3),
      coreOptions({}, { concurrency: 1, maxFailures: { devices: 1 } }),
    );
    start(0);
    const stopped = take({ ...progress({ bid: 'b1', status: 'failed', result: 312023 }, 'P0'), at: 1 });
    expect(stopped.filter(({ event }) => event === 'run_stopping')).toHaveLength(1);
    expect(take(request())).toEqual([]);
    const again = createCore(makePlan(fleetOf(3)), core.options);
    for (const fact of facts) replay(again, fact);
    expect(outcomes(again.tracker)).toEqual(outcomes(core.tracker));
    expect(again.rollout.stopped).toBe(core.rollout.stopped);
  });

  test('with nothing left to start, the run was stopped all the same', () => {
    const { core, take, start } = live();
    start(0);
    expect(take(request())).toMatchObject([{ event: 'run_stopping' }]);
    take({ ...progress({ status: 'ok' }), at: 2 });
    expect(isRunOver(core)).toBe(true);
    expect(core.rollout.stopped).toContain('runs stop');
  });
});
