import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../../../src/upgrade/events.js';
import type { Fact } from '../../../../src/upgrade/facts.js';
import { apply, outcomes, type Tracker, type TrackerOptions } from '../../../../src/upgrade/tracker/tracker.js';
import { facts } from '../../../helpers/any-fact.js';
import { trackerOf } from '../../../helpers/facts.js';

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
          // A later version is still stored, because it is the current one of the device.
          const {
            versionAfter: _after,
            versionBefore: _before,
            versionHeardAt: _at,
            reportedOther: _other,
            ...rest
          } = one;
          if (ended.has(one.index)) expect(rest).toEqual(ended.get(one.index));
          else if (one.phase === 'ended') ended.set(one.index, rest);
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
      // Facts must not be changed, because a journal may still have to write them.
      expect(list).toEqual(kept);
    }),
    { numRuns: 300 },
  );
});
