/** `--wait-ready`: docks that become ready while a run waits for them, with a manual clock. */
import { describe, expect, test } from 'vitest';
import { namedBids } from '../../../src/app/run/named-bids.js';
import { createFleetFeed } from '../../../src/fleet/feed.js';
import { createInventory } from '../../../src/fleet/inventory.js';
import { topicOf } from '../../../src/protocol/topics.js';
import type { CoreOptions } from '../../../src/upgrade/core/core.js';
import type { RunEvent } from '../../../src/upgrade/events.js';
import type { Fact } from '../../../src/upgrade/facts.js';
import type { PlannedDevice } from '../../../src/upgrade/plan/plan.js';
import { createPreflight } from '../../../src/upgrade/preflight/preflight.js';
import { watchReadiness } from '../../../src/upgrade/preflight/ready-watch.js';
import { rebuild, resume } from '../../../src/upgrade/resume.js';
import { createVerification } from '../../../src/upgrade/verification.js';
import { type DockScript, type FakeBroker, fakeBroker, goodDock, refusingDock } from '../../helpers/fake-broker.js';
import { manualClock } from '../../helpers/manual-clock.js';
import { coreOptions, device, fleetOf, settle, startPush } from '../../helpers/upgrade-run.js';

const MINUTE = 60_000;
const dockOf = (index: number) => device(`P${index}`, `P${index}`, '17.07.0401');
const pairOf = (index: number) => [dockOf(index), device(`A${index}`, `P${index}`, '17.07.0401')];

/** The reports of a ready dock with its aircraft asleep inside. */
const READY = { mode_code: 0, emergency_stop_state: 0, drone_in_dock: 1 };
const BUSY = { ...READY, mode_code: 4 };

interface Setup {
  planned: PlannedDevice[];
  docks?: Record<string, DockScript>;
  core?: CoreOptions;
  waitReady?: number;
  skipCurrent?: boolean;
  allow?: string[];
  fake?: FakeBroker;
  named?: string | undefined;
}

function judgeOptions(clock: ReturnType<typeof manualClock>, { skipCurrent = false, allow = [] }: Partial<Setup>) {
  const known = new Map<string, never>();
  return { clock, skipCurrent, allow: new Set(allow), inventory: createInventory(), known, keepListening: false };
}

function start(setup: Setup) {
  const { planned, docks = {}, waitReady = 10 * MINUTE, fake = fakeBroker({ docks }) } = setup;
  const clock = manualClock();
  const feed = createFleetFeed(clock);
  const judge = judgeOptions(clock, setup);
  const { rollout, ...core } = setup.core ?? coreOptions();
  const split = setup.allow?.includes('split-pair') ? { allowSplitPair: true } : {};
  const run = startPush({
    ...{ fake, clock, planned },
    ...(setup.named ? { bidOf: (plan) => namedBids(setup.named ?? '', plan) } : {}),
    core: { ...core, ...split, rollout: { ...rollout, waitReady } },
    preflight: createPreflight(
      {
        ...judge,
        ...{ preflight: 'off', skipUnready: false, waitReady: true, signal: new AbortController().signal },
        onWarning() {},
      },
      feed,
    ),
    readiness: (plan) => watchReadiness(plan, feed, judge),
    verification: createVerification(clock, feed, false),
  });
  return { ...run, ...telling(run.fake, planned), waits: () => waitsOf(run.events), published: () => jobsOf(run.fake) };
}

function telling(fake: FakeBroker, planned: readonly PlannedDevice[]) {
  return {
    /** The dock reports, and its sleeping aircraft through it, if it has one. */
    tell(pid: string, data: object) {
      const aircraft = planned.find((one) => one.pid === pid && one.sn !== pid)?.sn ?? 'OTHER';
      const sub_device = {
        device_sn: aircraft,
        device_model_key: '0-100-1',
        device_online_status: 0,
        device_paired: 1,
      };
      fake.say(topicOf('osd', pid), { gateway: pid, data: { sub_device, ...data } });
    },
  };
}

const waitsOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.event === 'device_waiting' ? [[event.pid, event.reason]] : []));
const jobsOf = (fake: FakeBroker) => fake.jobs().map(({ pid, devices }) => [pid, ...devices.map(({ sn }) => sn)]);

/** Lets the docks report every second while time passes. */
async function passTelling(run: ReturnType<typeof start>, ms: number, docks: Record<string, object>) {
  for (let left = ms; left > 0; left -= 1000) {
    for (const [pid, data] of Object.entries(docks)) run.tell(pid, data);
    await run.pass(1000);
  }
}

test('starts each gateway when it becomes ready, at once, and tells each change of its reason once', async () => {
  const run = start({ planned: [dockOf(0), dockOf(1)], docks: { P0: goodDock, P1: goodDock } });
  await settle();
  await passTelling(run, 5000, { P0: READY, P1: BUSY });
  expect(run.published()).toEqual([['P0', 'P0']]);
  expect(run.waits()).toEqual([['P1', expect.stringContaining('mode working (4)')]]);
  await passTelling(run, 60_000, { P1: BUSY });
  expect(run.waits()).toHaveLength(1);
  run.tell('P1', { emergency_stop_state: 1 });
  expect(run.waits()[1]?.[1]).toContain('emergency stop');
  run.tell('P1', { ...READY });
  await settle();
  expect(run.published()).toEqual([
    ['P0', 'P0'],
    ['P1', 'P1'],
  ]);
  expect(await run.result).toMatchObject({ exit_code: 0, totals: { ok: 2 } });
  expect(run.waits()).toHaveLength(2);
});

test('what is not known waits like what is not ready, and time passes: exit 7', async () => {
  const run = start({ planned: [...pairOf(0), dockOf(1)], docks: { P1: goodDock }, waitReady: 2 * MINUTE });
  await settle();
  run.tell('P1', READY);
  await run.pass(11_000);
  expect(run.waits()).toEqual([['P0', expect.stringContaining('dock P0 reported nothing')]]);
  await run.pass(2 * MINUTE);
  const result = await run.result;
  expect(result).toMatchObject({ exit_code: 7, totals: { ok: 1, not_started: 2 } });
  expect(result.devices[0]?.reason).toMatch(/^not ready within 2m00s: dock P0 reported nothing/);
  expect(run.published()).toEqual([['P1', 'P1']]);
});

test('a dock that falls silent while it waits is told of', async () => {
  const run = start({ planned: [dockOf(0)] });
  await settle();
  await passTelling(run, 5000, { P0: BUSY });
  await run.pass(MINUTE);
  expect(run.waits().at(-1)?.[1]).toContain('last reported');
  run.abort.abort(130);
  expect(await run.result).toMatchObject({ exit_code: 130, totals: { not_started: 1 } });
});

describe('a pair', () => {
  const away = { ...READY, drone_in_dock: 0 };

  test('what its dock says of itself is one reason', async () => {
    const run = start({ planned: pairOf(0) });
    await settle();
    run.tell('P0', { ...BUSY, drone_in_dock: 0 });
    await run.pass(11_000);
    const [[, reason] = []] = run.waits();
    expect(reason?.split('; ').filter((part) => part.includes('mode working (4)'))).toHaveLength(1);
    expect(reason).toContain('is not in its dock');
    run.abort.abort(130);
    await run.result;
  });

  test('waits as one', async () => {
    const run = start({ planned: pairOf(0), docks: { P0: goodDock } });
    await settle();
    await passTelling(run, 30_000, { P0: away });
    expect(run.published()).toEqual([]);
    expect(run.waits()).toEqual([['P0', expect.stringContaining('not in its dock')]]);
    run.tell('P0', READY);
    await settle();
    expect(run.published()).toEqual([['P0', 'P0', 'A0']]);
    expect(await run.result).toMatchObject({ exit_code: 0 });
  });

  test.each([undefined, 'night'])(
    'with --allow split-pair starts the half that is ready, and the other one when it is (run %s)',
    async (named) => {
      const run = start({ planned: pairOf(0), docks: { P0: goodDock }, allow: ['split-pair'], named });
      await settle();
      await passTelling(run, 30_000, { P0: away });
      expect(run.published()).toEqual([['P0', 'P0']]);
      expect(run.events).toContainEqual(
        expect.objectContaining({
          event: 'warning',
          code: 'split_pair',
          message: expect.stringContaining('without A0'),
        }),
      );
      run.tell('P0', READY);
      await settle();
      expect(run.published()).toEqual([
        ['P0', 'P0'],
        ['P0', 'A0'],
      ]);
      expect(await run.result).toMatchObject({ exit_code: 0, totals: { ok: 2 } });
      const core = rebuild({ devices: pairOf(0), options: run.core().options, facts: run.facts }, run.clock, false);
      expect(core.tracker.totals.ok).toBe(2);
    },
  );
});

describe('the roll-out', () => {
  test('a waiting gateway does not count for --concurrency, and waits for it once it is ready', async () => {
    let end = () => {};
    const slow: DockScript = (job, dock) => {
      dock.reply(job);
      end = () => dock.progress(job, 'ok', 100);
    };
    const core = coreOptions({}, { concurrency: 1 });
    const run = start({ planned: [dockOf(0), dockOf(1)], docks: { P0: goodDock, P1: slow }, core });
    await settle();
    await passTelling(run, 5000, { P0: BUSY, P1: READY });
    expect(run.published()).toEqual([['P1', 'P1']]);
    run.tell('P0', READY);
    await passTelling(run, 10_000, { P0: READY });
    expect(run.published()).toHaveLength(1);
    // Not ready again before its turn.
    run.tell('P0', BUSY);
    end();
    await settle();
    expect(run.published()).toHaveLength(1);
    run.tell('P0', READY);
    await settle();
    expect(run.published()).toHaveLength(2);
    expect(await run.result).toMatchObject({ exit_code: 0 });
  });

  test('a waiting gateway holds its wave; one that passes its time is neither good nor bad', async () => {
    const core = coreOptions({}, { waves: [2, 3] });
    const planned = [dockOf(0), dockOf(1), dockOf(2)];
    const docks = { P0: goodDock, P1: goodDock, P2: goodDock };
    const run = start({ planned, docks, core, waitReady: MINUTE });
    await settle();
    await passTelling(run, 50_000, { P0: READY, P1: BUSY, P2: READY });
    expect(run.published()).toEqual([['P0', 'P0']]);
    await passTelling(run, 20_000, { P1: BUSY, P2: READY });
    expect(run.published()).toEqual([
      ['P0', 'P0'],
      ['P2', 'P2'],
    ]);
    expect(await run.result).toMatchObject({ exit_code: 7, totals: { ok: 2, not_started: 1 } });
  });

  test('a wave without any good end stops the run where another one follows: exit 6', async () => {
    const core = coreOptions({}, { waves: [1, 2] });
    const run = start({ planned: [dockOf(0), dockOf(1)], core, waitReady: MINUTE });
    await settle();
    await passTelling(run, 80_000, { P0: BUSY, P1: READY });
    expect(await run.result).toMatchObject({ exit_code: 6, totals: { not_started: 2 } });
    expect(run.events).toContainEqual({
      event: 'run_stopping',
      reason: expect.stringContaining('no device of wave 1 of 2 ended ok'),
    });
    expect(run.published()).toEqual([]);
  });

  test('the last wave without any: exit 7', async () => {
    const core = coreOptions({}, { waves: [1, 2] });
    const run = start({ planned: [dockOf(0), dockOf(1)], docks: { P0: goodDock }, core, waitReady: MINUTE });
    await settle();
    await passTelling(run, 80_000, { P0: READY, P1: BUSY });
    expect(await run.result).toMatchObject({ exit_code: 7, totals: { ok: 1, not_started: 1 } });
  });

  test('a new attempt waits as well, and keeps its bad end where time passes', async () => {
    const core = coreOptions({ retries: 1 });
    const docks = { P0: refusingDock(312015), P1: refusingDock(312015) };
    const run = start({ planned: [dockOf(0), dockOf(1)], docks, core, waitReady: MINUTE });
    await settle();
    await passTelling(run, 10_000, { P0: READY, P1: READY });
    expect(run.published()).toHaveLength(2);
    await passTelling(run, 40_000, { P0: BUSY, P1: BUSY });
    expect(run.published()).toHaveLength(2);
    run.tell('P0', READY);
    await settle();
    expect(run.published()).toHaveLength(3);
    await passTelling(run, MINUTE, { P1: BUSY });
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 1, totals: { ok: 1, rejected: 1 } });
  });

  test('runs stop and --timeout are obeyed while it waits', async () => {
    const run = start({ planned: [dockOf(0)] });
    await settle();
    await passTelling(run, 5000, { P0: BUSY });
    run.abort.abort(143);
    expect(await run.result).toMatchObject({ exit_code: 143 });
    const limited = start({ planned: [dockOf(0)] });
    await settle();
    await passTelling(limited, 5000, { P0: BUSY });
    expect(limited.core().rollout.waiting.size).toBe(1);
    const { advance, isRunOver } = await import('../../../src/upgrade/core/core.js');
    advance(limited.core(), { type: 'stop_requested', at: 1, reason: 'asked' });
    expect(isRunOver(limited.core())).toBe(true);
    limited.abort.abort(130);
  });
});

describe('reports of a dock while it waits', () => {
  test('at the version already: skipped with --skip-current', async () => {
    const run = start({ planned: [dockOf(0)], skipCurrent: true });
    await settle();
    await run.pass(11_000);
    expect(run.waits()).toHaveLength(1);
    run.tell('P0', { ...BUSY, firmware_version: '17.07.04.01' });
    await settle();
    const result = await run.result;
    expect(result).toMatchObject({ exit_code: 0, totals: { skipped: 1 } });
    const core = rebuild({ devices: [dockOf(0)], options: run.core().options, facts: run.facts }, run.clock, false);
    expect(core.tracker.totals.skipped).toBe(1);
  });

  test('newer than the target: held back as what it is', async () => {
    const run = start({ planned: [dockOf(0)], waitReady: MINUTE });
    await settle();
    await run.pass(11_000);
    await passTelling(run, MINUTE, { P0: { ...READY, firmware_version: '18.00.0001' } });
    expect(run.published()).toEqual([]);
    expect(run.waits().at(-1)?.[1]).toContain('(--allow downgrade accepts that)');
    expect(await run.result).toMatchObject({ exit_code: 7 });
  });
});

test('a broker that is lost: nothing starts on what was heard before, and time is not held against who waits', async () => {
  const run = start({ planned: [dockOf(0)], docks: { P0: goodDock }, waitReady: MINUTE });
  await settle();
  await passTelling(run, 15_000, { P0: BUSY });
  run.fake.lose();
  await run.pass(2 * MINUTE);
  expect(run.ended()).toBeNull();
  run.fake.restore();
  await run.pass(5000);
  expect(run.ended()).toBeNull();
  run.tell('P0', READY);
  await settle();
  expect(await run.result).toMatchObject({ exit_code: 0 });
});

test('a dock that changes its state all the time is told of so often and no more', async () => {
  const run = start({ planned: [dockOf(0)] });
  await settle();
  await passTelling(run, 5000, { P0: BUSY });
  for (let turn = 0; turn < 500; turn++) run.tell('P0', { ...READY, mode_code: 1 + (turn % 4) });
  expect(run.waits().length).toBeLessThanOrEqual(50);
  expect(run.facts.filter(({ type }) => type === 'gateway_waiting').length).toBeLessThanOrEqual(50);
  run.tell('P0', READY);
  await settle();
  expect(run.published()).toEqual([['P0', 'P0']]);
  run.abort.abort(130);
});

describe('taken up again', () => {
  async function resumed(facts: Fact[], options: CoreOptions, planned: PlannedDevice[], later: number) {
    const clock = manualClock();
    clock.advance(later);
    const feed = createFleetFeed(clock);
    const wall = clock.wall() - clock.now();
    const earlier = { devices: planned, options, facts: facts.map((fact) => ({ ...fact, at: fact.at + wall })) };
    const core = rebuild(earlier, clock, false);
    const fake = fakeBroker({ docks: { P0: goodDock } });
    const events: RunEvent[] = [];
    const ended = resume({
      core,
      connect: (to) => fake.connect(to),
      log: { async write() {}, append() {} },
      republishUncertain: false,
      readiness: { feed, watch: watchReadiness(core.plan, feed, judgeOptions(clock, {})), onWarning() {} },
      verification: createVerification(clock, feed, false),
      clock,
      emit: (event) => void events.push(event),
      signal: new AbortController().signal,
      newId: () => 'again',
    });
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 1000) {
        await settle();
        clock.advance(1000);
      }
      await settle();
    };
    return { ended, fake, events, pass, ...telling(fake, planned) };
  }

  async function killed(after: number) {
    const planned = [dockOf(0)];
    const run = start({ planned });
    await settle();
    await passTelling(run, after, { P0: BUSY });
    const facts = [...run.facts];
    const { options } = run.core();
    run.abort.abort(130);
    return { facts, options, planned };
  }

  test('it waits for what is left of the time, and no longer', async () => {
    const { facts, options, planned } = await killed(60_000);
    expect(facts.map(({ type }) => type)).toEqual(['gateway_waiting']);
    const again = await resumed(facts, options, planned, 5 * MINUTE);
    await again.pass(11_000);
    expect(waitsOf(again.events)).toEqual([['P0', expect.stringContaining('reported nothing')]]);
    await again.pass(5 * MINUTE);
    expect(await again.ended).toMatchObject({ exit_code: 7, totals: { not_started: 1 } });
  });

  test('it starts what has become ready, also where the time has passed meanwhile', async () => {
    const { facts, options, planned } = await killed(60_000);
    const again = await resumed(facts, options, planned, 30 * MINUTE);
    await settle();
    again.tell('P0', READY);
    await again.pass(4000);
    expect(await again.ended).toMatchObject({ exit_code: 0, totals: { ok: 1 } });
    expect(jobsOf(again.fake)).toEqual([['P0', 'P0']]);
  });

  test('it gives up what is not ready then, once it has been heard out', async () => {
    const { facts, options, planned } = await killed(60_000);
    const again = await resumed(facts, options, planned, 30 * MINUTE);
    await again.pass(12_000);
    expect(await again.ended).toMatchObject({ exit_code: 7 });
  });
});

test('without --wait-ready nothing waits', async () => {
  const run = startPush({ planned: fleetOf(2), fake: fakeBroker({ docks: { P0: goodDock, P1: goodDock } }) });
  expect(await run.result).toMatchObject({ exit_code: 0 });
});
