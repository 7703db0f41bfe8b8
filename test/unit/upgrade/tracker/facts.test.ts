import { describe, expect, test } from 'vitest';
import type { Fact } from '../../../../src/upgrade/facts.js';
import { apply } from '../../../../src/upgrade/tracker/tracker.js';
import { applyAll, ends, opened, progress, reply, trackerOf } from '../../../helpers/facts.js';

describe('facts of the program itself', () => {
  test('a job is told as published once: at the acknowledgement, or at the dock’s word before it', () => {
    const tracker = trackerOf();
    expect(applyAll(tracker, opened())).toEqual([]);
    const first = applyAll(tracker, progress({ percent: 1 }));
    expect(first[0]).toMatchObject({ event: 'job_published', bid: 'b1', tid: 't-b1', devices: ['A', 'B'], attempt: 1 });
    expect(applyAll(tracker, { type: 'job_acknowledged', at: 3, bid: 'b1' })).toEqual([]);
  });

  test('what the broker did not take was not started', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), { type: 'job_unsent', at: 1, bid: 'b1', reason: 'no right' });
    expect(ends(events)).toEqual(['A not_started', 'B not_started']);
    expect(events[0]).toMatchObject({ reason: 'no right' });
    expect(tracker.open.size).toBe(0);
  });

  test('a copy that the broker refuses ends nothing: the request went out before, or its dock speaks of it', () => {
    const unsent: Fact = { type: 'job_unsent', at: 9, bid: 'b1', reason: 'no right' };
    const resent: Fact = { type: 'job_resent', at: 2, bid: 'b1' };
    for (const before of [reply(), progress({ percent: 1 }), resent]) {
      const tracker = trackerOf();
      const events = applyAll(tracker, opened('b1', [0]), before, unsent);
      expect(ends(events)).toEqual([]);
      expect(tracker.byBid.get('b1')).toMatchObject({ ended: false, uncertain: before === resent });
      expect(ends(applyAll(tracker, progress({ status: 'ok' })))).toEqual(['A ok']);
    }
  });

  test('a new attempt that the broker did not take leaves the end of the one before', () => {
    const tracker = trackerOf({ retries: 1 });
    const events = applyAll(
      tracker,
      opened('b1', [0]),
      reply({ result: 312015, status: null }),
      opened('b2', [0], 2),
      { type: 'job_unsent', at: 9, bid: 'b2', reason: 'no right' },
      opened('b3', [2], 1, 'P1'),
      { type: 'job_unsent', at: 9, bid: 'b3', reason: 'no right' },
    );
    expect(ends(events)).toEqual(['A rejected', 'C not_started']);
    expect(events.find(({ event }) => event === 'device_finished')).toMatchObject({
      bid: 'b1',
      result: 312015,
      reason: 'the dock is busy',
    });
    expect(tracker.totals).toMatchObject({ rejected: 1, not_started: 1 });
    expect(tracker.open.size).toBe(0);
  });

  test.each(['reply', 'stall'] as const)(
    'a %s limit that passed leaves the end unknown, and says how long',
    (limit) => {
      const tracker = trackerOf();
      const events = applyAll(tracker, opened(), { type: 'limit', at: 9, device: 1, limit, ms: 30_000 });
      expect(ends(events)).toEqual(['B unknown']);
      expect(events[0]).toMatchObject({ reason: expect.stringContaining('30 s') });
    },
  );

  test('cut off: what is open is unknown, what waited was not started, what had ended stays', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened(), progress({ sn: 'A', status: 'ok' }));
    const events = applyAll(tracker, { type: 'cut_off', at: 9, cause: 'timeout', reason: 'time is up' });
    expect(ends(events)).toEqual(['B unknown', 'C not_started']);
    expect(tracker.totals).toMatchObject({ ok: 1, unknown: 1, not_started: 1 });
    expect(tracker.open.size).toBe(0);
  });

  test('a broker lost and found is told, with what may be missing', () => {
    const tracker = trackerOf();
    const events = applyAll(
      tracker,
      { type: 'broker_lost', at: 1, reason: 'reset' },
      { type: 'broker_restored', at: 5, sessionPresent: true },
      { type: 'broker_lost', at: 6, reason: 'reset' },
      { type: 'broker_restored', at: 7, sessionPresent: false },
    );
    expect(events).toMatchObject([
      { event: 'broker_lost', reason: 'reset' },
      { event: 'broker_restored', reason: null },
      { event: 'broker_lost' },
      { event: 'broker_restored', reason: expect.stringContaining('no session') },
    ]);
    expect(tracker).toMatchObject({ lostAt: null, restoredAt: 7 });
  });

  test('a new attempt starts from nothing: what the one before said does not count for it', () => {
    const tracker = trackerOf({ retries: 1, verify: 'report' });
    applyAll(
      tracker,
      opened('b1', [0]),
      progress({ percent: 70, timestamp: 5 }, 'P0', 10),
      { type: 'version_reported', at: 11, sn: 'A', version: '2.0' },
      progress({ status: 'failed', result: 312028 }, 'P0', 12),
      { ...opened('b2', [0], 2), at: 100 },
    );
    expect(tracker.devices[0]).toMatchObject({
      phase: 'open',
      bid: 'b2',
      attempt: 2,
      percent: null,
      timestamp: null,
      result: null,
      reason: null,
      endedAt: null,
      reported: null,
      publishedAt: 100,
    });
    const events = applyAll(tracker, progress({ bid: 'b2', status: 'failed', result: 312023 }, 'P0', 200));
    expect(ends(events)).toEqual(['A failed']);
    expect(tracker.devices[0]?.endedAt).toBe(200);
  });

  test('facts of jobs and devices that do not exist change nothing', () => {
    const tracker = trackerOf();
    const before = structuredClone(tracker.devices);
    for (const fact of [
      { type: 'job_acknowledged', at: 1, bid: 'no' },
      { type: 'job_unsent', at: 1, bid: 'no', reason: 'x' },
      { type: 'limit', at: 1, device: 99, limit: 'stall', ms: 1 },
      { type: 'retry_given_up', at: 1, device: 0 },
      { type: 'version_reported', at: 1, sn: 'no', version: '2.0' },
      { type: 'resumed', at: 1 },
    ] as const) {
      expect(apply(tracker, fact).events).toEqual([]);
    }
    expect(tracker.devices).toEqual(before);
  });
});
