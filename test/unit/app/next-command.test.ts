import { describe, expect, test } from 'vitest';
import { nextCommand } from '../../../src/app/run/run-state.js';
import { notStarted } from '../../../src/upgrade/counting.js';
import type { DeviceOutcome } from '../../../src/upgrade/events.js';
import { apply, outcomes } from '../../../src/upgrade/tracker/tracker.js';
import { opened, reply, trackerOf } from '../../helpers/facts.js';

const ended = (status: DeviceOutcome['status']): DeviceOutcome => ({
  ...notStarted({ pid: 'P0', sn: 'A' }, ''),
  status,
});

describe('the command that goes on from a run', () => {
  test.each([
    ['resume', 'unknown', true],
    ['resume', 'unknown', false],
    ['resume', 'not_started', false],
    ['retry', 'not_started', true],
    ['retry', 'failed', true],
    // `retry` refuses a run that has not ended, for example one that was interrupted while a device waited for a new attempt.
    ['resume', 'rejected', false],
    [null, 'ok', true],
    [null, 'ok', false],
  ] as const)('%s, where a device is %s and the run is complete: %s', (command, status, complete) => {
    const next = nextCommand({ run: 'r', simulated: false, complete, devices: [ended('ok'), ended(status)] });
    expect(next).toBe(command === null ? null : `dji-ota ${command} r`);
  });

  test('a rehearsal is not resumed', () => {
    expect(nextCommand({ run: 'r', simulated: true, complete: false, devices: [ended('unknown')] })).toBeNull();
  });
});

test('a device that waits for a new attempt has ended as its last attempt did, until that is sent', () => {
  const tracker = trackerOf({ retries: 1 });
  apply(tracker, opened('b1', [0]));
  apply(tracker, reply({ result: 312015, status: null }));
  expect(outcomes(tracker)[0]).toMatchObject({ status: 'rejected', result: 312015, reason: 'the dock is busy' });
  apply(tracker, opened('b2', [0], 2));
  expect(outcomes(tracker)[0]).toMatchObject({ status: 'unknown', reason: null });
});
