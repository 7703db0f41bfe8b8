import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DeviceOutcome, OUTCOMES, type Outcome } from '../../src/upgrade/events.js';
import { exitCodeOf, type RunEnd } from '../../src/upgrade/exit-code.js';

const CALM: RunEnd = { interrupted: null, stopped: false, brokerLost: false, verify: 'off' };

function ended(status: Outcome, verified: boolean | null = null): DeviceOutcome {
  return { pid: 'P', sn: 'S', status, percent: null, result: null, reason: null, verified };
}

test.each([
  ['ok', 0],
  ['skipped', 0],
  ['failed', 1],
  ['rejected', 1],
  ['canceled', 1],
  ['timeout', 1],
  ['unknown', 5],
  ['not_started', 5],
] satisfies [Outcome, number][])('one device that ended %s is exit %d', (status, code) => {
  expect(exitCodeOf([ended('ok'), ended(status)], CALM)).toBe(code);
});

test.each([
  ['off', false, 0],
  ['report', false, 0],
  ['report', null, 0],
  ['require', true, 0],
  ['require', false, 1],
  ['require', null, 1],
] as const)('ok with --verify %s and verified %j is exit %d', (verify, verified, code) => {
  expect(exitCodeOf([ended('ok', verified)], { ...CALM, verify })).toBe(code);
});

test('any run: 130 or 143, then 6, 4, 1, 5, 0', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...OUTCOMES)),
      fc.constantFrom(null, 130 as const, 143 as const),
      fc.boolean(),
      fc.boolean(),
      (statuses, interrupted, stopped, brokerLost) => {
        const holds: [boolean, number][] = [
          [interrupted !== null, interrupted ?? 0],
          [stopped, 6],
          [brokerLost, 4],
          [statuses.some((status) => ['failed', 'rejected', 'canceled', 'timeout'].includes(status)), 1],
          [statuses.some((status) => status === 'unknown' || status === 'not_started'), 5],
          [true, 0],
        ];
        const devices = statuses.map((status) => ended(status));
        const expected = holds.find(([applies]) => applies)?.[1];
        expect(exitCodeOf(devices, { interrupted, stopped, brokerLost, verify: 'off' })).toBe(expected);
      },
    ),
  );
});
