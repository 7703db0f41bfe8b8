/** Progress after the first terminal event of a job (PROTOCOL "ota_progress"). */
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../../src/upgrade/events.js';
import { apply } from '../../../../src/upgrade/tracker/tracker.js';
import { applyAll, ends, opened, progress, reply, trackerOf } from '../../../helpers/facts.js';

const late = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.event === 'warning' && event.code === 'late_progress' ? [event.message] : []));
const ok = { status: 'ok', percent: 100, timestamp: 1000 };

describe('an event without a bid after the end of a job', () => {
  const last = { bid: null, status: 'failed', result: 312016, timestamp: 5000 };

  test.each([
    ['a copy of the last event', last],
    ['a copy of it without a timestamp', { ...last, timestamp: null }],
    ['an earlier event that comes late', { bid: null, percent: 90, timestamp: 4990 }],
    ['an earlier end that comes late', { ...last, timestamp: 4990 }],
  ])('%s does not belong to the next job of the gateway', (_, message) => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), progress({ ...last, timestamp: message.timestamp === null ? null : 5000 }));
    expect(applyAll(tracker, opened('b2', [1]), progress(message))).toEqual([]);
    expect(tracker.devices[1]).toMatchObject({ phase: 'open', status: null, percent: null });
    const own = applyAll(tracker, progress({ bid: null, status: 'ok', tid: 'e2', timestamp: 9000 }));
    expect(ends(own)).toEqual(['B ok']);
  });

  test('another event of the same moment belongs to the job that ended, and is told as late', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), progress(last), opened('b2', [1]));
    const events = applyAll(tracker, progress({ bid: null, percent: 90, timestamp: 5000 }));
    expect(events).toMatchObject([{ event: 'warning', code: 'late_progress' }]);
    expect(tracker.devices[1]).toMatchObject({ phase: 'open', status: null, percent: null });
  });

  test('with --match gateway, the same holds for any bid', () => {
    const tracker = trackerOf({ match: 'gateway' });
    const ended = { ...last, bid: 'another' };
    applyAll(tracker, opened('b1', [0]), progress(ended), opened('b2', [1]), progress(ended));
    expect(tracker.devices.map(({ phase }) => phase)).toEqual(['ended', 'open', 'waiting']);
  });

  test('a new attempt of the same device is not ended by a copy of the end of the one before', () => {
    const tracker = trackerOf({ retries: 1 });
    const busy = { ...last, result: 312015 };
    applyAll(tracker, opened('b1', [0]), progress(busy), opened('b2', [0], 2), progress(busy));
    expect(tracker.devices[0]).toMatchObject({ phase: 'open', attempt: 2 });
  });

  test('a clock that was set back since is no sign of a late event', () => {
    const tracker = trackerOf();
    const now = 1_800_000_000_000;
    applyAll(tracker, opened('b1', [0]), progress({ ...last, timestamp: now }), opened('b2', [1]));
    expect(ends(applyAll(tracker, progress({ bid: null, status: 'ok', timestamp: now - 86_400_000 })))).toEqual([
      'B ok',
    ]);
  });
});

describe('the end of an upgrade that was given up as unknown', () => {
  const givenUp = (device: number) => ({ type: 'limit', at: 9, device, limit: 'stall', ms: 1000 }) as const;
  const warned = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.event === 'warning' ? [`${event.code}: ${event.message}`] : []));

  test('is told once, although the dock was heard again before, and changes no outcome', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened(), givenUp(0), givenUp(1), progress({ percent: 90, timestamp: 1 }));
    const events = applyAll(tracker, progress(ok), progress(ok), progress({ ...ok, timestamp: 3000 }));
    expect(warned(events)).toEqual([
      'late_end: gateway P0 reported the end of an upgrade that is counted as unknown (A, B): ok; resume the run to have it counted',
    ]);
    expect(tracker.devices.map(({ status }) => status)).toEqual(['unknown', 'unknown', null]);
  });

  test('is told of each device that an event names', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened(), progress({ ...ok, sn: 'A' }), givenUp(1));
    const end = { status: 'failed', result: 312016, timestamp: 2000 };
    expect(warned(applyAll(tracker, progress({ ...end, sn: 'B' })))).toEqual([
      expect.stringMatching(/^late_end: .*\(B\): failed \(code 312016: /),
    ]);
    expect(warned(applyAll(tracker, progress({ ...end, sn: 'A' })))).toEqual([
      expect.stringMatching(/^late_progress: /),
    ]);
  });

  test('is told while its job goes on for the other device, and follows from the facts once it is asked for again', () => {
    const facts = [
      opened(),
      progress({ percent: 50, timestamp: 1 }),
      givenUp(1),
      progress({ status: 'failed', result: 312016, sn: 'B', timestamp: 2000 }),
    ];
    const tracker = trackerOf();
    const events = applyAll(tracker, ...facts);
    expect(warned(events)).toEqual([expect.stringMatching(/^late_end: .*\(B\): failed/)]);
    expect(tracker.devices.map(({ phase, status }) => [phase, status])).toEqual([
      ['open', 'in_progress'],
      ['ended', 'unknown'],
      ['waiting', null],
    ]);
    const again = trackerOf();
    applyAll(again, ...facts.filter(({ type }) => type !== 'limit'));
    expect(again.devices[1]).toMatchObject({ phase: 'ended', status: 'failed', result: 312016 });
  });

  test('may be a refusal, or its reply shows that the dock accepted it', () => {
    const refused = trackerOf();
    applyAll(refused, opened(), givenUp(0), givenUp(1));
    const events = applyAll(refused, reply({ result: 312016, status: null }), reply({ result: 312016, status: null }));
    expect(events).toMatchObject([{ event: 'job_replied', result: 312016 }, { code: 'late_end' }]);
    const accepted = trackerOf();
    applyAll(accepted, opened(), givenUp(0), givenUp(1));
    expect(applyAll(accepted, reply(), reply())).toMatchObject([{ event: 'job_replied', result: 0 }]);
    const other = trackerOf();
    expect(applyAll(other, opened(), progress(ok), reply())).not.toContainEqual(
      expect.objectContaining({ event: 'job_replied' }),
    );
  });
});

describe('progress after the end of a job', () => {
  test('is told once, with what it said, and changes nothing', () => {
    const tracker = trackerOf();
    const events = applyAll(
      tracker,
      opened(),
      progress(ok),
      progress({ status: 'failed', result: 312016, timestamp: 2000 }),
    );
    expect(late(events)).toEqual([
      expect.stringMatching(/^gateway P0 reported again .*\(A ok, B ok\): failed, code 312016: .*second device/),
    ]);
    expect(ends(events)).toEqual(['A ok', 'B ok']);
    expect(tracker.devices[0]).toMatchObject({ status: 'ok', result: 0 });
    for (let index = 0; index < 10_000; index++) {
      expect(late(apply(tracker, progress({ percent: index % 100, timestamp: 3000 + index })).events)).toEqual([]);
    }
  });

  test('a second end is told where it is another event, and not where the same one comes again', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened(), progress(ok));
    expect(late(applyAll(tracker, progress(ok), progress(ok)))).toEqual([]);
    expect(late(applyAll(tracker, progress({ ...ok, timestamp: 61_000 })))).toHaveLength(1);
  });

  test('what was said before the end and comes late is no word of a second device', () => {
    const tracker = trackerOf();
    expect(late(applyAll(tracker, opened(), progress(ok), progress({ percent: 40, timestamp: 900 })))).toEqual([]);
  });

  test('also after a refusal, in a job that is verified, and in watch', () => {
    const refused = trackerOf();
    expect(late(applyAll(refused, opened(), reply({ result: 312023 }), progress({ percent: 3 })))).toHaveLength(1);
    const verifying = trackerOf({ verify: 'require' });
    expect(late(applyAll(verifying, opened(), progress(ok), progress({ percent: 3, timestamp: 2000 })))).toHaveLength(
      1,
    );
    const watched = trackerOf({ adopt: 'all' });
    const said = applyAll(watched, progress({ bid: 'x', ...ok }), progress({ bid: 'x', percent: 3, timestamp: 2000 }));
    expect(late(said)).toHaveLength(1);
  });

  test('text of the dock is safe to show, and bounded', () => {
    const tracker = trackerOf();
    const evil = { status: `\u001b[2J${'x'.repeat(5000)}`, sn: '\u202e', timestamp: 2000 };
    const [message = ''] = late(applyAll(tracker, opened(), progress(ok), progress(evil)));
    expect(message).not.toMatch(/[\u001b\u202e]/);
    expect(message.length).toBeLessThan(600);
  });
});
