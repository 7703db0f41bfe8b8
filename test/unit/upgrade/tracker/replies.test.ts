import { describe, expect, test } from 'vitest';
import { applyAll, ends, opened, progress, reply, trackerOf } from '../../../helpers/facts.js';

describe('the reply', () => {
  test('result 0 accepts the job and ends nothing, whatever its status says of success', () => {
    for (const status of ['sent', 'in_progress', 'ok', null, 'new_word']) {
      const tracker = trackerOf();
      const events = applyAll(tracker, opened(), reply({ status }));
      expect(events).toMatchObject([{ event: 'job_published' }, { event: 'job_replied', result: 0, status }]);
      expect(tracker.open.size).toBe(1);
    }
  });

  test.each([
    [312015, null, 'rejected'],
    [312015, 'in_progress', 'rejected'],
    [312015, 'ok', 'rejected'],
    [312027, 'failed', 'failed'],
    [1, 'timeout', 'timeout'],
    [0, 'rejected', 'rejected'],
    [0, 'canceled', 'canceled'],
  ])('result %d with status %j ends every device as %s', (result, status, end) => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), reply({ result, status }));
    expect(ends(events)).toEqual([`A ${end}`, `B ${end}`]);
    expect(tracker.open.size).toBe(0);
  });

  test('a refusal says the code and what it means', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened('b1', [0]), reply({ result: 312027, status: null }));
    expect(events.at(-1)).toMatchObject({ result: 312027, reason: 'no aircraft is in the dock', percent: null });
  });

  test('is known by its tid, or by its bid; without a method by its tid alone', () => {
    const accepted = (more: object) => {
      const tracker = trackerOf();
      applyAll(tracker, opened(), reply(more));
      return tracker.byBid.get('b1')?.accepted;
    };
    expect(accepted({ bid: null })).toBe(true);
    expect(accepted({ bid: 'other' })).toBe(true);
    expect(accepted({ tid: null })).toBe(true);
    expect(accepted({ method: null })).toBe(true);
    expect(accepted({ method: null, tid: null })).toBe(false);
    expect(accepted({ tid: 'other', bid: 'other' })).toBe(false);
    expect(accepted({ tid: null, bid: null })).toBe(false);
  });

  test('under another gateway’s topic it is not the dock’s word', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), reply({ result: 312015 }, 'P1'), reply({}, 'P1'));
    expect(events).toEqual([]);
    expect(tracker.byBid.get('b1')?.accepted).toBe(false);
  });

  test('twice: told once', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened(), reply(), reply());
    expect(events.filter(({ event }) => event === 'job_replied')).toHaveLength(1);
  });

  test('after progress: told, and what progress said stands', () => {
    const tracker = trackerOf();
    const events = applyAll(
      tracker,
      opened('b1', [0]),
      progress({ status: 'in_progress', percent: 30 }),
      reply({ status: 'sent' }),
    );
    expect(events.map(({ event }) => event)).toEqual(['job_published', 'device_progress', 'job_replied']);
    expect(tracker.devices[0]).toMatchObject({ status: 'in_progress', percent: 30 });
  });

  test('a refusal after progress: the dock contradicts itself, and its progress decides', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened('b1', [0]), progress({ percent: 30 }), reply({ result: 312015 }));
    expect(ends(events)).toEqual([]);
    expect(events.at(-1)).toMatchObject({ event: 'warning', code: 'contradicting_reply' });
    expect(ends(applyAll(tracker, progress({ status: 'ok' })))).toEqual(['A ok']);
  });

  test('after the end: nothing', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), progress({ status: 'ok' }));
    expect(applyAll(tracker, reply(), reply({ result: 312015 }))).toEqual([]);
    expect(tracker.totals.ok).toBe(1);
  });

  test('312014 where the request went out twice: the first one runs', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), { type: 'job_resent', at: 1, bid: 'b1' });
    const events = applyAll(tracker, reply({ result: 312014, status: null }));
    expect(events.map(({ event }) => event)).toEqual(['job_published', 'job_replied']);
    expect(tracker.byBid.get('b1')).toMatchObject({ accepted: true, ended: false });
    // A sign of life: the stall limit starts again here.
    const later = { ...reply({ result: 312014, status: null }), at: 50 };
    applyAll(tracker, later);
    expect(tracker.devices[0]?.heardAt).toBe(50);
    expect(ends(applyAll(tracker, progress({ status: 'ok' })))).toEqual(['A ok']);
  });

  test('312014 where it went out once: somebody else’s runs, ours was refused', () => {
    const tracker = trackerOf();
    const events = applyAll(tracker, opened('b1', [0]), reply({ result: 312014, status: null }));
    expect(ends(events)).toEqual(['A rejected']);
  });

  test('another code than 312014 is a refusal also where the request went out twice', () => {
    const tracker = trackerOf();
    applyAll(tracker, opened('b1', [0]), { type: 'job_resent', at: 1, bid: 'b1' });
    expect(ends(applyAll(tracker, reply({ result: 312015 })))).toEqual(['A rejected']);
  });
});

describe('new attempts', () => {
  test('312015 twice, then accepted: ok under three bids', () => {
    const tracker = trackerOf({ retries: 2 });
    const refused = (bid: string) => reply({ tid: `t-${bid}`, bid, result: 312015, status: null });
    const events = applyAll(
      tracker,
      opened('b1', [0], 1),
      refused('b1'),
      opened('b2', [0], 2),
      refused('b2'),
      opened('b3', [0], 3),
      progress({ bid: 'b3', status: 'ok' }),
    );
    expect(ends(events)).toEqual(['A ok']);
    const attempts = events.flatMap((event) => (event.event === 'job_published' ? [[event.bid, event.attempt]] : []));
    expect(attempts).toEqual([
      ['b1', 1],
      ['b2', 2],
      ['b3', 3],
    ]);
    const again = events.filter(({ event }) => event === 'device_retrying');
    expect(again).toEqual([
      { event: 'device_retrying', pid: 'P0', sn: 'A', bid: 'b1', result: 312015, attempt: 1, attempts: 3, wait_ms: 0 },
      { event: 'device_retrying', pid: 'P0', sn: 'A', bid: 'b2', result: 312015, attempt: 2, attempts: 3, wait_ms: 0 },
    ]);
    expect(events.filter(({ event }) => event === 'warning')).toEqual([]);
  });

  test('no more than allowed: the last refusal is the end', () => {
    const tracker = trackerOf({ retries: 1 });
    const events = applyAll(
      tracker,
      opened('b1', [0], 1),
      reply({ result: 312015 }),
      opened('b2', [0], 2),
      reply({ tid: 't-b2', bid: 'b2', result: 312015 }),
    );
    expect(ends(events)).toEqual(['A rejected']);
  });

  test.each([312023, 312014, 312704, 999999])('%d is not tried again', (result) => {
    const tracker = trackerOf({ retries: 5 });
    expect(ends(applyAll(tracker, opened('b1', [0]), reply({ result })))).toEqual(['A rejected']);
  });

  test('a failure without a code is not tried again', () => {
    const tracker = trackerOf({ retries: 5 });
    expect(ends(applyAll(tracker, opened('b1', [0]), progress({ status: 'failed' })))).toEqual(['A failed']);
  });

  test('a failure on the way with such a code is', () => {
    const tracker = trackerOf({ retries: 1 });
    applyAll(tracker, opened('b1', [0]), progress({ status: 'failed', result: 312028 }));
    expect(tracker.devices[0]).toMatchObject({ phase: 'retry_wait', status: 'failed' });
    expect(tracker.open.size).toBe(0);
  });

  test('that will not come: the end that it had', () => {
    const tracker = trackerOf({ retries: 1 });
    applyAll(tracker, opened('b1', [0]), progress({ status: 'failed', result: 312028 }));
    const events = applyAll(tracker, { type: 'retry_given_up', at: 9, device: 0 });
    expect(events).toMatchObject([{ event: 'device_finished', status: 'failed', result: 312028 }]);
    expect(applyAll(tracker, { type: 'retry_given_up', at: 9, device: 0 })).toEqual([]);
  });

  test('what comes under the bid of an earlier attempt is late', () => {
    const tracker = trackerOf({ retries: 1 });
    applyAll(tracker, opened('b1', [0]), reply({ result: 312015 }), opened('b2', [0], 2));
    const events = applyAll(tracker, progress({ bid: 'b1', status: 'ok' }), reply({ result: 312023 }));
    expect(events).toMatchObject([
      { event: 'warning', code: 'late_progress', message: expect.stringContaining('after the end of attempt 1') },
    ]);
    expect(tracker.devices[0]?.phase).toBe('open');
  });

  test('cut off while it waits: the end that it had', () => {
    const tracker = trackerOf({ retries: 1 });
    applyAll(tracker, opened('b1', [0]), reply({ result: 312015 }));
    const events = applyAll(tracker, { type: 'cut_off', at: 9, cause: 'timeout', reason: 'time is up' });
    expect(ends(events)[0]).toBe('A rejected');
  });
});
