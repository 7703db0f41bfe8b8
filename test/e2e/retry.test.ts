/** What follows a run that did not end well: `retry`, `runs stop`, and the command in the closing line. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listRuns } from '../../src/journal/read.js';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { type Client, type DockOptions, docksFor, FAST, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';

const FAILED = { end: 'failed', end_step: 'upgrade_firmware', end_percent: 50, end_result: 312023 } as const;

describe('after a run that did not end well', () => {
  let broker: AedesServer;
  let place: Workplace;
  let devices: ReturnType<typeof someDevices>;
  let manifest: string;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    broker = await startAedes();
  });
  afterAll(() => broker?.stop());
  beforeEach(async () => {
    place = await workplace();
    devices = someDevices(3);
    manifest = await place.put('fleet.json', devices);
    return async () => {
      for (const end of ends.splice(0)) await end();
      await place.close();
    };
  });

  const runs = () => path.join(place.folder, 'home', 'state', 'runs');
  const start = (...args: string[]) => place.start(args);
  const run = async (...args: string[]) => (await start(...args)).ended;
  const push = (...args: string[]) => start('push', manifest, '--broker', broker.url, ...args);
  /** Docks that follow `options`, and a client that sees what is sent to them. `stop` removes the docks. */
  async function fleet(options: DockOptions): Promise<Client & { stop(): Promise<void> }> {
    const seen = await listen(broker.url, [...new Set(devices.map(({ pid }) => `thing/product/${pid}/services`))]);
    const away = await docksFor(broker.url, devices, options);
    let gone = false;
    const stop = async () => {
      if (!gone) await away();
      gone = true;
    };
    ends.push(stop, seen.close);
    return { ...seen, stop };
  }
  const pidOf = (index: number) => devices[index]?.pid ?? '';
  const sentTo = (seen: Client) => seen.creates().map(({ data }) => data.devices.map(({ sn }) => sn).join());
  /** The words of the command in a closing line. */
  const closing = (said: string) => /Continue with: dji-ota (.+)$/m.exec(said)?.[1]?.split(' ') ?? [];
  const header = async (id: string) =>
    JSON.parse((await readFile(path.join(runs(), `${id}.jsonl`), 'utf8')).split('\n')[0] ?? '');
  /** The runs, the latest first. Sorted by start, because ids of the same second have no order. */
  const ids = async () => (await listRuns(runs())).map(({ run }) => run);
  const latest = async () => (await ids())[0] ?? '';

  it('retry sends to those alone that did not end well, with the options of the run; the closing line leads there', async () => {
    const docks = [{ pid: pidOf(1), behavior: FAILED }];
    const bad = await fleet({ behavior: FAST, docks });
    const first = await push(
      '--concurrency',
      '1',
      '--stall-timeout',
      '5m',
      '--only',
      '*',
      '--report',
      path.join(place.folder, 'a.md'),
    ).ended;
    expect(first.code).toBe(1);
    expect(closing(first.stderr)).toEqual(['retry', await latest()]);
    await bad.stop();
    const earlier = await latest();
    const good = await fleet({ behavior: FAST });
    const second = await run(...closing(first.stderr));
    expect(second, second.stderr).toMatchObject({ code: 0 });
    expect(sentTo(good)).toEqual([devices[1]?.sn]);
    expect(closing(second.stderr)).toEqual([]);
    // Options that selected devices or wrote files are not kept.
    expect(await header(await latest())).toMatchObject({
      retryOf: earlier,
      options: { concurrency: '1', stallTimeout: '5m' },
      connection: { broker: broker.url },
    });
    // A device that the first retry upgraded is not sent again.
    const twice = await run('retry', earlier.toUpperCase());
    expect(twice).toMatchObject({ code: 2 });
    expect(twice.stderr).toContain(`run ${earlier} has no device to retry`);
    expect(twice.stderr).toContain(`dji-ota runs ${await latest()} shows the latest attempt`);
    const third = await run('retry');
    expect(third.code).toBe(2);
    expect(third.stderr).toContain('has no device to retry');
  });

  it('a second retry of the same run takes what the first one left; a simulated retry does not count', async () => {
    const bad = await fleet({ behavior: FAILED });
    const scenario = await place.put('good.json', { defaults: FAST });
    expect((await push('--output', 'json', '--progress', '0').ended).code).toBe(1);
    await bad.stop();
    const first = await latest();
    expect((await run('retry', first, '--simulate', scenario)).code).toBe(0);
    const half = await fleet({ behavior: FAST, docks: [{ pid: pidOf(2), behavior: FAILED }] });
    const second = await run('retry', first, '--exclude', devices[0]?.sn ?? '');
    expect(second).toMatchObject({ code: 1 });
    // The display is the same as before.
    expect(jsonLines(second).last.totals).toMatchObject({ ok: 1, failed: 1 });
    await half.stop();
    const good = await fleet({ behavior: FAST });
    expect((await run('retry', first, '--output', 'quiet')).code).toBe(0);
    expect(sentTo(good).sort()).toEqual([devices[0]?.sn, devices[2]?.sn].sort());
    expect((await run('retry', first)).code).toBe(2);
  });

  it('a retry that was interrupted is resumed before the run is retried again', async () => {
    const bad = await fleet({ behavior: FAILED });
    expect((await push().ended).code).toBe(1);
    await bad.stop();
    const first = await latest();
    await fleet({ behavior: { ...FAST, download_seconds: 60 } });
    const interrupted = start('retry', first);
    await interrupted.said('download');
    interrupted.kill('SIGINT');
    expect((await interrupted.ended).code).toBe(130);
    const refused = await run('retry', first);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain(`run ${await latest()} has not ended`);
  });

  it('retry needs no manifest if the journal has everything, and says so if it has not', async () => {
    const bad = await fleet({ behavior: FAST, docks: [{ pid: pidOf(0), behavior: FAILED }] });
    expect((await push().ended).code).toBe(1);
    await bad.stop();
    await rm(manifest);
    const other = await place.put('other.json', someDevices(1));
    const refused = await run('retry', 'last', '--manifest', other);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('the manifest no longer has');
    const good = await fleet({ behavior: FAST });
    expect((await run('retry')).code).toBe(0);
    expect(sentTo(good)).toEqual([devices[0]?.sn]);
  });

  it('a run that has not ended is resumed first: its closing line says so, and it leads to the end', async () => {
    const seen = await fleet({
      behavior: { ...FAST, download_seconds: 3 },
      docks: [{ pid: pidOf(2), behavior: { ...FAILED, download_seconds: 0.1 } }],
    });
    const interrupted = push('--concurrency', '1');
    await interrupted.said('download');
    interrupted.kill('SIGTERM');
    const { code, stderr } = await interrupted.ended;
    expect(code).toBe(143);
    expect(closing(stderr)).toEqual(['resume', await latest()]);
    const refused = await run('retry');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('has not ended');
    const resumed = await run(...closing(stderr));
    expect(resumed.code).toBe(1);
    expect(sentTo(seen)).toEqual(devices.map(({ sn }) => sn));
    expect(closing(resumed.stderr)).toEqual(['retry', await latest()]);
  });

  it('of which nothing was heard: resume listens again, retry only where it is asked for', async () => {
    const first = await push('--reply-timeout', '100ms').ended;
    expect(first.code).toBe(5);
    expect(closing(first.stderr)).toEqual(['resume', await latest()]);
    const refused = await run('retry');
    expect(refused).toMatchObject({ code: 2 });
    const good = await fleet({ behavior: FAST });
    expect((await run('retry', '--include', 'unknown', '--reply-timeout', '30s')).code).toBe(0);
    expect(sentTo(good).sort()).toEqual(devices.map(({ sn }) => sn).sort());
  });

  it('runs stop: what runs is followed to its end, nothing more is started, exit 6; retry takes the rest', async () => {
    const seen = await fleet({ behavior: { ...FAST, download_seconds: 3 } });
    const report = path.join(place.folder, 'stopped.json');
    const going = push('--waves', '1,100%', '--wave-pause', '1h', '--concurrency', '1', '--report', report);
    await going.said('download');
    const stopped = await run('runs', 'stop', 'last');
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.stderr).toMatch(/was asked to start no more upgrades/);
    const { code, stderr } = await going.ended;
    expect(code).toBe(6);
    expect(sentTo(seen)).toEqual([devices[0]?.sn]);
    const { devices: rows, warnings } = JSON.parse(await readFile(report, 'utf8'));
    expect(rows.map(({ status }: { status: string }) => status)).toEqual(['ok', 'not_started', 'not_started']);
    expect(rows[1].reason).toContain('dji-ota runs stop by ');
    expect(warnings).toMatchObject([{ code: 'run_stopping' }]);
    expect(await readdir(runs())).toEqual([`${await latest()}.jsonl`]);
    expect((await run('runs', await latest())).stdout).toContain('State     stopped: ');
    const again = await run('runs', 'stop', await latest());
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('is not running');
    const rest = await run(...closing(stderr), '--wave-pause', '0');
    expect(rest, rest.stderr).toMatchObject({ code: 0 });
    expect(sentTo(seen)).toEqual(devices.map(({ sn }) => sn));
  });

  it('a rehearsal can be retried as one, and does not speak of docks that go on', async () => {
    const scenario = await place.put('bad.json', { defaults: FAST, docks: [{ pid: pidOf(1), ...FAILED }] });
    const first = await run('push', manifest, '--simulate', scenario);
    expect(first.code).toBe(1);
    const second = await run(...closing(first.stderr));
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('Retrying 1 of 3 devices');
    expect(second.stderr).not.toContain('continue their upgrades');
  });
});
