/**
 * A large fleet for a long time, compressed: the memory that remains afterwards must not grow. Run by `npm run test:soak`,
 * which lets this process collect its garbage on demand; otherwise it is skipped.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as macrotask } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { createJournal } from '../../src/journal/journal.js';
import { readJournal } from '../../src/journal/read.js';
import { connectBroker } from '../../src/mqtt/connect.js';
import { startSimulator } from '../../src/simulator/fleet.js';
import { docksForManifest } from '../../src/simulator/scenario/configs.js';
import type { Scenario } from '../../src/simulator/scenario/scenario.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { push } from '../../src/upgrade/push.js';
import { rebuild } from '../../src/upgrade/resume.js';
import { outcomes } from '../../src/upgrade/tracker/tracker.js';
import { header } from '../helpers/journals.js';
import { coreOptions, device } from '../helpers/upgrade-run.js';

const DOCKS = Number(process.env.SOAK_DOCKS ?? 1000);
/** How many times faster than the half hour of an upgrade. */
const SPEED = 90;
const RUNS = Number(process.env.SOAK_RUNS ?? 2);
const BROKER_RESTARTS = 3;
/** Bytes that may remain after each run: what V8 compiles and caches, but not the state of a fleet. */
const BOUND = 8 * 1024 * 1024;

const SCENARIO: Scenario = {
  name: 'soak',
  description: '',
  // 1800 s in all, and an event of each dock every 20 s, so that this tests memory and not the machine's speed.
  defaults: {
    reply_ms: 5000,
    download_seconds: 900,
    upgrade_seconds: 780,
    silence_seconds: 120,
    interval_ms: 20_000,
  },
  devices: {},
  docks: [],
};

const collect = (globalThis as { gc?: () => void }).gc;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-soak-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bytes in use after garbage collection. */
async function heap(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await macrotask();
    collect?.();
  }
  return process.memoryUsage().heapUsed;
}

/** One push of the whole fleet, with broker restarts in between. @returns what happened, in numbers */
async function run(number: number): Promise<Record<string, number>> {
  const planned = Array.from({ length: DOCKS }, (_, index) => device(`SOAK${index}`, `SOAK${index}`));
  const simulator = await startSimulator({
    port: 0,
    docks: docksForManifest(planned, SCENARIO),
    scenario: SCENARIO,
    speed: SPEED,
    telemetry: null,
  });
  const count = { events: 0, progress: 0, lost: 0, restored: 0, peak: 0 };
  const name = `soak-${number}`;
  let restarts = 0;
  let restarting: Promise<void> = Promise.resolve();
  const emit = (event: RunEvent) => {
    count.events++;
    if (event.event === 'broker_lost') count.lost++;
    if (event.event === 'broker_restored') count.restored++;
    if (event.event !== 'device_progress') return;
    count.progress++;
    if (count.progress % 5000 === 0) count.peak = Math.max(count.peak, process.memoryUsage().heapUsed);
    // At a third, two thirds and most of the way: by the reports of the docks, not by time.
    const share = ((event.percent ?? 0) + (event.step_key === 'upgrade_firmware' ? 100 : 0)) / 200;
    if (restarts < BROKER_RESTARTS && share > (restarts + 1) / (BROKER_RESTARTS + 1)) {
      restarts++;
      restarting = restarting.then(() => simulator.restart());
    }
  };
  const options = { clock: systemClock, onTrouble: (error: Error) => expect.fail(error.message) };
  const result = await push({
    devices: planned,
    prepare: async () => planned,
    connect: (events, signal) =>
      connectBroker(
        {
          url: simulator.url,
          clientId: name,
          mqttVersion: '3.1.1',
          connectTimeout: 10_000,
          reconnectTimeout: 60_000,
          sessionExpiry: 3600,
        },
        events,
        { signal },
      ),
    openLog: async (core) => {
      const journal = await createJournal(
        folder,
        header({ run: name }),
        { options: core.options, devices: planned },
        options,
      );
      close = journal.abandon;
      return journal;
    },
    core: coreOptions(),
    timeout: null,
    clock: systemClock,
    emit,
    signal: new AbortController().signal,
    newId: randomUUID,
  });
  await restarting;
  await close();
  await simulator.close();
  expect(result.totals).toMatchObject({ ok: DOCKS });
  return { ...count, restarts };
}

let close: () => Promise<void> = async () => {};

it.skipIf(!collect)(
  `${DOCKS} docks, half an hour, ${BROKER_RESTARTS} broker restarts: memory at the end as at the start`,
  async () => {
    // The first run loads and compiles what later runs use.
    await run(0);
    const before = await heap();
    for (let number = 1; number <= RUNS; number++) {
      const counts = await run(number);
      const after = await heap();
      const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
      console.log(`run ${number}: ${JSON.stringify(counts)}; heap ${mb(before)} before, ${mb(after)} after`);
      expect(counts).toMatchObject({ restarts: BROKER_RESTARTS });
      expect(counts.lost).toBe(counts.restored);
      expect(after - before).toBeLessThan(BOUND);
    }
    // The journal of such a long run has the same result.
    const { plan, facts, lost } = await readJournal(path.join(folder, 'soak-1.jsonl'));
    const core = rebuild({ devices: plan.devices as never, options: plan.options, facts }, systemClock, false);
    expect(lost).toBe(0);
    expect(outcomes(core.tracker).every(({ status }) => status === 'ok')).toBe(true);
  },
  600_000,
);
