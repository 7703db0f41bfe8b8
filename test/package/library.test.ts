/** The library as a program uses it: events, result, abort, a connection of its own; and it changes nothing of the process. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createSimulator,
  devices,
  inspect,
  knownResultCodes,
  OtaError,
  plan,
  push,
  type Run,
  readManifest,
  report,
  resultCode,
  resume,
  type Simulator,
  type StampedEvent,
  watch,
} from '../../src/index.js';
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

async function collect(events: AsyncIterable<StampedEvent>): Promise<StampedEvent[]> {
  const all: StampedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('push', () => {
  test('over a connection of the program’s own: events in order, the result, the connection closed', async () => {
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const run = push({ manifest: [device], broker: (events) => fake.connect(events) });
    const events = await collect(run);
    expect(events[0]).toEqual({
      schema: 1,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      run: run.id,
      event: 'run_started',
      command: 'push',
      devices: 1,
      gateways: 1,
    });
    expect(events.at(-1)).toMatchObject({ event: 'run_finished', exit_code: 0 });
    expect(await run.result).toMatchObject({ exit_code: 0, error: null, devices: [{ sn: 'AIR1', status: 'ok' }] });
    expect(fake.jobs()).toHaveLength(1);
    expect(fake.closed).toEqual({ keepSession: false });
  });

  test('two loops get the same events; one that ends early does not affect the other; one after the end gets none', async () => {
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

  test.each([
    [new Error('the night is over'), 'interrupted (the night is over)'],
    ['enough', 'interrupted (enough)'],
    [143, 'interrupted (SIGTERM)'],
  ])('the reason of the signal is passed on: %s', async (reason, message) => {
    const abort = new AbortController();
    const fake = fakeBroker({ docks: { DOCK1: () => abort.abort(reason) } });
    const { error } = await push({
      manifest: [device],
      broker: (events) => fake.connect(events),
      signal: abort.signal,
    }).result;
    expect(error).toMatchObject({ code: 'interrupted', message });
    if (typeof reason !== 'number') expect(error?.cause).toBe(reason);
  });

  test('a snapshot is plain JSON, with wall-clock times', async () => {
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const before = Date.now();
    const run = push({ manifest: [device], broker: (events) => fake.connect(events) });
    expect(run.snapshot()).toBeNull();
    await run.result;
    const snapshot = run.snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(snapshot).toMatchObject({ schema: 1, run: run.id, wave: null, totals: { ok: 1 } });
    expect(snapshot?.devices).toEqual([
      expect.objectContaining({ pid: 'DOCK1', sn: 'AIR1', product_version: '1.0', phase: 'ended', status: 'ok' }),
    ]);
    for (const time of [snapshot?.time, snapshot?.devices[0]?.published_at, snapshot?.devices[0]?.ended_at]) {
      expect(Date.parse(time ?? '')).toBeGreaterThanOrEqual(before - 1);
      expect(Date.parse(time ?? '')).toBeLessThanOrEqual(Date.now() + 1);
    }
  });

  test('what a callback throws is not swallowed: the run ends, and rejects with it', async () => {
    const file = fileURLToPath(new URL('../../examples/firmware', import.meta.url));
    const [name = ''] = await readdir(file);
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const bug = new Error('a bug of the caller');
    const run = push({
      manifest: [{ ...device, file: join(file, name), file_url: 'http://127.0.0.1:1/a.zip' }],
      broker: (events) => fake.connect(events),
      firmware: { probeUrls: false },
      onReading() {
        throw bug;
      },
    });
    await expect(run.result).rejects.toBe(bug);
    expect(fake.jobs()).toEqual([]);
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

/** Resolves when the gateways of `run` are subscribed. Before that, a short upgrade could be missed. */
const connected = (run: Run) =>
  vi.waitFor(() => expect(run.snapshot()).not.toBeNull(), { timeout: 10_000, interval: 5 });

test('watch follows what something else started, and ends with it', async () => {
  simulator = await createSimulator({ docks: [device], speed: 20 });
  const broker = { url: simulator.url };
  const watching = watch({ pids: 'DOCK1', broker, follow: false });
  const events = collect(watching);
  await connected(watching);
  expect(await push({ manifest: [device], broker }).result).toMatchObject({ exit_code: 0 });
  const seen = await events;
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
    const watching = watch({ pids: 'DOCK1', broker });
    const seen = collect(watching);
    await connected(watching);
    const pushing = push({ manifest: [device], broker });
    for await (const { event } of pushing) if (event === 'device_progress') down ??= goDown();
    await Promise.all([down, seen]);
    expect(down).not.toBeNull();
    for (const run of [watching, pushing]) {
      expect(await run.result).toMatchObject({ exit_code: 0, devices: [{ status: 'ok' }] });
    }
  } finally {
    await proxy.stop();
  }
});

describe('a request', () => {
  const broker = { url: 'mqtt://127.0.0.1:1' };

  test.each<[unknown, string, string[]?]>([
    [{ manifest: [device] }, 'push: broker is missing'],
    [
      { manifest: [device], broker: { uri: 'x' } },
      'push: 2 problems in the request',
      ['broker.url is missing', 'broker.uri is not known; did you mean "url"?'],
    ],
    [{ manifest: [device], broker, rollout: { wave: '1' } }, 'push: rollout.wave is not known; did you mean "waves"?'],
    [{ manifest: [device], broker, rollout: { waves: 'ten' } }, 'push: rollout.waves: "ten" is neither'],
    [{ manifest: [device], broker, limits: { reply: '30s' } }, 'push: limits.reply: expected number'],
    [{ manifest: [device], broker, verify: 'maybe' }, 'push: verify: '],
    [{ manifest: [device], broker, signal: 5 }, 'push: signal: must be an AbortSignal'],
    [{ manifest: [device], broker, pid: 'a/b' }, 'push: pid'],
    [{ manifest: [device], broker, retries: 3 }, 'push: retries is not known'],
    [undefined, 'push: the request'],
  ])('%j is refused in its own words', async (request, message, details) => {
    const error = await push(request as never).result.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
    if (details) expect((error as OtaError).details).toEqual(expect.arrayContaining(details));
  });

  test('what only the fleet shows to be wrong is said in its words as well', async () => {
    const fake = fakeBroker({ docks: { DOCK1: goodDock } });
    const own = (events: Parameters<typeof fake.connect>[0]) => fake.connect(events);
    const pids = ['DOCK1', 'DOCK2', 'DOCK3'];
    const manifest = pids.map((pid, index) => ({ ...device, sn: `A${index}`, pid }));
    const { error } = await push({ manifest, broker: own, rollout: { waves: '1' } }).result;
    expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(/^rollout\.waves: 1 ends after/) });
    expect(error?.hint).not.toContain('--');
    const missing = await push({ manifest: [{ ...device, pid: undefined }], broker: own }).result.catch((e) => e);
    expect(missing.details[0]).toMatch(/add "pid", or give pid$/);
  });

  test('of every other function', async () => {
    const wrong = { nonsense: 1 } as never;
    const refused = { code: 'usage', message: expect.stringContaining('nonsense is not known') };
    await expect(createSimulator(wrong)).rejects.toMatchObject(refused);
    await expect(readManifest([device], wrong)).rejects.toMatchObject(refused);
    await expect(inspect('a.zip', wrong)).rejects.toMatchObject(refused);
    for (const promise of [watch(wrong).result, resume(wrong).result, devices(wrong), report(wrong), plan(wrong)]) {
      const error = (await promise.catch((thrown: unknown) => thrown)) as OtaError;
      expect([error.message, ...error.details].join()).toContain('nonsense is not known');
    }
  });
});

test('readManifest and plan say what a push would send, and send nothing', async () => {
  const [read] = await readManifest([device], { type: 'consistency' });
  expect(read).toMatchObject({ sn: 'AIR1', pid: 'DOCK1', firmware_upgrade_type: 2, file: null });
  const planned = await plan({
    manifest: [device, { ...device, sn: 'AIR2', pid: 'DOCK2' }],
    rollout: { waves: '1,2' },
  });
  expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
  expect(planned.gateways).toMatchObject([
    { pid: 'DOCK1', wave: 1, jobs: [{ topic: 'thing/product/DOCK1/services', message: { method: 'ota_create' } }] },
    { pid: 'DOCK2', wave: 2 },
  ]);
  await expect(readManifest('/nowhere.json')).rejects.toMatchObject({ code: 'manifest_unreadable' });
});

test('devices lists what docks report', async () => {
  simulator = await createSimulator({ docks: [device], speed: 20 });
  const rows = await devices({ pids: 'DOCK1', target: [device], broker: { url: simulator.url } });
  expect(rows.map(({ sn, target }) => [sn, target])).toEqual([
    ['DOCK1', null],
    ['AIR1', '1.0'],
  ]);
  await expect(devices({ broker: { url: simulator.url } })).rejects.toMatchObject({ code: 'usage' });
});

test('with a home, a push that is interrupted is resumed and reported', async () => {
  const home = await mkdtemp(join(tmpdir(), 'dji-ota-library-'));
  try {
    simulator = await createSimulator({ docks: [device], speed: 2 });
    const broker = { url: simulator.url };
    const abort = new AbortController();
    const first = push({ manifest: [device], broker, home, signal: abort.signal });
    for await (const { event } of first) if (event === 'device_progress') abort.abort();
    expect((await first.result).exit_code).toBe(130);
    const again = resume({ home, broker });
    expect(await collect(again)).toMatchObject(expect.arrayContaining([expect.objectContaining({ run: first.id })]));
    expect(again.id).toBe(first.id);
    expect(await again.result).toMatchObject({ exit_code: 0, devices: [{ sn: 'AIR1', status: 'ok' }] });
    const told = await report({ home, runs: first.id });
    expect(told).toMatchObject({ exit_code: 0, devices: [{ sn: 'AIR1', status: 'ok', attempts: 1 }] });
    await expect(resume({ home, broker }).result).rejects.toMatchObject({ code: 'run_not_found' });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 60_000);

test('the result codes', () => {
  expect(knownResultCodes()).toContain(312015);
  expect(resultCode(312015)).toMatchObject({ retry: true, meaning: expect.any(String), advice: expect.any(String) });
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
