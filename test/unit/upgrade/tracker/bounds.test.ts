import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../../src/upgrade/events.js';
import { TOLD } from '../../../../src/upgrade/tracker/bounds.js';
import { apply, outcomes, takesVersion } from '../../../../src/upgrade/tracker/tracker.js';
import { applyAll, opened, progress, reply, trackerOf } from '../../../helpers/facts.js';
import { fakeBroker, type ReceivedJob } from '../../../helpers/fake-broker.js';
import { coreOptions, device, settle, startPush } from '../../../helpers/upgrade-run.js';

const flooded = (events: readonly RunEvent[]) =>
  events.filter((event) => event.event === 'warning' && event.code === 'too_many_changes');
const told = (events: readonly RunEvent[]) => events.filter(({ event }) => event === 'device_progress');
const alternate = (index: number) => (index % 2 === 0 ? 'paused' : 'in_progress');

/** A tracker with an open job of one device. */
function one() {
  const tracker = trackerOf();
  apply(tracker, opened('b1', [2], 1, 'P1'));
  return tracker;
}

describe('a dock that alternates as fast as it can', () => {
  test('is reported at a bounded rate, with one warning; the display shows the newest state', () => {
    const tracker = one();
    const events = Array.from({ length: 100_000 }, (_, index) =>
      apply(tracker, progress({ status: alternate(index), percent: index % 100 }, 'P1', Math.floor(index / 100))),
    ).flatMap((effect) => effect.events);
    expect(told(events)).toHaveLength(TOLD.burst);
    expect(flooded(events)).toHaveLength(1);
    expect(tracker.devices[2]).toMatchObject({ status: 'in_progress', percent: 99, heardAt: 999 });
  });

  test('hour after hour: so many changes in all, then one a minute', () => {
    const tracker = one();
    const hour = 3_600_000;
    let count = 0;
    for (let at = 0; at < 4 * hour; at += 100) {
      count += told(apply(tracker, progress({ status: alternate(at / 100) }, 'P1', at)).events).length;
    }
    expect(count).toBeGreaterThanOrEqual(TOLD.most);
    expect(count).toBeLessThanOrEqual(TOLD.most + TOLD.burst + 4 * 60);
  });

  test('does not hide its own end, and a new attempt is heard anew', () => {
    const tracker = trackerOf({ retries: 1 });
    apply(tracker, opened('b1', [2], 1, 'P1'));
    for (let index = 0; index < 5000; index++) apply(tracker, progress({ status: alternate(index) }, 'P1'));
    apply(tracker, progress({ status: 'failed', result: 312028 }, 'P1'));
    expect(tracker.devices[2]).toMatchObject({ phase: 'retry_wait' });
    apply(tracker, opened('b2', [2], 2, 'P1'));
    expect(told(apply(tracker, progress({ bid: 'b2', percent: 3 }, 'P1')).events)).toHaveLength(1);
    expect(applyAll(tracker, progress({ bid: 'b2', status: 'ok' }, 'P1'))).toMatchObject([
      { event: 'device_finished' },
    ]);
  });

  test('a normal upgrade is reported completely: two devices, each percent of each step', () => {
    const tracker = trackerOf();
    apply(tracker, opened('b1', [0, 1]));
    let at = 0;
    let count = 0;
    for (const step of ['download_firmware', 'upgrade_firmware']) {
      for (let percent = 0; percent <= 100; percent++) {
        at += 2000;
        count += told(apply(tracker, progress({ step, percent }, 'P0', at)).events).length;
      }
    }
    expect(count).toBe(404);
  });

  test('by its replies: neither', () => {
    const tracker = one();
    const events = Array.from({ length: 5000 }, (_, index) =>
      apply(tracker, reply({ result: index === 0 ? 0 : 312000 + (index % 7) }, 'P1')),
    ).flatMap((effect) => effect.events);
    expect(events.length).toBeLessThanOrEqual(2 * TOLD.burst + 3);
    expect(flooded(events)).toHaveLength(1);
    expect(outcomes(tracker)[2]).toMatchObject({ status: 'unknown' });
  });

  test('by the versions that it reports: the one that decides is taken all the same', () => {
    const tracker = trackerOf({ verify: 'require' });
    apply(tracker, opened('b1', [2], 1, 'P1'));
    const report = (version: string) => {
      const fact = { type: 'version_reported' as const, at: 3, sn: 'C', version };
      const taken = takesVersion(tracker, fact);
      if (taken) apply(tracker, fact);
      return taken;
    };
    const taken = Array.from({ length: 5000 }, (_, index) => report(index % 2 ? '1.0' : '1.1')).filter(Boolean);
    expect(taken).toHaveLength(TOLD.burst);
    apply(tracker, progress({ status: 'ok' }, 'P1'));
    expect(report('2.0')).toBe(true);
    expect(outcomes(tracker)[2]).toMatchObject({ status: 'ok', verified: true });
  });
});

test('what a flood of any kind puts into the journal is bounded, and the other dock ends as it does', async () => {
  const fake = fakeBroker({ docks: { P1: (job, dock) => dock.progress(job, 'ok', 100) } });
  const run = startPush({
    fake,
    planned: [device('A', 'P0'), device('C', 'P1')],
    core: coreOptions({ verify: 'off' }),
  });
  await settle();
  const [job] = fake.jobs('P0') as [ReceivedJob];
  for (let index = 0; index < 2000; index++) {
    fake.dock.progress(job, alternate(index), index % 100);
    fake.dock.progress({ ...job, bid: `invented-${index}` }, alternate(index));
    fake.dock.reply(job, index % 5);
    fake.dock.reply({ ...job, bid: `invented-${index}`, tid: `t-${index}` }, 312015);
  }
  fake.dock.progress(job, 'failed', 10, { result: 312028 });
  const result = await run.result;
  expect(result.devices.map(({ status }) => status)).toEqual(['failed', 'ok']);
  expect(run.facts.length).toBeLessThan(TOLD.burst + 20);
});
