import { describe, expect, test } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import type { Broker, BrokerEvents } from '../../../src/mqtt/broker.js';
import type { PushOptions } from '../../../src/upgrade/push.js';
import { fakeBroker, goodDock } from '../../helpers/fake-broker.js';
import { device, fleetOf, settle, startPush } from '../../helpers/upgrade-run.js';

/** Never resolves; rejects when the signal is aborted, as all waits do. */
function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new OtaError('interrupted', 'interrupted')), { once: true });
  });
}

describe('before anything is published', () => {
  test('the subscriptions to replies and events of every gateway are granted', async () => {
    const fake = fakeBroker({ docks: { P0: goodDock, P1: goodDock }, holdGrants: true });
    const run = startPush({ fake, planned: [...fleetOf(2), device('X', 'P0')] });
    await run.pass(600_000);
    expect(fake.jobs()).toEqual([]);
    fake.grant();
    expect(await run.result).toMatchObject({ exit_code: 0 });
    expect(fake.journal.slice(0, 6)).toEqual([
      'subscribe thing/product/P0/services_reply',
      'subscribe thing/product/P0/events',
      'subscribe thing/product/P1/services_reply',
      'subscribe thing/product/P1/events',
      'granted',
      'keep job_opened',
    ]);
  });

  test('a subscription that is denied: exit 4, nothing published, every device not started', async () => {
    const fake = fakeBroker({ denies: (topic) => topic === 'thing/product/P1/events' });
    const run = startPush({ fake, planned: fleetOf(2) });
    expect(await run.result).toMatchObject({
      exit_code: 4,
      totals: { not_started: 2 },
      error: { code: 'broker_refused' },
    });
    expect(fake.published).toEqual([]);
    expect(fake.closed).toEqual({ keepSession: false });
    expect(run.events.map(({ event }) => event)).toEqual(['run_started', 'error', 'run_finished']);
  });

  test.each([
    ['firmware_mismatch', 3],
    ['firmware_unreadable', 3],
  ] as const)('%s: exit %d, the connection is given up, nothing published', async (code, exit) => {
    const fake = fakeBroker();
    const prepare = async () => {
      throw new OtaError(code, 'wrong', { details: ['one', 'two'], hint: 'do this' });
    };
    const run = startPush({ fake, planned: fleetOf(1), prepare });
    expect(await run.result).toMatchObject({ exit_code: exit, totals: { not_started: 1 } });
    expect(run.events.at(-2)).toEqual({
      event: 'error',
      code,
      message: 'wrong',
      exit_code: exit,
      hint: 'do this',
      details: ['one', 'two'],
    });
    expect(fake.published).toEqual([]);
  });

  test('a broker that is not reached ends the reading of the firmware: exit 4', async () => {
    const connect = async () => {
      throw new OtaError('broker_unreachable', 'not reached');
    };
    const run = startPush({ planned: fleetOf(1), connect, prepare: never });
    expect(await run.result).toMatchObject({ exit_code: 4, error: { code: 'broker_unreachable' } });
  });

  test('firmware that is wrong ends the connecting, and is what is told', async () => {
    const prepare = async () => {
      throw new OtaError('firmware_mismatch', 'wrong');
    };
    const run = startPush({ planned: fleetOf(1), prepare, connect: (_events, signal) => never(signal) });
    expect(await run.result).toMatchObject({ exit_code: 3, error: { code: 'firmware_mismatch' } });
  });

  test('both wrong: the firmware error is reported', async () => {
    const fail = (code: 'firmware_mismatch' | 'broker_refused') => async () => {
      throw new OtaError(code, 'wrong');
    };
    const run = startPush({ planned: fleetOf(1), prepare: fail('firmware_mismatch'), connect: fail('broker_refused') });
    expect(await run.result).toMatchObject({ exit_code: 3 });
  });

  test('a journal that cannot be opened: nothing published, and the run says so', async () => {
    const fake = fakeBroker();
    const openLog = async () => {
      throw new OtaError('journal_unwritable', 'read-only');
    };
    const run = startPush({ fake, planned: fleetOf(1), openLog });
    expect(await run.result).toMatchObject({ exit_code: 2, error: { code: 'journal_unwritable' } });
    expect(fake.published).toEqual([]);
  });

  test('a bug is exit 70, and run_finished comes last all the same', async () => {
    const prepare = async () => {
      throw new TypeError('x is not a function');
    };
    const run = startPush({ planned: fleetOf(1), prepare });
    expect(await run.result).toMatchObject({ exit_code: 70, error: { code: 'internal' } });
    expect(run.events.at(-1)?.event).toBe('run_finished');
  });
});

describe('an interruption', () => {
  const stages: [string, Partial<Omit<PushOptions, 'clock'>>, Parameters<typeof fakeBroker>[0]][] = [
    ['while firmware is read', { prepare: never }, {}],
    ['while connecting', { connect: (_events, signal) => never(signal) }, {}],
    ['while subscriptions are awaited', {}, { holdGrants: true }],
    ['during the preflight', { preflight: { asks: true, handle() {}, check: () => new Promise(() => {}) } }, {}],
  ];
  test.each(stages)('%s: exit 130, or 143, and nothing published', async (_name, options, brokerOptions) => {
    for (const code of [130, 143] as const) {
      const fake = fakeBroker(brokerOptions);
      const run = startPush({ fake, planned: fleetOf(2), ...options });
      await settle();
      run.abort.abort(code);
      const result = await run.result;
      expect(result).toMatchObject({ exit_code: code, totals: { not_started: 2 }, error: { code: 'interrupted' } });
      expect(run.events.at(-2)).toMatchObject({ event: 'error', exit_code: code });
      expect(fake.published).toEqual([]);
    }
  });

  test('before it begins', async () => {
    const abort = new AbortController();
    abort.abort(130);
    const fake = fakeBroker();
    const run = startPush({ fake, planned: fleetOf(1), signal: abort.signal });
    expect(await run.result).toMatchObject({ exit_code: 130 });
    expect(fake.published).toEqual([]);
  });
});

describe('a broker that is lost for good', () => {
  test('while subscriptions are awaited: exit 4', async () => {
    const fake = fakeBroker({ holdGrants: true });
    const run = startPush({ fake, planned: fleetOf(1) });
    await settle();
    fake.vanish();
    expect(await run.result).toMatchObject({ exit_code: 4, error: { code: 'broker_lost' } });
  });

  test('while the journal is opened: exit 4, not a run that waits for ever', async () => {
    const fake = fakeBroker();
    const openLog = async () => {
      fake.vanish();
      return { write: async () => {}, append() {} };
    };
    const preflight = { asks: true, handle() {}, check: async () => [{ device: 0, reason: 'up to date' }] };
    const run = startPush({ fake, planned: fleetOf(2), openLog, preflight });
    const totals = { skipped: 1, not_started: 1 };
    expect(await run.result).toMatchObject({ exit_code: 4, totals, error: { code: 'broker_lost' } });
    expect(fake.published).toEqual([]);
  });

  test('a loss before the run began is told once it has, and its limits wait', async () => {
    const fake = fakeBroker();
    const preflight = {
      asks: true,
      handle() {},
      async check() {
        fake.lose('reset');
        return [];
      },
    };
    const run = startPush({ fake, planned: fleetOf(1), preflight });
    await run.pass(3_600_000);
    expect(run.ended()).toBeNull();
    expect(run.events).toContainEqual({ event: 'broker_lost', reason: 'reset' });
    fake.restore();
    fake.acknowledge();
    await run.pass(60_000);
    expect(run.ended()).toMatchObject({ exit_code: 5 });
  });
});

test('phases come in order, and the view once there is one', async () => {
  const fake = fakeBroker({ docks: { P0: goodDock } });
  const seen: string[] = [];
  let connected: BrokerEvents | null = null;
  const run = startPush({
    fake,
    planned: fleetOf(1),
    connect(events): Promise<Broker> {
      connected = events;
      return fake.connect(events);
    },
    preflight: { asks: true, handle() {}, check: async () => [] },
    onPhase: (phase) => seen.push(phase),
    onView: (view) => seen.push(`view of ${view.devices.length}`),
  });
  await run.result;
  expect(seen).toEqual(['preparing', 'preflight', 'upgrading', 'view of 1']);
  expect(connected).not.toBeNull();
});
