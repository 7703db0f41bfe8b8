import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/upgrade/events.js';
import type { Fact } from '../../src/upgrade/facts.js';
import { apply, outcomes, type Tracker, type TrackerOptions } from '../../src/upgrade/tracker.js';
import { opened, progress, reply, trackerOf } from '../helpers/facts.js';

const bid = fc.constantFrom('b1', 'b2', 'b3', 'b4', 'other', null);
const tid = fc.constantFrom('t-b1', 't-b2', 't-b3', 't-other', null);
const pid = fc.constantFrom('P0', 'P0', 'P1', 'P2');
const sn = fc.constantFrom('A', 'B', 'C', 'D', null);
const result = fc.constantFrom(0, 0, 0, 312014, 312015, 312023, 312028, 1);
const status = fc.constantFrom(
  ...['sent', 'in_progress', 'in_progress', 'paused', 'ok', 'rejected', 'failed', 'canceled', 'timeout', 'strange', null],
);
const method = fc.constantFrom('ota', 'ota', null);
const percent = fc.option(fc.integer({ min: 0, max: 100 }));
const step = fc.constantFrom('download_firmware', 'upgrade_firmware', 'odd', null);
const timestamp = fc.option(fc.integer({ min: 0, max: 900_000 }));
const device = fc.integer({ min: 0, max: 3 });

const fact: fc.Arbitrary<Fact> = fc.oneof(
  fc
    .tuple(fc.constantFrom('b1', 'b2', 'b3', 'b4'), fc.uniqueArray(device, { maxLength: 2 }), pid)
    .map(([id, devices, gateway]) => opened(id, devices, Number(id[1]), gateway)),
  {
    weight: 8,
    arbitrary: fc
      .record({ method, bid, sn, status, result, percent, step, timestamp })
      .chain((message) => pid.map((gateway) => progress(message, gateway))),
  },
  {
    weight: 3,
    arbitrary: fc.record({ method, tid, bid, status, result }).chain((message) => pid.map((on) => reply(message, on))),
  },
  fc.constantFrom('b1', 'b2').map((id): Fact => ({ type: 'job_acknowledged', at: 3, bid: id })),
  fc.constantFrom('b1', 'b2').map((id): Fact => ({ type: 'job_resent', at: 3, bid: id })),
  fc.constantFrom('b1', 'b3').map((id): Fact => ({ type: 'job_unsent', at: 3, bid: id, reason: 'no' })),
  fc
    .tuple(device, fc.constantFrom('reply' as const, 'stall' as const, 'verify' as const))
    .map(([index, limit]): Fact => ({ type: 'limit', at: 4, device: index, limit, ms: 1000 })),
  fc
    .tuple(sn, fc.constantFrom('1.0', '2.0'))
    .map(([name, version]): Fact => ({ type: 'version_reported', at: 5, sn: name ?? '', version })),
  fc
    .tuple(device, fc.constantFrom('skipped' as const, 'not_started' as const))
    .map(([index, outcome]): Fact => ({ type: 'left_out', at: 6, device: index, outcome, reason: 'x' })),
  device.map((index): Fact => ({ type: 'retry_given_up', at: 6, device: index })),
  fc.constantFrom<Fact>(
    { type: 'broker_lost', at: 7, reason: 'x' },
    { type: 'broker_restored', at: 8, sessionPresent: true },
    { type: 'resumed', at: 8 },
    { type: 'create_seen', at: 8, pid: 'P2', bid: 'b9', devices: [{ sn: 'Z', product_version: null }] },
  ),
);
const facts = fc
  .array(fact, { maxLength: 60 })
  .map((list) => list.map((each, index): Fact => ({ ...each, at: index }) as Fact));
const options: fc.Arbitrary<Partial<TrackerOptions>> = fc.record({
  match: fc.constantFrom('bid' as const, 'gateway' as const),
  retries: fc.integer({ min: 0, max: 2 }),
  verify: fc.constantFrom('off' as const, 'report' as const, 'require' as const),
  adopt: fc.constantFrom('none' as const, 'none' as const, 'all' as const),
});
const CUT: Fact = { type: 'cut_off', at: 1000, cause: 'timeout', reason: 'time is up' };

function sum(tracker: Tracker): number {
  return Object.values(tracker.totals).reduce((total, count) => total + count, 0);
}

test('any facts: each device ends exactly once, and the totals count those that have', () => {
  fc.assert(
    fc.property(options, facts, (option, list) => {
      const tracker = trackerOf(option);
      const finished = new Map<number, number>();
      const count = (events: RunEvent[]) => {
        for (const event of events) {
          if (event.event !== 'device_finished') continue;
          const which = tracker.devices.filter((each) => each.sn === event.sn && each.bid === event.bid);
          for (const each of which) finished.set(each.index, (finished.get(each.index) ?? 0) + 1);
        }
        const ended = tracker.devices.filter(({ phase }) => phase === 'ended');
        expect(sum(tracker)).toBe(ended.length);
        for (const each of ended) expect(each.endedAt).not.toBeNull();
      };
      for (const each of list) count(apply(tracker, each).events);
      count(apply(tracker, CUT).events);
      expect(tracker.devices.every(({ phase }) => phase === 'ended')).toBe(true);
      expect(tracker.open.size).toBe(0);
      expect(tracker.openByPid.size).toBe(0);
      if (option.adopt === 'none') expect([...finished.values()]).toEqual(tracker.devices.map(() => 1));
      for (const { status: end } of outcomes(tracker)) expect(Object.keys(tracker.totals)).toContain(end);
    }),
    { numRuns: 600 },
  );
});

test('any facts: percent is 0 to 100, and never falls within a step of an attempt', () => {
  fc.assert(
    fc.property(options, facts, (option, list) => {
      const tracker = trackerOf(option);
      const last = new Map<number, { key: string; percent: number }>();
      for (const each of list) {
        apply(tracker, each);
        for (const now of tracker.devices) {
          const key = `${now.bid} ${now.step}`;
          const value = now.percent ?? 0;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(100);
          const before = last.get(now.index);
          if (before?.key === key) expect(value).toBeGreaterThanOrEqual(before.percent);
          last.set(now.index, { key, percent: value });
        }
      }
    }),
    { numRuns: 600 },
  );
});

test('any facts: nothing is told of a device after its end, and its state stays as it was', () => {
  fc.assert(
    fc.property(options, facts, (option, list) => {
      const tracker = trackerOf(option);
      const ended = new Map<number, unknown>();
      for (const each of list) {
        const { events } = apply(tracker, each);
        for (const event of events) {
          if (event.event !== 'device_progress') continue;
          const which = tracker.devices.filter((one) => one.sn === event.sn && one.bid === event.bid);
          expect(which.some(({ index }) => !ended.has(index))).toBe(true);
        }
        for (const one of tracker.devices) {
          if (ended.has(one.index)) expect(one).toEqual(ended.get(one.index));
          else if (one.phase === 'ended') ended.set(one.index, { ...one });
        }
      }
    }),
    { numRuns: 600 },
  );
});

test('the same facts give the same state and the same events', () => {
  fc.assert(
    fc.property(options, facts, (option, list) => {
      const [one, other] = [trackerOf(option), trackerOf(option)];
      const kept = structuredClone(list);
      const told = [...list, CUT].map((each) => apply(one, each).events);
      expect([...kept, CUT].map((each) => apply(other, each).events)).toEqual(told);
      expect(other).toEqual(one);
      // Facts are read alone: a journal may still have to write them.
      expect(list).toEqual(kept);
    }),
    { numRuns: 300 },
  );
});
