import { expect, test } from 'vitest';
import { knownResultCodes, resultCode } from '../../src/protocol/result-codes.js';

// PROTOCOL "Result codes".
const RETRIED = [312015, 312028, 312029, 314000, 319038, 514116, 514150, 514170, 514301, 514303];
const KNOWN = [
  312001, 312010, 312012, 312014, 312015, 312016, 312017, 312022, 312023, 312025, 312026, 312027, 312028, 312029,
  312030, 312704, 314000, 319038, 325001, 514116, 514121, 514145, 514146, 514147, 514150, 514151, 514170, 514171,
  514301, 514303,
];

test('every code of the protocol is known, and no other', () => {
  expect(knownResultCodes()).toEqual(KNOWN);
});

test('exactly the codes that are worth it are tried again', () => {
  expect(knownResultCodes().filter((code) => resultCode(code).retry)).toEqual(RETRIED);
});

test.each(KNOWN)('%d says what it means and what to do', (code) => {
  const { meaning, advice } = resultCode(code);
  expect(meaning).not.toMatch(/unknown/);
  expect(advice.length).toBeGreaterThan(5);
});

test.each([
  [399999, 'the dock or aircraft'],
  [500001, 'the dock or aircraft'],
  [412345, 'the remote controller’s app'],
  [600000, 'the remote controller’s app'],
  [1, 'not in DJI’s list'],
  [-3, 'not in DJI’s list'],
])('an unknown code %d is named after its source', (code, source) => {
  expect(resultCode(code)).toMatchObject({ meaning: expect.stringContaining(source), retry: false });
});
