import { describe, expect, test } from 'vitest';
import { outcomes } from '../../../../src/upgrade/tracker/tracker.js';
import { applyAll, ends, opened, progress, trackerOf } from '../../../helpers/facts.js';

/** The percentages of every device after each message. */
function percents(tracker: ReturnType<typeof trackerOf>) {
  return tracker.devices.map(({ percent }) => percent);
}

describe('matching', () => {
  test('by bid: an event of the job goes to each of its devices', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), progress({ percent: 10 }));
    expect(percents(tracker)).toEqual([10, 10, null]);
    expect(events.filter(({ event }) => event === 'device_progress')).toHaveLength(2);
  });

  test('without a bid: the one open job on its gateway, even where others are open elsewhere', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1'), opened('b2', [2], 1, 'P1'), progress({ bid: null, percent: 20 }));
    expect(percents(tracker)).toEqual([20, 20, null]);
  });

  test('without a bid and with two open jobs on the gateway: no job', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), opened('b2', [1]), progress({ bid: null, percent: 20 }));
    expect(percents(tracker)).toEqual([null, null, null]);
  });

  test('without a bid and with no open job: none', () => {
    const tracker = trackerOf();
    expect(applyAll(tracker, progress({ bid: null, status: 'ok' }))).toEqual([]);
  });

  test('with a foreign bid: no job, and one warning per gateway', () => {
    const tracker = trackerOf();
    const strange = progress({ bid: 'other', percent: 90, status: 'failed', result: 312028 });
    const events = applyAll(tracker, opened(), strange, strange);
    expect(percents(tracker)).toEqual([null, null, null]);
    expect(events).toMatchObject([{ event: 'warning', code: 'foreign_upgrade' }]);
  });

  test('with a foreign bid and match gateway: the one open job', () => {
    const tracker = trackerOf({ match: 'gateway' });
    const events = applyAll(tracker, opened(), progress({ bid: 'other', status: 'ok' }));
    expect(ends(events)).toEqual(['A ok', 'B ok']);
  });

  test('our bid on another gateway’s topic: no job', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), progress({ status: 'ok' }, 'P1'));
    expect(ends(events)).toEqual([]);
    expect(tracker.open.size).toBe(1);
  });

  test('no method: known by its bid, and by nothing else', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened(), progress({ method: null, bid: null, percent: 5 }));
    expect(percents(tracker)).toEqual([null, null, null]);
    applyAll(tracker, progress({ method: null, percent: 6 }));
    expect(percents(tracker)).toEqual([6, 6, null]);
  });

  test('a serial of the job: that device alone; a serial that is none of its: all of them', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), progress({ sn: 'B', status: 'ok' }));
    expect(ends(events)).toEqual(['B ok']);
    expect(tracker.open.size).toBe(1);
    applyAll(tracker, progress({ sn: 'C', percent: 30 }));
    expect(percents(tracker)).toEqual([30, 100, null]);
  });
});

describe('progress', () => {
  test('percent never falls back within a step, and may where the step changes', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]));
    const seen = [
      ['download_firmware', 10],
      ['download_firmware', 40],
      ['download_firmware', 30],
      [null, 20],
      ['upgrade_firmware', 5],
      ['upgrade_firmware', null],
      ['upgrade_firmware', 4],
    ] as const;
    const shown = seen.map(([step, percent]) => {
      applyAll(tracker, progress({ step, percent }));
      return tracker.devices[0]?.percent;
    });
    expect(shown).toEqual([10, 40, 40, 40, 5, 5, 5]);
  });

  test('a duplicate tells nothing, but is a sign of life', () => {
    const tracker = trackerOf();
    const same = { percent: 10, timestamp: 1000, step: 'download_firmware' };
    expect(applyAll(tracker, opened('b1', [0]), progress(same)).length).toBeGreaterThan(0);
    expect(applyAll(tracker, progress(same, 'P0', 50))).toEqual([]);
    expect(tracker.devices[0]?.heardAt).toBe(50);
  });

  test('an unknown status is shown as it is and ends nothing', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened('b1', [0]), progress({ status: 'verifying_signature', percent: 100 }));
    expect(events.at(-1)).toMatchObject({ event: 'device_progress', status: 'verifying_signature' });
    expect(tracker.open.size).toBe(1);
  });

  test('after the end nothing changes, whatever comes late', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    const before = structuredClone(outcomes(tracker));
    const late = applyAll(
      tracker,
      progress({ status: 'in_progress', percent: 3 }),
      progress({ status: 'failed', result: 312028 }),
      progress({ status: 'ok' }),
    );
    // Only reported, and once.
    expect(late).toMatchObject([{ event: 'warning', code: 'late_progress' }]);
    expect(outcomes(tracker)).toEqual(before);
  });

  test.each([
    ['ok', 0, 'ok'],
    ['ok', 312028, 'failed'],
    [null, 312028, 'failed'],
    ['failed', 0, 'failed'],
    ['rejected', 0, 'rejected'],
    ['canceled', 0, 'canceled'],
    ['timeout', 514301, 'timeout'],
    ['in_progress', 312015, null],
    [null, 0, null],
    ['new_word', 99, null],
  ] as const)('status %j with result %d ends as %j', (status, result, end) => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened('b1', [0]), progress({ status, result }));
    expect(ends(events)).toEqual(end === null ? [] : [`A ${end}`]);
  });

  test('a failure names the code and what it means, and keeps the percent that it had reached', () => {
    const tracker = trackerOf();
    const failure = { status: 'failed', result: 312028, percent: 3, step: 'upgrade_firmware' };
    const events = applyAll(
      tracker,
      opened('b1', [0]),
      progress({ percent: 64, step: 'upgrade_firmware' }),
      progress(failure),
    );
    expect(events.at(-1)).toMatchObject({
      event: 'device_finished',
      percent: 64,
      result: 312028,
      reason: expect.stringContaining('restarted'),
    });
  });
});

describe('the gateway’s own clock', () => {
  const minute = 60_000;

  test('what it sent earlier and came later does not turn the state back', () => {
    const tracker = trackerOf();
    applyAll(
      tracker,
      opened('b1', [0]),
      progress({ timestamp: 10_000, step: 'upgrade_firmware', percent: 5 }),
      progress({ timestamp: 8000, step: 'download_firmware', percent: 99 }),
    );
    expect(tracker.devices[0]).toMatchObject({ step: 'upgrade_firmware', percent: 5, timestamp: 10_000 });
  });

  test('an end that comes out of order is an end all the same', () => {
    const tracker = trackerOf();
    const events = applyAll(
      tracker,
      opened('b1', [0]),
      progress({ timestamp: 10_000 }),
      progress({ timestamp: 9000, status: 'failed', result: 312028 }),
    );
    expect(ends(events)).toEqual(['A failed']);
  });

  test('a clock that jumped back by more than minutes is taken as it is', () => {
    const tracker = trackerOf();
    applyAll(
      tracker,
      opened('b1', [0]),
      progress({ timestamp: 60 * minute, percent: 10 }),
      progress({ timestamp: 10 * minute, percent: 20 }),
      progress({ timestamp: 11 * minute, percent: 30 }),
    );
    expect(tracker.devices[0]).toMatchObject({ percent: 30, timestamp: 11 * minute });
  });

  test('what has no timestamp is never late', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), progress({ timestamp: 9000, percent: 1 }), progress({ percent: 2 }));
    expect(tracker.devices[0]).toMatchObject({ percent: 2, timestamp: 9000 });
  });
});
