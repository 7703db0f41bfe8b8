import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { showDevices } from '../../src/cli/commands/devices/devices.js';
import type { DevicesOptions } from '../../src/cli/commands/devices/options.js';
import type { ManifestDevice } from '../../src/manifest/model.js';
import type { Broker, BrokerEvents } from '../../src/mqtt/broker.js';
import { connectBroker } from '../../src/mqtt/connect.js';
import { topicOf } from '../../src/protocol/topics.js';
import { type AttachedDocks, attachDocks, startSimulator } from '../../src/simulator/fleet.js';
import { builtInScenario } from '../../src/simulator/scenario/scenarios.js';
import { startAedes } from '../helpers/aedes.js';
import { splitIo } from '../helpers/inside.js';
import { mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let clients = 0;
function connect(url: string, events: BrokerEvents): Promise<Broker> {
  return connectBroker(
    {
      url,
      clientId: `devices-test-${process.pid}-${clients++}`,
      mqttVersion: 'auto',
      connectTimeout: 10_000,
      reconnectTimeout: 10_000,
      sessionExpiry: 0,
    },
    events,
  );
}

type Asked = Partial<Omit<DevicesOptions, 'target'>> & { target?: ManifestDevice[] };

function run(url: string, { target, ...options }: Asked, onOutput: (text: string) => void = () => {}) {
  const abort = new AbortController();
  const { io, out, err } = splitIo({ signal: abort.signal });
  io.stdout.on('data', onOutput);
  const code = showDevices(
    { output: 'json', timeout: 20_000, ...options },
    target,
    (events) => connect(url, events),
    io,
  );
  cleanups.push(() => {
    abort.abort();
    return code.catch(() => {});
  });
  return { code, abort, out, err };
}

describe('simulated docks', () => {
  it('are listed with their aircraft, and with what a push would do', async () => {
    const scenario = builtInScenario('talkative') ?? undefined;
    const simulator = await startSimulator({ port: 0, docks: 3, telemetry: 100, scenario });
    cleanups.push(() => simulator.close());
    const [first, second, third] = simulator.docks.map((dock) => dock.pid) as [string, string, string];
    const sn = first.replace('7CTDM3D00B', '1581F6Q8D00B');
    const devices = [
      { sn: first, pid: first, product_version: '17.07.0401' },
      { sn, pid: first, product_version: '99.01.0001' },
    ] as ManifestDevice[];
    const { code, out, err } = run(simulator.url, { pid: [first, second], target: devices });
    expect(await code).toBe(0);
    expect(err()).toBe('');
    const rows = JSON.parse(out()).devices;
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatchObject({
      sn: first,
      kind: 'dock',
      firmware_version: '17.07.04.01',
      firmware_version_live: true,
      online: true,
      ready: true,
      action: 'current',
    });
    expect(rows[1]).toMatchObject({
      sn,
      pid: first,
      kind: 'aircraft',
      model_name: 'M4TD',
      online: true,
      ready: true,
      reasons: [],
      action: 'upgrade',
    });
    expect(rows.map((row: { pid: string }) => row.pid)).not.toContain(third);

    const all = run(simulator.url, { all: true, output: 'table', timeout: 1_500 });
    expect(await all.code).toBe(0);
    expect(all.out().split('\n').filter(Boolean)).toHaveLength(8);
  });

  it('that told their versions before anyone listened are ready, and their versions unknown', async () => {
    const simulator = await startSimulator({ port: 0, docks: 1, telemetry: 100 });
    cleanups.push(() => simulator.close());
    const { code, out } = run(simulator.url, { all: true, timeout: 1_000 });
    expect(await code).toBe(0);
    const known = { firmware_version: null, ready: true };
    expect(JSON.parse(out()).devices).toMatchObject([
      known,
      { ...known, model_name: 'M4TD', capacity_percent: 86, asleep: true },
    ]);
  });
});

describe.skipIf(!mosquittoAvailable())('on mosquitto', () => {
  it('--watch follows a dock and its aircraft, over a restart of the broker too', async () => {
    const mosquitto = await startMosquitto();
    if (!mosquitto) return;
    cleanups.push(() => mosquitto.stop());
    const publisher = await connect(mosquitto.url, { onMessage: () => {} });
    cleanups.push(() => publisher.close());
    const tell = (serial: string, data: object) => publisher.publish(topicOf('osd', serial), JSON.stringify({ data }));
    const repeat = (serial: string, data: object) => {
      // Messages that are still pending at the end of the test fail with the connection, which is harmless.
      const timer = setInterval(() => tell(serial, data).catch(() => {}), 100);
      cleanups.push(() => clearInterval(timer));
      return () => clearInterval(timer);
    };

    const rows: Record<string, unknown>[] = [];
    let wake = () => {};
    const until = async (condition: () => boolean) => {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const { code, abort } = run(mosquitto.url, { pid: ['DOCK1'], watch: true, timeout: 500 }, (text) => {
      rows.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
      wake();
    });
    // When the row is offline, the subscription exists, and no later message is missed.
    await until(() => rows.length === 1);
    expect(rows[0]).toMatchObject({ event: 'device', sn: 'DOCK1', online: false, ready: false });

    const aircraft = { device_sn: 'AIR1', device_model_key: '0-100-1', device_online_status: 1, device_paired: 1 };
    await tell('DOCK1', { mode_code: 0, emergency_stop_state: 0, firmware_version: '14.1' });
    await tell('DOCK1', { drone_in_dock: 1, sub_device: aircraft });
    await until(() => rows.some((row) => row.sn === 'AIR1' && row.ready === true));
    // The aircraft's own topics are subscribed by now or soon, so the report is repeated, as aircraft do.
    const stopAircraft = repeat('AIR1', { firmware_version: '17.02.05.01' });
    await until(() => rows.some((row) => row.sn === 'AIR1' && row.firmware_version === '17.02.05.01'));
    stopAircraft();

    await mosquitto.restart();
    const stopDock = repeat('DOCK1', { mode_code: 4 });
    await until(() => rows.some((row) => row.sn === 'DOCK1' && row.mode_code === 4));
    stopDock();
    abort.abort();
    expect(await code).toBe(130);
  });

  it('lists docks that are its clients, and marks retained reports of one that is gone', async () => {
    const mosquitto = await startMosquitto();
    if (!mosquitto) return;
    cleanups.push(() => mosquitto.stop());
    let docks: AttachedDocks | undefined;
    const connection = await connect(mosquitto.url, {
      onMessage: (message) => docks?.receive(message.topic, message.payload),
    });
    cleanups.push(() => connection.close());
    docks = await attachDocks(connection, { docks: 2, telemetry: 100 });
    cleanups.push(() => docks?.stop());
    const pids = docks.docks.map((dock) => dock.pid);
    const publisher = await connectAsync(mosquitto.url);
    cleanups.push(() => publisher.endAsync());
    const kept = JSON.stringify({ data: { firmware_version: '10.01.1606' } });
    await publisher.publishAsync(topicOf('state', 'GONE'), kept, { qos: 1, retain: true });
    const { code, out } = run(mosquitto.url, { pid: [...pids, 'GONE'], timeout: 2_000 });
    expect(await code).toBe(0);
    const rows = JSON.parse(out()).devices;
    expect(rows.map((row: { ready: boolean }) => row.ready)).toEqual([true, true, true, true, false]);
    expect(rows[4]).toMatchObject({
      sn: 'GONE',
      firmware_version: '10.01.1606',
      firmware_version_live: false,
      last_heard: null,
      online: false,
      reasons: [{ code: 'offline' }],
    });
  });
});

it('fails where the broker denies the topics', async () => {
  const aedes = await startAedes({
    authorizeSubscribe: (_client, subscription, callback) =>
      callback(null, subscription.topic.includes('DOCK1') ? null : subscription),
  });
  cleanups.push(() => aedes.stop());
  const { code, out } = run(aedes.url, { pid: ['DOCK1'] });
  await expect(code).rejects.toMatchObject({ code: 'broker_refused', exitCode: 4 });
  expect(out()).toBe('');
});
