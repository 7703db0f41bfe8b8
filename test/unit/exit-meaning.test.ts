/** The text for an exit code says no more than what is known of the run's end. */
import { expect, test } from 'vitest';
import { exitMeaning, type RunEnd } from '../../src/render/exit-meaning.js';
import { emptyTotals } from '../../src/upgrade/counting.js';
import type { Totals } from '../../src/upgrade/events.js';

const said = (exit_code: number, totals: Partial<Totals> | null, more: Partial<RunEnd> = {}) =>
  exitMeaning({
    ...{ exit_code, simulated: false, error: false },
    totals: totals && { ...emptyTotals(), ...totals },
    ...more,
  });

test('a run that was stopped says whether anything was left to be started', () => {
  expect(said(6, { failed: 3 })).toBe('the run was stopped; all its devices had been started');
  expect(said(6, { ok: 2, not_started: 1 })).toBe('the run was stopped; 1 device was not started');
  expect(said(6, { failed: 2, not_started: 12 })).toBe('the run was stopped; 12 devices were not started');
});

test('of several runs, whose devices may count in a newer one, only what the code says', () => {
  expect(said(6, null)).toBe('a run was stopped');
  expect(said(1, null)).toBe('at least one device did not end well');
  expect(said(130, null)).toBe('interrupted (SIGINT): the docks continue their upgrades');
});

test('a failure is one of a device, or of a pair', () => {
  expect(said(1, { ok: 1, unverified: 1 })).toBe('at least one device did not end well');
  expect(said(1, { ok: 2 })).toBe('a dock and its aircraft ended on different releases');
});

test('what is open is counted', () => {
  expect(said(5, { unknown: 1 })).toBe('the outcome of 1 device is not known');
  expect(said(5, { unknown: 2, not_started: 3 })).toBe(
    'the outcome of 2 devices is not known, and 3 devices were not started',
  );
  expect(said(7, { not_started: 2 })).toBe('2 devices were not started: not ready');
  expect(said(7, { not_started: 2 }, { error: true })).toBe('refused before anything was published');
});

test('docks go on where they were left at work, and nowhere else', () => {
  expect(said(143, { unknown: 1 })).toBe('interrupted (SIGTERM): the docks continue their upgrades');
  expect(said(130, { ok: 1, not_started: 1 })).toBe('interrupted (SIGINT)');
  expect(said(130, { unknown: 1 }, { simulated: true })).toBe('interrupted');
});
