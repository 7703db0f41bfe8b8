/** A named run without its journal: the messages of its docks decide what is sent. */
import { describe, expect, test } from 'vitest';
import { namedBid, namedBids } from '../../../src/app/run/named-bids.js';
import { type DockScript, fakeBroker, goodDock, type ReceivedJob } from '../../helpers/fake-broker.js';
import { coreOptions, device, settle, startPush } from '../../helpers/upgrade-run.js';

const PLANNED = [device('A', 'P0'), device('B', 'P0'), device('C', 'P0'), device('D', 'P1')];
const earlier = (pid: string, job = 0, attempt = 1): ReceivedJob => {
  const bid = namedBid('night', pid, job, attempt);
  return { pid, bid, tid: `t-${bid}`, devices: [], count: 1 };
};

async function start(docks: Record<string, DockScript> = {}, more: Partial<Parameters<typeof startPush>[0]> = {}) {
  const heard: [number, number][] = [];
  const fake = fakeBroker({ docks });
  const run = startPush({
    fake,
    planned: PLANNED,
    bidOf: (plan) => namedBids('night', plan),
    earlier: { listenFor: 10_000, onHeard: (count, of) => void heard.push([count, of]) },
    ...more,
  });
  await settle();
  return { run, fake, heard };
}

describe('an upgrade that an earlier attempt sent', () => {
  test('and that is heard is followed to its end, and not sent again; the others are sent under their own bids', async () => {
    const { run, fake, heard } = await start({ P0: goodDock });
    fake.dock.progress(earlier('P1'), 'in_progress', 40);
    await run.pass(9000);
    expect(fake.jobs()).toEqual([]);
    await run.pass(2000);
    expect(heard).toEqual([[1, 2]]);
    fake.dock.progress(earlier('P1'), 'ok', 100);
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 0, totals: { ok: 4 } });
    expect(fake.jobs().map(({ pid, bid }) => [pid, bid])).toEqual([
      ['P0', namedBid('night', 'P0', 0, 1)],
      ['P0', namedBid('night', 'P0', 1, 1)],
    ]);
    // It is recorded, so that this attempt can be resumed, too, but not shown as if it had been sent now.
    expect(run.facts).toContainEqual(
      expect.objectContaining({ type: 'job_opened', pid: 'P1', bid: namedBid('night', 'P1', 0, 1) }),
    );
    expect(run.events.filter((event) => event.event === 'job_published').map(({ pid }) => pid)).toEqual(['P0', 'P0']);
  });

  test('its end may be what is heard', async () => {
    const { run, fake } = await start({ P0: goodDock });
    fake.dock.progress(earlier('P1'), 'failed', 40, { result: 312023 });
    await run.pass(11_000);
    expect(await run.result).toMatchObject({ exit_code: 1, totals: { ok: 3, failed: 1 } });
    expect(fake.jobs('P1')).toEqual([]);
  });

  test('the second job of a gateway: the first one is not sent again, and how it ended is not known', async () => {
    const { run, fake } = await start({ P1: goodDock });
    fake.dock.progress(earlier('P0', 1), 'in_progress', 10);
    await run.pass(11_000);
    fake.dock.progress(earlier('P0', 1), 'ok', 100);
    const { devices } = await run.result;
    expect(devices.map(({ status }) => status)).toEqual(['unknown', 'unknown', 'ok', 'ok']);
    expect(fake.jobs('P0')).toEqual([]);
  });

  test('its second attempt: another one follows as the third', async () => {
    const { run, fake } = await start({ P0: goodDock, P1: goodDock }, { core: coreOptions({ retries: 2 }) });
    fake.dock.progress(earlier('P1', 0, 2), 'in_progress', 10);
    await run.pass(11_000);
    fake.dock.progress(earlier('P1', 0, 2), 'failed', 10, { result: 312028 });
    await run.pass(130_000);
    expect(await run.result).toMatchObject({ totals: { ok: 4 } });
    expect(fake.jobs('P1').map(({ bid }) => bid)).toEqual([namedBid('night', 'P1', 0, 3)]);
  });

  test('that is silent, and that the dock says is running: it is followed instead of being taken for a refusal', async () => {
    const running: DockScript = (job, dock) => {
      dock.reply(job, 312014, null);
      dock.progress(job, 'ok', 100);
    };
    const { run, heard } = await start({ P0: goodDock, P1: running });
    await run.pass(11_000);
    expect(heard).toEqual([[0, 2]]);
    expect(await run.result).toMatchObject({ exit_code: 0, totals: { ok: 4 } });
  });

  test('of another name, or retained, or in a message that is too long, is ignored', async () => {
    const { run, fake, heard } = await start({ P0: goodDock, P1: goodDock });
    fake.dock.progress({ ...earlier('P1'), bid: namedBid('day', 'P1', 0, 1) }, 'in_progress', 40);
    const { bid, tid } = earlier('P1');
    const data = { output: { status: 'in_progress' } };
    fake.say('thing/product/P1/events', { method: 'ota_progress', bid, tid, data }, true);
    fake.say('thing/product/P1/events', { method: 'ota_progress', bid, tid, data, more: 'x'.repeat(10_000) });
    await run.pass(11_000);
    expect(heard).toEqual([[0, 2]]);
    expect(await run.result).toMatchObject({ totals: { ok: 4 } });
    expect(fake.jobs('P1')).toHaveLength(1);
  });

  test('the broker lost, or an interruption, while it is listened for: nothing was sent', async () => {
    const { run, fake } = await start();
    run.abort.abort(130);
    expect(await run.result).toMatchObject({ exit_code: 130, totals: { not_started: 4 } });
    expect(fake.jobs()).toEqual([]);
    const other = await start();
    other.fake.vanish();
    expect(await other.run.result).toMatchObject({ exit_code: 4, totals: { not_started: 4 } });
  });

  test('is not asked whether its gateway is ready', async () => {
    const asked: string[][] = [];
    const { run, fake } = await start(
      { P0: goodDock },
      {
        preflight: {
          asks: true,
          handle: () => {},
          check: async (_, { gateways }) => {
            asked.push(gateways.map(({ pid }) => pid));
            return [];
          },
        },
      },
    );
    fake.dock.progress(earlier('P1'), 'in_progress', 40);
    await run.pass(11_000);
    expect(asked).toEqual([['P0']]);
    fake.dock.progress(earlier('P1'), 'ok', 100);
    await run.result;
  });
});
