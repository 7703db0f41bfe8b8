/** The time of a device includes all of its attempts, and is the same on every surface. */
import { expect, test } from 'vitest';
import type { Clock } from '../../../src/clock.js';
import { createCollector } from '../../../src/render/report/gather.js';
import { durationOf } from '../../../src/render/report/stats.js';
import type { RunView } from '../../../src/upgrade/tracker/state.js';
import { type DockScript, fakeBroker, goodDock, refusingDock } from '../../helpers/fake-broker.js';
import { manualClock } from '../../helpers/manual-clock.js';
import { coreOptions, fleetOf, startPush } from '../../helpers/upgrade-run.js';

const silent: DockScript = (job, dock) => dock.reply(job);

test('with retries, an end that was never heard, a version that was awaited: table and report agree', async () => {
  const fake = fakeBroker({
    docks: { P0: goodDock, P1: refusingDock(312015, 312015), P2: silent, P3: refusingDock(312015, 312015, 312015) },
  });
  let view: RunView | null = null;
  const collector = createCollector({ run: 'r', version: '0', simulated: false, verify: 'require' });
  let clock: Clock | null = null;
  const run = startPush({
    fake,
    planned: fleetOf(4),
    core: coreOptions({ retries: 2, verify: 'require' }),
    emit: (event) => collector.take(event, clock?.wall() ?? manualClock().wall()),
    onView: (of) => {
      view = of;
      collector.view(of);
    },
  });
  clock = run.clock;
  await run.pass(2 * 3_600_000);
  expect(run.ended()).not.toBeNull();
  const times = (view as RunView | null)?.devices.map(({ startedAt, endedAt }) => (endedAt ?? 0) - (startedAt ?? 0));
  expect(times).toEqual(collector.report().devices.map((device) => durationOf(device)));
  // The second one waited 30 and 60 seconds between its attempts, then 10 minutes for its version.
  expect(times).toEqual([600_000, 690_000, 1_800_000, 90_000]);
});
