/** The library as a program uses it: events, result, abort, a connection of its own, and nothing of the process touched. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSimulator, inspect, OtaError, push, type RunEvent, type Simulator, watch } from '../../src/index.js';
import { fakeBroker, goodDock } from '../helpers/fake-broker.js';
import { startTcpProxy } from '../helpers/tcp-proxy.js';

const device = { sn: 'AIR1', product_version: '1.0', pid: 'DOCK1' };
const WATCHED = ['SIGINT', 'SIGTERM', 'uncaughtException', 'unhandledRejection', 'exit', 'beforeExit'] as const;
const listeners = () => WATCHED.map((event) => process.listenerCount(event));

let simulator: Simulator | null = null;
afterEach(async () => {
  await simulator?.close();
  simulator = null;
});

async function collect(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('push', () => {
  test('over a connection of the program’s own: events in order, the result, the connection closed', async () => {
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const run = push({ manifest: [device], broker: (events) => fake.connect(events) });
    const events = await collect(run);
    expect(events[0]).toEqual({ event: 'run_started', command: 'push', devices: 1, gateways: 1 });
    expect(events.at(-1)).toMatchObject({ event: 'run_finished', exit_code: 0 });
    expect(await run.result).toMatchObject({ exit_code: 0, error: null, devices: [{ sn: 'AIR1', status: 'ok' }] });
    expect(fake.jobs()).toHaveLength(1);
    expect(fake.closed).toEqual({ keepSession: false });
  });

  test('two loops see the same; one that ends early disturbs nobody; one after the end sees nothing', async () => {
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const run = push({ manifest: [device], broker: (events) => fake.connect(events) });
    const early = (async () => {
      for await (const { event } of run) return event;
    })();
    const [first, second, only] = await Promise.all([collect(run), collect(run), early]);
    expect(second).toEqual(first);
    expect(only).toBe('run_started');
    expect(await collect(run)).toEqual([]);
  });

  test('the result comes without a loop', async () => {
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const { result } = push({ manifest: [device], broker: (events) => fake.connect(events) });
    expect((await result).exit_code).toBe(0);
  });

  test('aborted, it ends with 130 and keeps what was published running', async () => {
    const abort = new AbortController();
    const fake = fakeBroker({ docks: { DOCK1: () => abort.abort() } });
    const run = push({ manifest: [device], broker: (events) => fake.connect(events), signal: abort.signal });
    const events = await collect(run);
    expect(events.at(-1)).toMatchObject({ event: 'run_finished', exit_code: 130 });
    expect((await run.result).exit_code).toBe(130);
  });

  test('a request that is wrong by itself rejects, in the loop as well, and never as an unhandled rejection', async () => {
    const broker = { url: 'mqtt://127.0.0.1:1' };
    const bad = push({ manifest: [{ ...device, sn: '' }], broker });
    await expect(bad.result).rejects.toMatchObject({ code: 'manifest_invalid' });
    await expect(collect(push({ manifest: [{ ...device, sn: '' }], broker }))).rejects.toBeInstanceOf(OtaError);
    await expect(push({ manifest: [device], pid: 'a/b', broker }).result).rejects.toMatchObject({ code: 'usage' });
    await expect(push({ manifest: [device], type: 9 as never, broker }).result).rejects.toMatchObject({
      code: 'usage',
    });
  });

  test('a broker that cannot be reached is a result, not an exception', async () => {
    const run = push({ manifest: [device], broker: { url: 'mqtt://127.0.0.1:1', connectTimeout: 2000 } });
    const { exit_code, error } = await run.result;
    expect(exit_code).toBe(4);
    expect(error).toBeInstanceOf(OtaError);
  });
});

test('watch follows what something else started, and ends with it', async () => {
  simulator = await createSimulator({ docks: [device], speed: 20 });
  const broker = { url: simulator.url };
  let pushed: Promise<{ exit_code: number }> | null = null;
  // The first view comes when the gateways are subscribed to; before that, a short upgrade could be missed.
  const onView = () => {
    pushed ??= push({ manifest: [device], broker }).result;
  };
  const watching = watch({ pids: 'DOCK1', broker, follow: false, onView });
  const seen = await collect(watching);
  expect(await pushed).toMatchObject({ exit_code: 0 });
  expect(seen.map(({ event }) => event)).toContain('device_finished');
  expect((await watching.result).exit_code).toBe(0);
  await expect(watch({ pids: [], broker }).result).rejects.toMatchObject({ code: 'usage' });
});

test('an upgrade that ends while the connection is down is heard of afterwards, by push and by watch', async () => {
  simulator = await createSimulator({ docks: [device], speed: 20 });
  const proxy = await startTcpProxy(Number(new URL(simulator.url).port));
  try {
    const broker = { url: `mqtt://127.0.0.1:${proxy.port}` };
    let down: Promise<unknown> | null = null;
    const goDown = () => {
      const heardDirectly = watch({ pids: 'DOCK1', broker: { url: simulator?.url ?? '' } }).result;
      proxy.refuse(true);
      proxy.cut();
      return heardDirectly.then(() => proxy.refuse(false));
    };
    let pushing: ReturnType<typeof push> | null = null;
    const watching = watch({
      pids: 'DOCK1',
      broker,
      onView: () => {
        pushing ??= push({ manifest: [device], broker });
      },
    });
    for await (const { event } of watching) if (event === 'device_progress') down ??= goDown();
    await down;
    expect(down).not.toBeNull();
    for (const run of [watching, pushing as ReturnType<typeof push> | null]) {
      expect(await run?.result).toMatchObject({ exit_code: 0, devices: [{ status: 'ok' }] });
    }
  } finally {
    await proxy.stop();
  }
});

test('inspect says what a package is, and throws where there is none', async () => {
  const path = fileURLToPath(new URL('../../examples/firmware/Dock3_17.07.04.01_pro.zip', import.meta.url));
  expect(await inspect(path)).toMatchObject({ problem: null });
  await expect(inspect('/nowhere.zip')).rejects.toMatchObject({ code: 'firmware_unreadable' });
  await expect(inspect('')).rejects.toMatchObject({ code: 'usage' });
});

describe('the process', () => {
  test('nothing is printed and no listener is left', async () => {
    const prints = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    const before = listeners();
    try {
      simulator = await createSimulator({ docks: [device], speed: 50 });
      const run = push({ manifest: [device], broker: { url: simulator.url }, verify: 'report' });
      expect((await collect(run)).at(-1)).toMatchObject({ event: 'run_finished' });
      expect((await run.result).exit_code).toBe(0);
      expect(listeners()).toEqual(before);
      for (const print of prints) expect(print).not.toHaveBeenCalled();
    } finally {
      for (const print of prints) print.mockRestore();
    }
  });

  test('it ends by itself when the run is over, and ending the import costs no broker (needs npm run build)', () => {
    const index = new URL('../../dist/index.js', import.meta.url).href;
    const program = `
      const { createSimulator, push } = await import(${JSON.stringify(index)});
      const simulator = await createSimulator({ docks: [${JSON.stringify(device)}], speed: 50 });
      const { exit_code } = await push({ manifest: [${JSON.stringify(device)}], broker: { url: simulator.url } }).result;
      await simulator.close();
      process.exitCode = exit_code + 40;`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 25_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 40, stdout: '', stderr: '' });
  });
});
