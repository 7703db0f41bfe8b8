/** What listening commands store about the docks, and what `inventory` shows of it. */
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { topicOf } from '../../src/protocol/topics.js';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';

const DOCK = '7CTXN4A00B0001';
const AIRCRAFT = '1581F8HGX24B00A1';
const BOTH = [DOCK, AIRCRAFT];

let place: Workplace;
let aedes: AedesServer;
/** Every topic that was subscribed so far. */
let subscribed: Set<string>;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  place = await workplace();
  aedes = await startAedes();
  subscribed = new Set();
  aedes.broker.on('subscribe', (subscriptions) => {
    for (const { topic } of subscriptions) subscribed.add(topic);
  });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await place.close();
  await aedes.stop();
});

function publish(topic: string, message: object): Promise<void> {
  const payload = Buffer.from(JSON.stringify(message));
  return new Promise((resolve, reject) => {
    const packet = { cmd: 'publish' as const, topic, payload, qos: 0 as const, retain: false, dup: false };
    aedes.broker.publish(packet, (error) => (error ? reject(error) : resolve()));
  });
}

const report = (sn: string, data: object, kind: 'osd' | 'state' = 'state') =>
  publish(topicOf(kind, sn), { data, gateway: DOCK });

const inventory = async (...args: string[]) => {
  const { code, stdout, stderr } = await place.run(['inventory', ...args, '--output', 'json']);
  return { code, stderr, ...(JSON.parse(stdout) as { devices: Record<string, unknown>[]; totals: object | null }) };
};

/** Repeats the report until the inventory has it, because it is not known when the listener has subscribed. */
const until = (work: () => Promise<unknown>) => vi.waitFor(work, { timeout: 20_000, interval: 100 });

/** Starts a dock without an aircraft, which reports all its properties until the test is over. */
function speaking(): void {
  const alone = { mode_code: 0, emergency_stop_state: 0, drone_in_dock: 0, sub_device: { device_paired: 0 } };
  const speak = setInterval(() => {
    void report(DOCK, { ...alone, firmware_version: '1.0' }, 'osd').catch(() => {});
  }, 50);
  cleanups.push(() => clearInterval(speak));
}

const manifestOf = (version: string, more: object = {}) =>
  place.put(
    'fleet.json',
    BOTH.map((sn) => ({ sn, product_version: version, labels: { site: 'north' }, ...more })),
  );

describe('every command that listens feeds the inventory', () => {
  it('devices once, and devices --watch to its end', async () => {
    const sub = { device_sn: AIRCRAFT, device_model_key: '0-100-1', device_online_status: 0, device_paired: 1 };
    const speak = setInterval(() => {
      void report(DOCK, { mode_code: 0, emergency_stop_state: 0, drone_in_dock: 1, sub_device: sub }, 'osd').catch(
        () => {},
      );
      void report(DOCK, { firmware_version: '17.07.0401', compatible_status: 0 }).catch(() => {});
    }, 50);
    cleanups.push(() => clearInterval(speak));
    const listed = await place.run(['devices', '--pid', DOCK, '--broker', aedes.url]);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const first = await inventory();
    expect(first.devices).toMatchObject([
      { sn: DOCK, pid: DOCK, firmware_version: '17.07.0401', version_heard_by: 'devices', compatible_status: 0 },
      { sn: AIRCRAFT, pid: DOCK, model_name: 'M4TD', firmware_version: null, heard_by: 'devices' },
    ]);
    const watching = place.start(['devices', '--all', '--watch', '--broker', aedes.url]);
    await watching.said(AIRCRAFT);
    await report(AIRCRAFT, { firmware_version: '17.06.0100' });
    await watching.said('17.06.0100');
    watching.kill('SIGTERM');
    expect((await watching.ended).code).toBe(143);
    expect((await inventory()).devices[1]).toMatchObject({ sn: AIRCRAFT, firmware_version: '17.06.0100' });
  });

  it('watch, silently, and also the aircraft that an upgrade names', async () => {
    const watching = place.start(['watch', '--pid', DOCK, '--broker', aedes.url, '--follow', '--output', 'json']);
    const create = { method: 'ota_create', bid: 'B', tid: 'T', data: { devices: BOTH.map((sn) => ({ sn })) } };
    // Progress that is delivered before the request would be followed without the names of its devices.
    await until(async () => expect(subscribed).toContain(topicOf('services', DOCK)));
    await until(async () => {
      await publish(topicOf('services', DOCK), create);
      await publish(topicOf('events', DOCK), {
        method: 'ota_progress',
        bid: 'B',
        data: { output: { status: 'sent' } },
      });
      expect(watching.stdout).toContain(`"sn":"${AIRCRAFT}"`);
    });
    await until(async () => {
      for (const sn of BOTH) await report(sn, { firmware_version: sn === DOCK ? '17.07.0401' : '17.06.0100' });
      expect(subscribed).toContain(topicOf('state', AIRCRAFT));
    });
    // When the later report has arrived, so has the earlier one.
    for (const sn of BOTH) await report(sn, { firmware_version: sn === DOCK ? '17.07.0401' : '17.06.0100' });
    await publish(topicOf('events', DOCK), { method: 'ota_progress', bid: 'B', data: { output: { status: 'ok' } } });
    await watching.said('"status":"ok"');
    watching.kill('SIGTERM');
    const { stdout } = await watching.ended;
    expect(stdout).not.toContain('warning');
    expect(stdout.trim().split('\n').at(-1)).toContain('run_finished');
    expect((await inventory()).devices).toMatchObject([
      { sn: DOCK, firmware_version: '17.07.0401', version_heard_by: 'watch' },
      { sn: AIRCRAFT, firmware_version: '17.06.0100', version_heard_by: 'watch' },
    ]);
  });

  it('resume', async () => {
    const manifest = await place.put('one.json', [{ sn: DOCK, pid: DOCK, product_version: '17.07.0401' }]);
    const pushing = place.start(['push', manifest, '--broker', aedes.url, '--output', 'json']);
    await pushing.said('job_published');
    pushing.kill('SIGTERM');
    await pushing.ended;
    subscribed.clear();
    const resuming = place.start(['resume', '--broker', aedes.url, '--output', 'json']);
    await until(async () => {
      await report(DOCK, { firmware_version: '17.07.0401' });
      expect(subscribed).toContain(topicOf('state', DOCK));
    });
    await report(DOCK, { firmware_version: '17.07.0401' });
    const { bid } = JSON.parse(pushing.stdout.split('\n').find((line) => line.includes('job_published')) ?? '{}');
    await publish(topicOf('events', DOCK), { method: 'ota_progress', bid, data: { output: { status: 'ok' } } });
    expect((await resuming.ended).code).toBe(0);
    expect((await inventory()).devices).toMatchObject([{ sn: DOCK, version_heard_by: 'resume' }]);
  });
});

describe('inventory', () => {
  const HOUR = 3_600_000;
  const file = () => join(place.folder, 'home', 'state', 'inventory.json');

  async function known(...rows: [sn: string, version: string | null, at: number][]) {
    const devices = rows.map(([sn, version, at]) => [sn, DOCK, version, version && at, 'devices', at, 'devices']);
    const keys = ['sn', 'pid', 'firmware_version', 'version_at', 'version_by', 'heard_at', 'heard_by'];
    await mkdir(join(place.folder, 'home', 'state'), { recursive: true, mode: 0o700 });
    await writeFile(file(), JSON.stringify({ schema: 1, keys, devices, products: {} }), { mode: 0o600 });
  }

  it('--target ends with 0, 1 or 5, and shows how old a report is', async () => {
    const manifest = await manifestOf('17.07.04.01');
    const old = Date.now() - 40 * 24 * HOUR;
    await known([DOCK, '17.07.0401', Date.now()], [AIRCRAFT, '17.07.0401', old]);
    expect(await inventory('--target', manifest)).toMatchObject({
      code: 0,
      totals: { current: 2, drift: 0, unknown: 0, not_checked: 0 },
      devices: [
        { sn: DOCK, pid: DOCK, labels: { site: 'north' } },
        { sn: AIRCRAFT, pid: DOCK, state: 'current' },
      ],
    });
    const table = await place.run(['inventory', '--target', manifest]);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toContain('40d ago, devices');
    expect(await inventory('--target', manifest, '--max-age', '30d')).toMatchObject({ code: 5 });
    await known([DOCK, '17.06.0100', Date.now()], [AIRCRAFT, null, Date.now()]);
    expect(await inventory('--target', manifest)).toMatchObject({ code: 1, totals: { drift: 1, unknown: 1 } });
    expect(await inventory('--target', manifest, '--only', AIRCRAFT)).toMatchObject({ code: 5 });
    expect(await inventory('--target', manifest, '--select', 'site=north')).toMatchObject({ code: 1 });
    expect(await inventory()).toMatchObject({ code: 0, totals: null });
  });

  it('is empty at first, which is no error, and drift is not known then', async () => {
    expect(await inventory()).toMatchObject({ code: 0, devices: [] });
    const manifest = await manifestOf('17.07.04.01');
    expect(await inventory('--target', manifest)).toMatchObject({ code: 5, totals: { unknown: 2 } });
    expect(await place.run(['inventory'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('The inventory is empty'),
    });
  });

  it('as CSV begins with a byte order mark', async () => {
    await known([DOCK, '17.07.0401', Date.now()]);
    const { stdout } = await place.run(['inventory', '--output', 'csv']);
    expect(stdout).toMatch(/^\ufeffpid,sn,/);
    expect(stdout.split('\r\n')).toHaveLength(3);
  });

  it('forgets what is named, or old, and nothing else', async () => {
    await known([DOCK, '1.0', Date.now()], [AIRCRAFT, '1.0', Date.now() - 100 * 24 * HOUR], ['X', null, Date.now()]);
    const forget = (...args: string[]) => place.run(['inventory', 'forget', ...args]);
    expect(await forget()).toMatchObject({ code: 2 });
    expect(await forget('Y')).toMatchObject({ code: 2, stderr: expect.stringContaining('"Y" matches no device') });
    expect(await forget('--older-than', '90d', '--dry-run')).toMatchObject({ code: 0, stdout: `${AIRCRAFT}\n` });
    expect((await inventory()).devices).toHaveLength(3);
    expect(await forget('--older-than', '90d')).toMatchObject({ code: 0, stdout: `${AIRCRAFT}\n` });
    expect(await forget('X')).toMatchObject({ code: 0, stdout: 'X\n', stderr: '1 device forgotten.\n' });
    expect((await inventory()).devices).toMatchObject([{ sn: DOCK }]);
  });

  it.each(['{"devices":', '{"schema":1,"devices":[7]}', 'PK\u0003\u0004'])(
    '%j is a warning, and is not lost',
    async (text) => {
      await known();
      await writeFile(file(), text);
      const listed = await inventory();
      expect(listed).toMatchObject({ code: 0, devices: [], stderr: expect.stringContaining('is damaged') });
      speaking();
      await place.run(['devices', '--pid', DOCK, '--broker', aedes.url]);
      expect(await inventory()).toMatchObject({ stderr: '', devices: [{ sn: DOCK, firmware_version: '1.0' }] });
      expect(await readFile(`${file()}.broken`, 'utf8')).toBe(text);
      expect((await stat(file())).mode & 0o777).toBe(0o600);
    },
  );
});

describe('processes', () => {
  it('two that listen at once, and one that is killed while it does: what each wrote stays', async () => {
    const other = '7CTXN4A00B0002';
    const run = (sn: string) => place.spawn(['devices', '--pid', sn, '--broker', aedes.url, '--watch']);
    const programs = [DOCK, other].map(run);
    const doomed = run('7CTXN4A00B0003');
    await until(async () => {
      for (const sn of [DOCK, other, '7CTXN4A00B0003']) {
        await publish(topicOf('osd', sn), { data: { firmware_version: '1.0', mode_code: 0 }, gateway: sn });
      }
      for (const each of [...programs, doomed]) expect(each.stdout).toContain('1.0');
    });
    doomed.child.kill('SIGKILL');
    for (const each of programs) each.kill('SIGTERM');
    expect(await Promise.all(programs.map(async ({ ended }) => (await ended).code))).toEqual([143, 143]);
    expect((await inventory()).devices).toMatchObject([{ sn: DOCK }, { sn: other }]);
    expect(await readdir(join(place.folder, 'home', 'state'))).toEqual(['inventory.json']);
  });

  it.skipIf(process.getuid?.() !== 0)('a home that cannot be written is a warning, and the list is whole', async () => {
    await mkdir(join(place.folder, 'home'), { mode: 0o755 });
    await chmod(place.folder, 0o755);
    speaking();
    const args = ['devices', '--pid', DOCK, '--broker', aedes.url];
    const { code, stdout, stderr } = await place.spawn(args, { uid: 65_534, cwd: '/' }).ended;
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('1.0') });
    expect(stderr).toContain('cannot be stored in the inventory: permission denied');
  });
});
