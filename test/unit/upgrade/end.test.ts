import { expect, test } from 'vitest';
import { emptyTotals, NO_VERSIONS } from '../../../src/upgrade/counting.js';
import { finishRun, interruption } from '../../../src/upgrade/end.js';
import type { Outcome, RunEvent } from '../../../src/upgrade/events.js';

const DEVICE = {
  pid: 'D',
  percent: null,
  result: null,
  reason: null,
  verified: null,
  ...NO_VERSIONS,
  verify: 'off' as const,
  labels: {},
};

test.each<[string, Outcome[], string]>([
  ['nothing was published', ['not_started', 'skipped'], 'Nothing was published.'],
  ['some was published', ['not_started', 'unknown'], 'The docks continue upgrades that were published.'],
  ['its devices are not known', [], 'The docks continue upgrades that were published.'],
])('an interrupted run of which %s says so', (_, statuses, hint) => {
  const events: RunEvent[] = [];
  const devices = statuses.map((status, index) => ({ ...DEVICE, sn: `S${index}`, status }));
  const error = interruption(AbortSignal.abort(130));
  const result = finishRun({ exit_code: 130, totals: emptyTotals(), devices, error }, (event) => events.push(event));
  expect(result.error?.hint).toBe(hint);
  expect(events.map(({ event }) => event)).toEqual(['error', 'run_finished']);
  expect(events[0]).toMatchObject({ code: 'interrupted', exit_code: 130, hint });
});
