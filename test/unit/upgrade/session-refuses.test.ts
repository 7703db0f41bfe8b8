import { expect, test } from 'vitest';
import { createCore } from '../../../src/upgrade/core/core.js';
import type { RunEvent } from '../../../src/upgrade/events.js';
import { makePlan } from '../../../src/upgrade/plan/plan.js';
import { openSession } from '../../../src/upgrade/session.js';
import { fakeBroker, goodDock } from '../../helpers/fake-broker.js';
import { manualClock } from '../../helpers/manual-clock.js';
import { coreOptions, fleetOf } from '../../helpers/upgrade-run.js';

/** A run over `gateways`, in which the device with the index `bad` must not be published. */
async function runWithout(bad: number, gateways: number, rollout: Parameters<typeof coreOptions>[1]) {
  const docks = Object.fromEntries(fleetOf(gateways).map(({ pid }) => [pid, goodDock]));
  const fake = fakeBroker({ docks });
  const events: RunEvent[] = [];
  let id = 0;
  const run = openSession({
    core: createCore(makePlan(fleetOf(gateways)), coreOptions({}, rollout)),
    clock: manualClock(),
    emit: (event) => void events.push(event),
    log: null,
    signal: new AbortController().signal,
    newId: () => `id-${++id}`,
    refuses: (devices) => (devices.includes(bad) ? 'its link has expired' : null),
  });
  await fake.connect(run.events);
  return { result: await run.toEnd(fake.broker), pids: fake.jobs().map(({ pid }) => pid), events };
}

test('a job that must not be published is not started, says why, and the others go on in its place', async () => {
  const { result, pids } = await runWithout(1, 4, { concurrency: 1 });
  expect(pids).toEqual(['P0', 'P2', 'P3']);
  expect(result).toMatchObject({ exit_code: 5, totals: { ok: 3, not_started: 1 } });
  expect(result.devices[1]).toMatchObject({ status: 'not_started', reason: 'its link has expired' });
});

test('it counts as a failure: a wave with one does not end well', async () => {
  const { result, pids } = await runWithout(0, 3, { waves: [1, 3] });
  expect(pids).toEqual([]);
  expect(result).toMatchObject({ exit_code: 6, totals: { not_started: 3 } });
});

test('all that is left must not be published: the run is over', async () => {
  const { result, pids } = await runWithout(0, 1, {});
  expect(pids).toEqual([]);
  expect(result).toMatchObject({ exit_code: 5, totals: { not_started: 1 } });
});
