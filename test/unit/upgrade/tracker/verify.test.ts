import { describe, expect, test } from 'vitest';
import type { Fact } from '../../../../src/upgrade/facts.js';
import { takesState, takesVersion } from '../../../../src/upgrade/tracker/tracker.js';
import { applyAll, ends, opened, progress, trackerOf } from '../../../helpers/facts.js';

function reported(version: string, at: number, sn = 'A'): Extract<Fact, { type: 'version_reported' }> {
  return { type: 'version_reported', at, sn, version };
}
function limit(kind: 'reply' | 'stall' | 'verify'): Fact {
  return { type: 'limit', at: 1000, device: 0, limit: kind, ms: 600_000 };
}

describe('verify', () => {
  test('off: ok is the end, unverified', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    expect(events.at(-1)).toMatchObject({ event: 'device_finished', status: 'ok', verified: null });
  });

  test.each(['report', 'require'] as const)('%s: ok waits for the version, and the target verifies it', (verify) => {
    const tracker = trackerOf({ verify });
    const events = applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    // Emitted, because facts without an event are not stored for a resume.
    expect(events.at(-1)).toMatchObject({ event: 'device_progress', status: 'ok', percent: 100 });
    expect(tracker.devices[0]?.phase).toBe('verifying');
    // Its gateway is free already, so another message about the job is late.
    expect(tracker.open.size).toBe(0);
    expect(applyAll(tracker, reported('1.0', 5))).toEqual([]);
    expect(applyAll(tracker, reported('2.0', 6))).toMatchObject([{ status: 'ok', verified: true, reason: null }]);
  });

  test('both spellings of the target verify it', () => {
    const tracker = trackerOf({ verify: 'report' });
    Object.assign(tracker.devices[0] ?? {}, { target: '17.02.05.01' });
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    expect(applyAll(tracker, reported('17.02.0501', 5))).toMatchObject([{ verified: true }]);
  });

  test('another version at the limit: false, and the version is named', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }), reported('1.0', 5));
    expect(applyAll(tracker, limit('verify'))).toMatchObject([
      { status: 'ok', verified: false, reason: expect.stringContaining('1.0') },
    ]);
  });

  test('nothing reported at the limit: null', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    expect(applyAll(tracker, limit('verify'))).toMatchObject([
      { status: 'ok', verified: null, reason: expect.stringContaining('600 s') },
    ]);
  });

  test('an old version that was reported before the end says nothing about after it', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), reported('1.0', 1), progress({ status: 'ok' }));
    expect(applyAll(tracker, limit('verify'))).toMatchObject([{ verified: null }]);
  });

  test('the target that was reported before the end verifies at once', () => {
    const tracker = trackerOf({ verify: 'require' });
    const events = applyAll(tracker, opened('b1', [0]), reported('2.0', 1), progress({ status: 'ok' }));
    expect(events.at(-1)).toMatchObject({ status: 'ok', verified: true });
  });

  test('dock and aircraft each by their own report', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0, 1]), progress({ status: 'ok' }));
    expect(ends(applyAll(tracker, reported('2.0', 5, 'B')))).toEqual(['B ok']);
    expect(tracker.devices[0]?.phase).toBe('verifying');
  });

  test('cut off while the version is awaited: ok, unverified', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    const events = applyAll(tracker, { type: 'cut_off', at: 9, cause: 'interrupted', reason: 'interrupted' });
    expect(events[0]).toMatchObject({ sn: 'A', status: 'ok', verified: null, reason: 'interrupted' });
  });
});

describe('a missed end', () => {
  test.each(['reply', 'stall'] as const)('the target version is evidence enough for ok at the %s limit', (kind) => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), reported('2.0', 500));
    expect(applyAll(tracker, limit(kind))).toMatchObject([
      { status: 'ok', percent: 100, verified: true, reason: expect.stringContaining('missed') },
    ]);
  });

  test('another version is none', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), reported('2.0', 400), reported('1.0', 500));
    expect(ends(applyAll(tracker, limit('stall')))).toEqual(['A unknown']);
  });

  test('what was reported before the request was published is none', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, reported('2.0', 1));
    expect(tracker.devices[0]?.reported).toBeNull();
    applyAll(tracker, opened('b1', [0]));
    expect(ends(applyAll(tracker, limit('stall')))).toEqual(['A unknown']);
  });

  test('it counts from the first report of that version, however often it is told', () => {
    const tracker = trackerOf({ verify: 'report' });
    applyAll(tracker, opened('b1', [0]), reported('1.0', 10), reported('2.0', 100), reported('2.0', 102));
    expect(tracker.devices[0]).toMatchObject({ reportedOther: true, reported: '2.0', reportedAt: 100 });
  });
});

test('only a version that changes anything is new', () => {
  const tracker = trackerOf({ verify: 'report' });
  const news = (version: string) => {
    const fact = reported(version, 1);
    const isNew = takesVersion(tracker, fact);
    applyAll(tracker, fact);
    return isNew;
  };
  // While waiting, its current version matters, and whether it ever had another one than the target.
  expect([news('2.0'), news('1.0'), news('1.0'), news('2.0')]).toEqual([true, true, false, false]);
  applyAll(tracker, opened('b1', [0]));
  expect([news('1.0'), news('1.0'), news('2.0'), news('2.0'), news('1.0')]).toEqual([true, false, true, false, true]);
  // After ok, the same versions count again.
  applyAll(tracker, progress({ status: 'ok' }));
  expect([news('1.0'), news('1.0'), news('2.0'), news('2.0')]).toEqual([true, false, true, false]);
  expect(takesVersion(tracker, reported('1.0', 1, 'nobody'))).toBe(false);
});

describe('what proves an upgrade of another type', () => {
  const of = (type: 2 | 4, more = {}) => {
    const tracker = trackerOf({ verify: 'require', ...more });
    Object.assign(tracker.devices[0] ?? {}, { type });
    return tracker;
  };
  const told = (value: string, at: number): Extract<Fact, { type: 'state_reported' }> => {
    const key = /^[01]$/.test(value) ? 'compatible_status' : 'psdk_version';
    return { type: 'state_reported', at, sn: 'A', key, value };
  };

  test('a consistency upgrade: compatible_status 0, and never the version', () => {
    const tracker = of(2);
    const events = applyAll(tracker, told('1', 0), opened('b1', [0]), reported('2.0', 1), progress({ status: 'ok' }));
    expect(ends(events)).toEqual([]);
    expect(applyAll(tracker, reported('2.0', 3), told('1', 4))).toEqual([]);
    expect(applyAll(tracker, told('0', 5))).toMatchObject([{ status: 'ok', verified: true, version_after: '2.0' }]);
  });

  test('at the limit it still needs one, or nothing was told of it', () => {
    const needs = of(2);
    applyAll(needs, opened('b1', [0]), progress({ status: 'ok' }), told('1', 3));
    expect(applyAll(needs, limit('verify'))).toMatchObject([
      { verified: false, reason: expect.stringContaining('still needs a consistency upgrade') },
    ]);
    const silent = of(2);
    applyAll(silent, opened('b1', [0]), progress({ status: 'ok' }), reported('2.0', 3));
    expect(applyAll(silent, limit('verify'))).toMatchObject([
      { verified: null, reason: expect.stringMatching(/^not checked: .*no compatible_status/) },
    ]);
  });

  test('a PSDK upgrade: the release of the payload, or it is said to be not checked', () => {
    const payload = of(4);
    applyAll(payload, opened('b1', [0]), progress({ status: 'ok' }));
    expect(applyAll(payload, told('1.9', 3), reported('2.0', 4))).toEqual([]);
    expect(applyAll(payload, told('2.0, 2.0', 5))).toMatchObject([{ verified: true }]);
    const silent = of(4);
    applyAll(silent, opened('b1', [0]), progress({ status: 'ok' }));
    expect(applyAll(silent, limit('verify'))).toMatchObject([
      { verified: null, reason: expect.stringMatching(/^not checked: .*no psdk_version/) },
    ]);
  });

  test('a missed end is made good by it, where it said otherwise before', () => {
    const tracker = of(2, { verify: 'off' });
    applyAll(tracker, told('1', 0), opened('b1', [0]), progress({}), told('0', 5));
    expect(applyAll(tracker, limit('stall'))).toMatchObject([
      { status: 'ok', verified: true, reason: expect.stringContaining('compatible_status') },
    ]);
  });

  test('is taken once where it comes every few seconds, and not from a device of another type', () => {
    const tracker = of(2);
    expect(takesState(tracker, told('0', 0))).toBe(false);
    expect(takesState(tracker, told('1', 0))).toBe(true);
    applyAll(tracker, told('1', 0));
    expect(takesState(tracker, told('1', 0))).toBe(false);
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }), reported('2.0', 1));
    expect(takesVersion(tracker, reported('2.0', 2))).toBe(false);
    expect(takesState(tracker, told('0', 3))).toBe(true);
    expect(takesState(tracker, told('2.0.1', 3))).toBe(false);
    expect(takesState(trackerOf(), told('0', 3))).toBe(false);
  });
});
