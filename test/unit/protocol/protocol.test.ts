import { expect, test } from 'vitest';
import { modelName } from '../../../src/protocol/models.js';
import { isTerminal, STATUSES } from '../../../src/protocol/statuses.js';
import { showUpgradeType, upgradeTypeOf } from '../../../src/protocol/upgrade-types.js';

test('the statuses of the seed, and which of them end an upgrade', () => {
  expect(Object.fromEntries(STATUSES.map((status) => [status, isTerminal(status)]))).toEqual({
    sent: false,
    in_progress: false,
    paused: false,
    ok: true,
    rejected: true,
    failed: true,
    canceled: true,
    timeout: true,
  });
  for (const strange of ['', 'OK', 'done', 'constructor']) expect(isTerminal(strange)).toBe(false);
});

test.each([
  [2, 2],
  ['2', 2],
  ['consistency', 2],
  [' Normal ', 3],
  ['3', 3],
  ['PSDK', 4],
  [4, 4],
  [1, null],
  ['', null],
  ['23', null],
  [2.5, null],
])('upgrade type %j is %j', (value, type) => {
  expect(upgradeTypeOf(value)).toBe(type);
});

test('a type is shown by name and number together', () => {
  expect([2, 3, 4].map((type) => showUpgradeType(type as 2 | 3 | 4))).toEqual([
    'consistency (2)',
    'normal (3)',
    'psdk (4)',
  ]);
});

test('a known model by its name, an unknown one by its key', () => {
  expect(modelName('3-3-0')).toBe('Dock 3');
  expect(modelName('0-91-1')).toBe('M3TD');
  expect(modelName('9-9-9')).toBe('9-9-9');
});
