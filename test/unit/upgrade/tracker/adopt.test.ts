import { expect, test } from 'vitest';
import type { ProgressMessage } from '../../../../src/protocol/messages.js';
import { apply, createTracker, outcomes } from '../../../../src/upgrade/tracker/tracker.js';

const message = (fields: Partial<ProgressMessage>): ProgressMessage => ({
  method: 'ota_progress',
  tid: 't1',
  bid: 'b1',
  sn: null,
  timestamp: null,
  needReply: false,
  result: 0,
  status: 'in_progress',
  percent: 10,
  step: 'download_firmware',
  rate: null,
  ...fields,
});

const watching = () => createTracker([], { match: 'bid', retries: 0, verify: 'off', adopt: 'all' });
const pushing = (retries: number) =>
  createTracker([{ sn: 'S', pid: 'P', product_version: '1' }], { match: 'bid', retries, verify: 'off', adopt: 'none' });
const progress = (fields: Partial<ProgressMessage>) => ({
  type: 'progress' as const,
  at: 1,
  pid: 'P',
  message: message(fields),
});

test('two serials under an unknown bid are two devices', () => {
  const tracker = watching();
  apply(tracker, progress({ sn: 'A' }));
  apply(tracker, progress({ sn: 'B' }));
  apply(tracker, progress({ sn: 'A', status: 'ok' }));
  expect(outcomes(tracker).map(({ sn, status }) => [sn, status])).toEqual([
    ['A', 'ok'],
    ['B', 'unknown'],
  ]);
});

test('serials invented without end do not become devices', () => {
  const tracker = watching();
  for (let index = 0; index < 1000; index++) apply(tracker, progress({ sn: `S${index}` }));
  expect(tracker.devices.length).toBeLessThan(10);
});

test('the last event of an upgrade without a bid, sent twice, is one upgrade', () => {
  const tracker = watching();
  apply(tracker, progress({ bid: null, tid: 'first', timestamp: 1 }));
  apply(tracker, progress({ bid: null, tid: 'last', timestamp: 2, status: 'ok' }));
  apply(tracker, progress({ bid: null, tid: 'last', timestamp: 2, status: 'ok' }));
  expect(tracker.devices).toHaveLength(1);
  apply(tracker, progress({ bid: null, tid: 'next', timestamp: 3 }));
  expect(tracker.devices).toHaveLength(2);
});

test('a new attempt that is refused as running follows the earlier one', () => {
  const tracker = pushing(1);
  const open = (bid: string, attempt: number) =>
    apply(tracker, { type: 'job_opened', at: 0, pid: 'P', bid, tid: `t-${bid}`, attempt, devices: [0] });
  open('one', 1);
  apply(tracker, progress({ bid: 'one', status: 'failed', result: 312028 }));
  open('two', 2);
  apply(tracker, {
    type: 'reply',
    at: 2,
    pid: 'P',
    message: { method: 'ota_create', tid: 't-two', bid: 'two', result: 312014, status: null },
  });
  expect(tracker.devices[0]?.phase).toBe('open');
  apply(tracker, progress({ bid: 'one', status: 'ok' }));
  expect(outcomes(tracker)[0]).toMatchObject({ status: 'ok' });
});
