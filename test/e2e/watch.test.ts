/** `watch`: follows upgrades of another program, and publishes nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type CliRun, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, type DockOptions, docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';

describe('watch', () => {
  let broker: AedesServer;
  let other: Client;
  let place: Workplace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = await startAedes();
    other = await listen(broker.url, []);
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await other?.close();
    await broker?.stop();
    await place?.close();
  });

  async function fleet(gateways: number, options: DockOptions = {}): Promise<string[]> {
    const devices = someDevices(gateways);
    ends.push(await docksFor(broker.url, devices, options));
    return devices.map(({ pid }) => pid);
  }

  /** Starts a watch, and resolves when it listens. */
  async function watch(pids: string[], ...more: string[]): Promise<CliRun> {
    const args = ['watch', '--broker', broker.url, '--output', 'json', ...more];
    const process = place.start([...args, '--pid', pids.join(',')]);
    await broker.subscribed(/^dji-ota-/, `thing/product/${pids.at(-1)}/services`);
    return process;
  }

  async function create(pid: string, bid: string, sns = [pid]): Promise<void> {
    const devices = sns.map((sn) => ({ sn, product_version: '1.0', firmware_upgrade_type: 3 }));
    const message = { method: 'ota_create', tid: `tid-${bid}`, bid, timestamp: Date.now(), data: { devices } };
    await other.mqtt.publishAsync(`thing/product/${pid}/services`, JSON.stringify(message), { qos: 1 });
  }

  async function progress(pid: string, bid: string, output: object): Promise<void> {
    const message = { method: 'ota_progress', tid: 't', bid, timestamp: Date.now(), data: { result: 0, output } };
    await other.mqtt.publishAsync(`thing/product/${pid}/events`, JSON.stringify(message), { qos: 1 });
  }

  it('names the devices of an upgrade whose start it saw, and ends with it', async () => {
    const [pid = ''] = await fleet(1);
    const run = await watch([pid]);
    await create(pid, 'seen', [pid, 'drone']);
    const { last, of, all } = jsonLines(await run.ended);
    expect(all[0]).toMatchObject({ event: 'run_started', command: 'watch', gateways: 1 });
    expect(last).toMatchObject({ exit_code: 0, totals: { ok: 2 } });
    expect(last.devices.map(({ sn }) => sn)).toEqual([pid, 'drone']);
    expect(of('device_progress').every(({ bid }) => bid === 'seen')).toBe(true);
  });

  it('follows one that it meets half-way, without names', async () => {
    const [pid = ''] = await fleet(1);
    const run = await watch([pid]);
    await progress(pid, 'half', { status: 'in_progress', progress: { percent: 50, step_key: 'upgrade_firmware' } });
    await run.said('device_progress');
    await progress(pid, 'half', { status: 'failed', progress: { percent: 60, step_key: 'upgrade_firmware' } });
    const { last } = jsonLines(await run.ended);
    expect(last).toMatchObject({ exit_code: 1, devices: [{ pid, sn: null, status: 'failed', percent: 60 }] });
  });

  it('follows only --bid', async () => {
    const [pid = ''] = await fleet(1);
    const run = await watch([pid], '--bid', 'mine');
    await progress(pid, 'theirs', { status: 'failed' });
    await progress(pid, 'mine', { status: 'ok' });
    const { last, of } = jsonLines(await run.ended);
    expect(last).toMatchObject({ exit_code: 0, totals: { ok: 1, failed: 0 } });
    expect(of('device_finished').map(({ bid }) => bid)).toEqual(['mine']);
  });

  it('goes on with --follow until it is told to end', async () => {
    const pids = await fleet(2);
    const run = await watch(pids, '--follow');
    for (const [index, pid] of pids.entries()) {
      await progress(pid, `bid-${index}`, { status: 'ok' });
      await run.said(`"bid-${index}"`);
    }
    run.kill('SIGTERM');
    expect(jsonLines(await run.ended).last).toMatchObject({ exit_code: 143, totals: { ok: 2 } });
  });

  it('ends with 5 where nothing was seen in time', async () => {
    const result = await place.run([
      'watch',
      '--broker',
      broker.url,
      '--pid',
      'NOBODY',
      '--timeout',
      '3s',
      '--output',
      'json',
    ]);
    expect(jsonLines(result).last).toMatchObject({ exit_code: 5, devices: [] });
    expect(result.stderr).toMatch(/^No upgrade was seen/m);
  });

  it('wants to know which gateway', async () => {
    const result = await place.run(['watch', '--broker', broker.url]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(/--pid/);
  });

  it('publishes nothing', () => {
    expect(broker.published.length).toBeGreaterThan(0);
    expect(broker.published.filter(({ client }) => client.startsWith('dji-ota-'))).toEqual([]);
  });
});
