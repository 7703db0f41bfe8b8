/** Plans, options and a driver for tests of runs with a manual clock. */
import { setImmediate as macrotask } from 'node:timers/promises';
import type { BrokerEvents } from '../../src/mqtt/broker.js';
import type { CoreOptions, RunCore } from '../../src/upgrade/core/core.js';
import type { RunResult } from '../../src/upgrade/end.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import type { Fact } from '../../src/upgrade/facts.js';
import type { PlannedDevice } from '../../src/upgrade/plan/plan.js';
import type { FactLog } from '../../src/upgrade/publisher.js';
import { type PushOptions, push } from '../../src/upgrade/push.js';
import { type FakeBroker, fakeBroker } from './fake-broker.js';
import { manualClock } from './manual-clock.js';

export const REPLY = 30_000;
export const STALL = 30 * 60_000;
export const VERIFY = 10 * 60_000;

export function device(sn: string, pid: string, version = '2.0'): PlannedDevice {
  return { sn, pid, product_version: version, firmware_upgrade_type: 3, file: null };
}

/** `count` gateways `P0`, `P1`, ... with one dock each. */
export function fleetOf(count: number): PlannedDevice[] {
  return Array.from({ length: count }, (_, index) => device(`S${index}`, `P${index}`));
}

export function coreOptions(
  tracker: Partial<CoreOptions['tracker']> = {},
  rollout: Partial<CoreOptions['rollout']> = {},
): CoreOptions {
  return {
    tracker: { match: 'bid', retries: 0, verify: 'off', adopt: 'none', ...tracker },
    rollout: { concurrency: null, waves: [], wavePause: 0, maxFailures: null, retryWait: 30_000, ...rollout },
    limits: { reply: REPLY, stall: STALL, verify: VERIFY },
  };
}

/** Lets everything happen that needs no time to pass. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await macrotask();
}

export interface MemoryLog extends FactLog {
  facts: Fact[];
}

export interface TestRun {
  clock: ReturnType<typeof manualClock>;
  fake: FakeBroker;
  events: RunEvent[];
  abort: AbortController;
  /** The core of the run, once there is one. */
  core(): RunCore;
  /** All facts that were stored, in order. */
  facts: Fact[];
  result: Promise<RunResult>;
  /** Null while the run goes on. */
  ended(): RunResult | null;
  /** Advances the clock in steps of a second, and lets everything happen after each one. */
  pass(ms: number): Promise<void>;
  finished(sn: string): Extract<RunEvent, { event: 'device_finished' }> | undefined;
}

export interface TestRunOptions extends Partial<Omit<PushOptions, 'clock'>> {
  fake?: FakeBroker;
  clock?: ReturnType<typeof manualClock>;
  planned: PlannedDevice[];
  log?: (facts: Fact[], fake: FakeBroker) => FactLog;
}

export function startPush({
  fake = fakeBroker(),
  clock = manualClock(),
  planned,
  log,
  ...more
}: TestRunOptions): TestRun {
  const events: RunEvent[] = [];
  const facts: Fact[] = [];
  const abort = new AbortController();
  let core: RunCore | null = null;
  let ended: RunResult | null = null;
  let id = 0;
  const kept: FactLog = log?.(facts, fake) ?? {
    async write(written) {
      facts.push(...written);
      for (const fact of written) fake.journal.push(`keep ${fact.type}`);
    },
    append: (fact) => void facts.push(fact),
  };
  const result = push({
    devices: planned,
    prepare: async () => planned,
    connect: (brokerEvents: BrokerEvents) => fake.connect(brokerEvents),
    async openLog(opened) {
      core = opened;
      return kept;
    },
    core: coreOptions(),
    timeout: null,
    clock,
    emit: (event) => void events.push(event),
    signal: abort.signal,
    newId: () => `id-${++id}`,
    ...more,
  });
  result.then((value) => {
    ended = value;
  });
  return {
    clock,
    fake,
    events,
    abort,
    facts,
    result,
    core() {
      if (!core) throw new Error('the run has not begun');
      return core;
    },
    ended: () => ended,
    async pass(ms) {
      await settle();
      for (let left = ms; left > 0; left -= 1000) {
        clock.advance(Math.min(1000, left));
        await settle();
      }
    },
    finished: (sn) =>
      events.find(
        (event): event is Extract<RunEvent, { event: 'device_finished' }> =>
          event.event === 'device_finished' && event.sn === sn,
      ),
  };
}
