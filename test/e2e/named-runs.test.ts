/** `push --run`, as in a CI job that is killed and started again. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { type Client, docksFor, FAST, listen, someDevices } from '../helpers/cli-docks.js';

describe('push --run', () => {
  let broker: AedesServer;
  let place: Workplace;
  let devices: ReturnType<typeof someDevices>;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    broker = await startAedes();
  });
  afterAll(() => broker?.stop());
  beforeEach(async () => {
    place = await workplace();
    devices = someDevices(3);
    return async () => {
      for (const end of ends.splice(0)) await end();
      await place.close();
    };
  });

  async function fleet(download_seconds: number): Promise<Client> {
    const seen = await listen(broker.url, [...new Set(devices.map(({ pid }) => `thing/product/${pid}/services`))]);
    ends.push(await docksFor(broker.url, devices, { behavior: { ...FAST, download_seconds } }), seen.close);
    return seen;
  }
  /** A name under which nothing was published, so there is no earlier attempt to listen for. */
  async function used(name: string): Promise<void> {
    const runs = path.join(place.folder, 'home', 'state', 'runs');
    await mkdir(runs, { recursive: true });
    await writeFile(path.join(runs, `${name}.jsonl`), '');
  }
  const push = async (manifest: string, ...args: string[]) =>
    place.run(['push', manifest, '--broker', broker.url, ...args]);

  it('killed and started again it goes on, then tells its result again; each device is sent to once', async () => {
    const seen = await fleet(3);
    const manifest = await place.put('fleet.json', devices);
    await used('Night');
    const args = ['push', manifest, '--broker', broker.url, '--run', 'night', '--concurrency', '1', '--output', 'json'];
    const first = place.spawn(args);
    await first.said('"device_progress"');
    const second = await push(manifest, '--run', 'NIGHT');
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`still running, in process ${first.child.pid}`);
    first.child.kill('SIGKILL');
    await first.ended;
    const other = await place.put('other.json', devices.slice(1));
    const refused = await push(other, '--run', 'night');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('is missing now');
    const report = path.join(place.folder, 'again.json');
    expect((await push(manifest, '--run', 'night')).code).toBe(0);
    const again = await push(manifest, '--run', 'night', '--report', report, '--output', 'json');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout.match(/"event":"(\w+)"/g)).toEqual(
      ['run_started', ...devices.map(() => 'device_finished'), 'run_finished'].map((event) => `"event":"${event}"`),
    );
    expect(JSON.parse(await readFile(report, 'utf8')).devices).toHaveLength(3);
    expect(seen.creates().map(({ data }) => data.devices[0]?.sn)).toEqual(devices.map(({ sn }) => sn));
    expect(new Set(seen.creates().map(({ bid }) => bid[14]))).toEqual(new Set(['5']));
  });

  it('a run that published nothing leaves its name free, for another manifest too', async () => {
    const seen = await fleet(0.1);
    const manifest = await place.put('fleet.json', devices);
    const lost = ['push', manifest, '--broker', 'mqtt://127.0.0.1:1', '--connect-timeout', '300ms', '--run', 'free'];
    expect((await place.run(lost)).code).toBe(4);
    await used('free');
    const other = await place.put('other.json', devices.slice(1));
    expect((await push(other, '--run', 'free')).code).toBe(0);
    expect(seen.creates()).toHaveLength(2);
  });

  it.each(['last', '../x', 'a b', 'x.'])('%s is no name', async (name) => {
    const manifest = await place.put('fleet.json', devices);
    expect(await push(manifest, '--run', name)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot name a run'),
    });
  });

  it('each shard is a run of its own; rehearsed first, the name stays free', async () => {
    const manifest = await place.put('fleet.json', devices);
    const scenario = await place.put('fast.json', { defaults: FAST });
    const rehearse = (part: string) => push(manifest, '--run', 'parts', '--shard', part, '--simulate', scenario);
    for (const part of ['1/2', '2/2']) expect((await rehearse(part)).code).toBe(0);
    const again = await rehearse('1/2');
    expect(again.stderr).toContain('Run parts.1-of-2 ended at');
    const seen = await fleet(0.1);
    for (const part of ['1/2', '2/2']) expect((await push(manifest, '--run', 'parts', '--shard', part)).code).toBe(0);
    expect(seen.creates()).toHaveLength(3);

    const both = await place.run(['report', 'Parts']);
    expect(both).toMatchObject({ code: 0, stderr: '' });
    for (const { sn } of devices) expect(both.stdout).toContain(sn);
    expect(await place.run(['report', 'part'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no run "part"\n.*JSON report by its file name/),
    });
  });
});
