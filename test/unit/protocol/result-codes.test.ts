import { expect, test } from 'vitest';
import { knownResultCodes, resultCode } from '../../../src/protocol/result-codes.js';

// PROTOCOL "Result codes".
const to = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const RETRIED = [
  ...[...to(312002, 312004), 312013, 312015, ...to(312018, 312021), 312024, 312028, 312029, 314000, 319001],
  ...[...to(319015, 319019), 319025, 319028, 319029, ...to(325005, 325012), 514116, 514120, 514138, 514148],
  ...[514150, 514170, 514301, 514303],
];
const KNOWN = [
  ...[...to(312001, 312004), 312010, ...to(312012, 312030), 312704, 314000, 316034, 319001, 319002, 319005, 319008],
  ...[319010, ...to(319015, 319019), 319025, ...to(319027, 319029), ...to(319036, 319038), 319999, 325001],
  ...[...to(325003, 325012), 326004, 326010, ...to(514100, 514102), ...to(514104, 514110), 514113, 514114],
  ...[
    ...to(514116, 514118),
    ...to(514120, 514124),
    514136,
    514138,
    ...to(514141, 514151),
    514153,
    ...to(514155, 514157),
  ],
  ...[...to(514162, 514165), 514168, ...to(514170, 514172), ...to(514300, 514304)],
];
const RUNNING = [312014, 319038, 514147, 514151];
const DEMO = [...to(312001, 312004), 312010, 312012, 312013, ...to(312017, 312021), ...to(312024, 312026)];

test('every code of the protocol is known, and no other', () => {
  expect(knownResultCodes()).toEqual(KNOWN);
});

test('exactly the retryable codes are tried again', () => {
  expect(knownResultCodes().filter((code) => resultCode(code).retry)).toEqual(RETRIED);
});

test('exactly those that say so mean that an upgrade is running, and none of them is sent again', () => {
  expect(knownResultCodes().filter((code) => resultCode(code).running)).toEqual(RUNNING);
  expect(RUNNING.filter((code) => resultCode(code).retry)).toEqual([]);
});

test('what only the demo knows is marked', () => {
  expect(knownResultCodes().filter((code) => resultCode(code).source === 'demo')).toEqual(DEMO);
});

test('a code of the health management is named by its own number', () => {
  expect(resultCode(328_000 + 0x1a2)).toMatchObject({ meaning: expect.stringContaining('0x01a2'), retry: false });
});

test.each(KNOWN)('%d says what it means and what to do', (code) => {
  const { meaning, advice } = resultCode(code);
  expect(meaning).not.toMatch(/unknown/);
  expect(advice.length).toBeGreaterThan(5);
});

test.each([
  [399999, 'the dock or aircraft'],
  [500001, 'the dock or aircraft'],
  [412345, "the remote controller's app"],
  [600000, "the remote controller's app"],
  [1, "not in DJI's list"],
  [-3, "not in DJI's list"],
])('an unknown code %d is named after its source', (code, source) => {
  expect(resultCode(code)).toMatchObject({ meaning: expect.stringContaining(source), retry: false });
});
