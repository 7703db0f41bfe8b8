/** The effect of the options of push, observed at the broker. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type CliOptions, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, type DockOptions, docksFor, FAST, listen, someDevices, somePairs } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { rawZip } from '../helpers/firmware-package.js';
import { fileStore } from '../helpers/firmware-server.js';
import { md5Of } from '../helpers/firmware-tools.js';

// A ZIP that is not a DJI package is sent without being proven.
const BODY = rawZip([{ name: 'module.bin', data: Buffer.alloc(50_000, 'firmware ') }]);
const DRONE_BODY = rawZip([{ name: 'drone.bin', data: Buffer.alloc(100) }]);
const MD5 = createHash('md5').update(BODY).digest('hex');

describe('push', { concurrent: true }, () => {
  let broker: AedesServer;
  let observer: Client;
  let place: Workplace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = await startAedes();
    observer = await listen(broker.url, ['thing/product/+/services', 'thing/product/+/events']);
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await observer?.close();
    await broker?.stop();
    await place?.close();
  });

  async function push(devices: readonly object[] | string, args: string[] = [], options: CliOptions = {}) {
    const name = `${typeof devices === 'string' ? '' : (devices[0] as { sn: string }).sn}.json`;
    const manifest = typeof devices === 'string' ? devices : await place.put(name, devices);
    const all = ['push', manifest, '--broker', broker.url, '--output', 'json', ...args];
    const result = await place.run(all, options);
    return { ...result, ...jsonLines(result) };
  }

  async function docks<T extends Parameters<typeof docksFor>[1]>(devices: T, options?: DockOptions): Promise<T> {
    ends.push(await docksFor(broker.url, devices, options));
    return devices;
  }

  const sent = (devices: readonly { pid: string }[]) => {
    const pids = new Set(devices.map(({ pid }) => pid));
    return [...pids].flatMap((pid) => observer.creates(pid));
  };

  it('takes the devices that --only and --exclude leave', async () => {
    const devices = await docks(somePairs(3));
    const [first, , second, drone] = devices as [{ sn: string }, object, { sn: string }, { sn: string }];
    const args = ['--only', `${first.sn},${drone.sn}`, '--only', `${second.sn.slice(0, 3)}*`, '--exclude', '1581F*'];
    const { last } = await push(devices, args);
    expect(last).toMatchObject({ exit_code: 0 });
    const pids = sent(devices).flatMap(({ data }) => data.devices.map(({ sn }) => sn));
    expect(pids.sort()).toEqual(devices.filter(({ sn, pid }) => sn === pid).map(({ sn }) => sn));
  });

  it('parts the gateways among shards, each to exactly one', async () => {
    const devices = await docks(someDevices(6));
    for (const shard of ['1/2', '2/2']) expect((await push(devices, ['--shard', shard])).last.exit_code).toBe(0);
    expect(sent(devices)).toHaveLength(6);
    const empty = await push(devices.slice(0, 1), ['--shard', '1/50']);
    const other = await push(devices.slice(0, 1), ['--shard', '2/50']);
    expect([empty.code, other.code]).toEqual([0, 0]);
  });

  it('prints with --dry-run what it would send, and sends nothing', async () => {
    const file = await place.put('dry.zip', BODY);
    const file_url = 'https://firmware.example.com/dry.zip';
    // Dock and aircraft do not share a package.
    const theirs = { file: await place.put('drone.zip', DRONE_BODY), file_url: file_url.replace('dry', 'drone') };
    const devices = somePairs(2, { file, file_url, type: 'consistency' }).map((one) => ({
      ...one,
      ...(one.sn === one.pid ? {} : theirs),
      firmware_upgrade_type: undefined,
    }));
    const nobody = ['--broker', 'mqtt://127.0.0.1:9'];
    const { code, of, last, stderr } = await push(devices, ['--dry-run', '--waves', '1,100%', ...nobody]);
    expect(code, stderr).toBe(0);
    const planned = of('job_planned');
    expect(planned.map(({ pid, wave }) => [pid, wave])).toEqual([
      [devices[0]?.pid, 1],
      [devices[2]?.pid, 2],
    ]);
    expect(planned[0]?.topic).toBe(`thing/product/${devices[0]?.pid}/services`);
    const { data } = (planned[0]?.message ?? {}) as { data?: { devices: object[] } };
    const [dock, drone] = data?.devices ?? [];
    const facts = { file_url, md5: MD5, file_size: BODY.length, file_name: 'dry.zip', firmware_upgrade_type: 2 };
    const droneFacts = {
      file_url: theirs.file_url,
      md5: md5Of(DRONE_BODY),
      file_size: DRONE_BODY.length,
      file_name: 'drone.zip',
    };
    expect(Object.keys(planned[0]?.message ?? {})).toEqual(['method', 'timestamp', 'bid', 'tid', 'data']);
    expect(dock).toEqual({ sn: devices[0]?.sn, product_version: '10.02.03.01', ...facts });
    expect(drone).toEqual({ sn: devices[1]?.sn, product_version: '10.02.03.01', ...facts, ...droneFacts });
    expect(last.totals.not_started).toBe(4);
    expect(sent(devices)).toEqual([]);

    const manifest = await place.put('dry.json', devices);
    const plan = await place.run([
      'push',
      manifest,
      '--dry-run',
      '--waves',
      '1,100%',
      '--broker',
      'mqtt://127.0.0.1:9',
    ]);
    expect(plan.code).toBe(0);
    for (const word of ['WAVE', 'consistency (2)', '50.1 kB', MD5, '4 devices on 2 gateways in 2 jobs']) {
      expect(plan.stdout).toContain(word);
    }
    // The messages are only shown on request.
    expect(plan.stdout).not.toContain('ota_create');
    const verbose = await place.run(['push', manifest, '--dry-run', '--verbose', '--broker', 'mqtt://127.0.0.1:9']);
    expect(verbose.stdout).toContain(`thing/product/${devices[0]?.pid}/services {"method":"ota_create"`);
  });

  it('cannot ask --confirm where nobody can answer', async () => {
    const devices = someDevices(1);
    const { code, of } = await push(devices, ['--confirm']);
    expect(code).toBe(2);
    expect(of('error')[0]?.message).toMatch(/--confirm/);
    expect(sent(devices)).toEqual([]);
  });

  it('sends the type of the entry, else that of --type', async () => {
    const [own, other] = (await docks(someDevices(2))) as [object, object];
    const devices = [
      { ...own, firmware_upgrade_type: 2 },
      { ...other, firmware_upgrade_type: undefined },
    ];
    await push(devices, ['--type', 'psdk']);
    const types = sent(devices as { pid: string }[] & typeof devices).map(
      ({ data }) => data.devices[0]?.firmware_upgrade_type,
    );
    expect(types).toEqual([2, 4]);
  });

  it('gives the gateway of --pid to devices that name none, and reads standard input', async () => {
    const [{ sn, pid } = { sn: '', pid: '' }] = await docks(someDevices(1));
    const input = `# a comment\n- sn: ${sn}\n  version: "10.02.03.01"\n`;
    const { code, stderr } = await push('-', ['--pid', pid], { input });
    expect(code, stderr).toBe(0);
    expect(observer.creates(pid)).toHaveLength(1);
  });

  it('reads a file once for all its devices, then takes it from the cache, unless told not to', async () => {
    const store = await fileStore({ body: BODY });
    ends.push(store.close);
    const devices = await docks(someDevices(2, { file_url: store.url }));
    const reads = () => store.asked.filter(({ method, range }) => method === 'GET' && range === undefined).length;
    const first = await push(devices);
    expect(first.of('firmware_ready')).toMatchObject([
      { source: 'url', md5: MD5, devices: devices.map(({ sn }) => sn) },
    ]);
    expect(reads()).toBe(1);
    expect((await push(devices)).of('firmware_ready')).toMatchObject([{ source: 'cache', md5: MD5 }]);
    expect(reads()).toBe(1);
    expect((await push(devices, ['--no-cache'])).of('firmware_ready')).toMatchObject([{ source: 'url' }]);
    expect(reads()).toBe(2);
    const trusted = devices.map((device) => ({ ...device, md5: MD5.toUpperCase(), file_size: BODY.length }));
    const { of } = await push(trusted, ['--trust-manifest', '--no-cache']);
    expect(of('firmware_ready')).toMatchObject([{ source: 'manifest', md5: MD5, file_size: BODY.length }]);
    expect(reads()).toBe(2);
  });

  it('serves its local files to the docks with --serve', async () => {
    const file = await place.put('served.zip', BODY);
    const devices = await docks(someDevices(1, { file }), { behavior: { download_seconds: 60 } });
    const manifest = await place.put('served.json', devices);
    const args = ['push', manifest, '--broker', broker.url, '--serve', '127.0.0.1:0', '--output', 'json'];
    const run = place.start(args);
    await observer.until(() => observer.creates(devices[0]?.pid).length === 1);
    const [create] = observer.creates(devices[0]?.pid);
    const { file_url, md5, file_size } = (create?.data.devices[0] ?? {}) as { [key: string]: string };
    expect([md5, file_size]).toEqual([MD5, BODY.length]);
    const response = await fetch(file_url ?? '');
    expect(
      createHash('md5')
        .update(Buffer.from(await response.arrayBuffer()))
        .digest('hex'),
    ).toBe(MD5);
    const part = await fetch(file_url ?? '', { headers: { range: 'bytes=10-19' } });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, BODY.subarray(10, 20)]);
    expect((await fetch(new URL('/manifest.json', file_url))).status).toBe(404);
    run.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    await expect(fetch(file_url ?? '')).rejects.toThrow();
  });

  it('takes progress under any bid with --match gateway', async () => {
    const devices = await docks(someDevices(1), { behavior: { reply: 'none', upgrade: false } });
    const [{ pid } = { pid: '' }] = devices;
    const manifest = await place.put('match.json', devices);
    const args = ['push', manifest, '--broker', broker.url, '--match', 'gateway', '--output', 'json'];
    const run = place.start(args);
    await run.said('job_published');
    const event = {
      method: 'ota_progress',
      bid: 'somebody-else',
      tid: 't',
      data: { result: 0, output: { status: 'ok' } },
    };
    await observer.mqtt.publishAsync(`thing/product/${pid}/events`, JSON.stringify(event), { qos: 1 });
    expect(jsonLines(await run.ended).last).toMatchObject({ exit_code: 0, totals: { ok: 1 } });
  });

  it('leaves out with --skip-unready the pair of which one half is not ready, with the reason', async () => {
    const devices = await docks(somePairs(2), {
      telemetry: 100,
      docks: [{ index: 0, behavior: { drone_in_dock: false, ...FAST } }],
    });
    const { code, last, of } = await push(devices, ['--skip-unready']);
    expect(code).toBe(7);
    expect(last.devices.map(({ status }) => status)).toEqual(['not_started', 'not_started', 'ok', 'ok']);
    expect(last.totals).toMatchObject({ ok: 2, not_started: 2, skipped: 0 });
    expect(last.devices[1]?.reason).toMatch(/not in its dock/);
    expect(of('warning').map(({ code }) => code)).toEqual(['not_ready', 'not_ready']);
  });

  it('says with --verify report whether the version is there', async () => {
    const devices = await docks(someDevices(2), {
      telemetry: 100,
      docks: [
        { index: 0, behavior: { version: 'respelled' } },
        { index: 1, behavior: { version: 'unchanged' } },
      ],
    });
    const { code, last } = await push(devices, ['--verify', 'report', '--verify-timeout', '4s']);
    expect(code).toBe(0);
    expect(last.devices.map(({ status, verified }) => [status, verified])).toEqual([
      ['ok', true],
      ['ok', false],
    ]);
  });

  it('prefers an option to the environment, and that to the profile', async () => {
    const devices = await docks(someDevices(1));
    const manifest = await place.put('precedence.json', devices);
    const nobody = 'mqtt://127.0.0.1:9';
    const set = await place.run(['config', 'set', `broker=${nobody}`, '--profile', 'dead']);
    expect(set.code, set.stderr).toBe(0);
    const env = { DJI_OTA_PROFILE: 'dead', DJI_OTA_OUTPUT: 'json' };
    const push = ['push', manifest, '--connect-timeout', '2s'];
    const profile = await place.run(push, { env });
    expect(jsonLines(profile).of('error')[0]?.message).toContain(nobody);
    const environment = await place.run(push, { env: { ...env, DJI_OTA_BROKER: broker.url } });
    expect(jsonLines(environment).last.exit_code).toBe(0);
    const option = await place.run([...push, '--broker', broker.url, '--output', 'log'], {
      env: { ...env, DJI_OTA_BROKER: nobody },
    });
    expect(option.code).toBe(0);
    expect(option.stdout).toMatch(/^1 device: /m);
    expect(option.stderr).not.toContain('\u001b');
  });
});
