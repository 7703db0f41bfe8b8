import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  COUNTED,
  countedAs,
  emptyTotals,
  hasFailed,
  isUnconfirmed,
  NO_VERSIONS,
  totalsOf,
} from '../../../src/upgrade/counting.js';
import { type DeviceOutcome, OUTCOMES, type Outcome, type Verify } from '../../../src/upgrade/events.js';
import { exitCodeOf, type RunEnd } from '../../../src/upgrade/exit-code.js';

const CALM: RunEnd = { interrupted: null, stopped: false, brokerLost: false, unready: 0, split: 0 };

function ended(status: Outcome, verified: boolean | null = null, verify: Verify = 'off'): DeviceOutcome {
  return {
    pid: 'P',
    sn: 'S',
    status,
    percent: null,
    result: null,
    reason: null,
    verified,
    ...NO_VERSIONS,
    verify,
    labels: {},
  };
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
  ['off', false, 'ok', 0],
  ['report', true, 'ok', 0],
  ['report', false, 'ok', 0],
  ['report', null, 'ok', 0],
  ['require', true, 'ok', 0],
  ['require', false, 'unverified', 1],
  ['require', null, 'unverified', 1],
] as const)('ok with --verify %s and verified %j counts as %s: exit %d', (verify, verified, counted, code) => {
  const device = ended('ok', verified, verify);
  expect(countedAs(device)).toBe(counted);
  expect(exitCodeOf([device], CALM)).toBe(code);
  expect(totalsOf([device])).toEqual({ ...emptyTotals(), [counted]: 1 });
  expect(isUnconfirmed(device)).toBe(verify === 'report' && verified !== true);
});

describe('devices that were not ready', () => {
  test('alone are exit 7', () => {
    expect(exitCodeOf([ended('not_started'), ended('not_started')], { ...CALM, unready: 2 })).toBe(7);
    expect(exitCodeOf([ended('ok'), ended('skipped'), ended('not_started')], { ...CALM, unready: 1 })).toBe(7);
  });

  test('count for nothing beside what was left open, or failed', () => {
    expect(exitCodeOf([ended('not_started'), ended('not_started')], { ...CALM, unready: 1 })).toBe(5);
    expect(exitCodeOf([ended('unknown'), ended('not_started')], { ...CALM, unready: 1 })).toBe(5);
    expect(exitCodeOf([ended('failed'), ended('not_started')], { ...CALM, unready: 1 })).toBe(1);
  });
});

const anyDevice = fc
  .tuple(
    fc.constantFrom(...OUTCOMES),
    fc.constantFrom(true, false, null),
    fc.constantFrom<Verify>('off', 'report', 'require'),
  )
  .map(([status, verified, verify]) => ended(status, verified, verify));

test('any run: 130 or 143, then 6, 4, 1, 5, 7, 0', () => {
  fc.assert(
    fc.property(
      fc.array(anyDevice),
      fc.constantFrom(null, 130 as const, 143 as const),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (devices, interrupted, stopped, brokerLost, notReady) => {
        const idle = devices.filter(({ status }) => status === 'not_started').length;
        const open = devices.filter(({ status }) => status === 'unknown').length + (notReady ? 0 : idle);
        const holds: [boolean, number][] = [
          [interrupted !== null, interrupted ?? 0],
          [stopped, 6],
          [brokerLost, 4],
          [devices.some(hasFailed), 1],
          [open > 0, 5],
          [idle > 0, 7],
          [true, 0],
        ];
        const expected = holds.find(([applies]) => applies)?.[1];
        expect(exitCodeOf(devices, { interrupted, stopped, brokerLost, unready: notReady ? idle : 0, split: 0 })).toBe(
          expected,
        );
      },
    ),
  );
});

test('the totals add up to the number of devices', () => {
  fc.assert(
    fc.property(fc.array(anyDevice), (devices) => {
      const totals = totalsOf(devices);
      expect(Object.keys(totals).sort()).toEqual([...COUNTED].sort());
      expect(Object.values(totals).reduce((sum, count) => sum + count, 0)).toBe(devices.length);
      expect(totals.ok + totals.unverified).toBe(devices.filter(({ status }) => status === 'ok').length);
    }),
  );
});
