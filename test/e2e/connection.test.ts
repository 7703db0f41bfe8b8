/**
 * Connecting to brokers: logins, certificates, WebSocket, brokers that are missing or go away, and the messages that are sent.
 */
import { access } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/broker-recorder.js';
import { makeCertificates } from '../helpers/certificates.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { type Client, docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { type Mosquitto, type MosquittoOptions, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { startTcpProxy } from '../helpers/tcp-proxy.js';

describe.skipIf(!mosquittoAvailable())('connection', { concurrent: true }, () => {
  const certificates = makeCertificates();
  const { ca, server, client } = certificates;
  const ends: (() => Promise<unknown>)[] = [];
  let place: Workplace;
  beforeAll(async () => {
    place = await workplace();
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
    await place?.close();
  });

  async function start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const broker = (await startMosquitto(options)) as Mosquitto;
    ends.push(broker.stop);
    return broker;
  }

  async function observe(...args: Parameters<typeof listen>): Promise<Client> {
    const observer = await listen(...args);
    ends.push(observer.close);
    return observer;
  }

  it('logs in with a password from the environment or a file, and is told at once where it is wrong', async () => {
    const broker = await start({ password: { username: 'ota', password: 's3cr3t' } });
    const devices = someDevices(1);
    ends.push(await docksFor(broker.url, devices, { client: { username: 'ota', password: 's3cr3t' } }));
    const push = ['push', await place.put('login.json', devices), '--broker', broker.url, '--username', 'ota'];
    expect(await place.run(push, { env: { DJI_OTA_PASSWORD: 's3cr3t' } })).toMatchObject({ code: 0 });
    // As in a secret of Kubernetes.
    const secrets = { DJI_OTA_BROKER: `${broker.url}\n`, DJI_OTA_USERNAME: 'ota\r\n', DJI_OTA_PASSWORD: 's3cr3t\n' };
    const output = { DJI_OTA_OUTPUT: 'json\n', DJI_OTA_HOME: `${place.folder}/line-end\n` };
    const fromSecrets = await place.run(push.slice(0, 2), { env: { ...secrets, ...output } });
    expect(fromSecrets).toMatchObject({ code: 0 });
    expect(jsonLines(fromSecrets).of('run_finished')).toHaveLength(1);
    await access(`${place.folder}/line-end/state/runs`);
    const file = await place.put('password', 's3cr3t\n');
    expect(await place.run([...push, '--password-file', file])).toMatchObject({ code: 0 });

    const wrong = ['--output', 'json', '--connect-timeout', '20s'];
    const result = await place.run([...push, ...wrong], { env: { DJI_OTA_PASSWORD: 'hunter2' } });
    expect(result.code).toBe(4);
    expect(jsonLines(result).of('error')[0]).toMatchObject({ code: 'broker_refused', exit_code: 4 });
    expect(result.stderr).toMatch(/user name or password|not authorized|login/i);
    expect(result.stdout + result.stderr).not.toContain('hunter2');
    // Once in MQTT 5, and no further attempt.
    const refusals = () => broker.log().match(/not authorised|Bad username/g)?.length ?? 0;
    await until(() => refusals() > 0);
    expect(refusals()).toBeLessThanOrEqual(2);
  });

  it('shows its certificate over TLS, checks the broker’s, and names the reason where that fails', async () => {
    const broker = await start({ tls: { server, ca }, clientCert: true });
    const devices = someDevices(1);
    const tls = { ca: ca.cert, cert: client.cert, key: client.key };
    ends.push(await docksFor(broker.url, devices, { client: tls }));
    const put = async (name: string, content: Buffer) => place.put(name, content);
    const push = ['push', await place.put('tls.json', devices), '--broker', broker.url];
    const trust = ['--ca', await put('ca.pem', ca.cert)];
    const identity = ['--cert', await put('c.pem', client.cert), '--key', await put('c.key', client.key)];
    expect(await place.run([...push, ...trust, ...identity])).toMatchObject({ code: 0 });
    const insecure = await place.run([...push, ...identity, '--insecure']);
    expect(insecure.code).toBe(0);
    expect(insecure.stderr).toMatch(/warning:.*certificate/);

    const unknown = await place.run([...push, ...identity, '--connect-timeout', '20s']);
    expect(unknown.code).toBe(4);
    expect(unknown.stderr).toMatch(/certificate/);
    expect(unknown.stderr).toMatch(/--ca/);
    const nameless = await place.run([...push, ...trust, '--connect-timeout', '3s']);
    expect(nameless.code).toBe(4);
    expect(nameless.stderr).toMatch(/certificate/);
  });

  it('goes over WebSocket', async () => {
    const broker = await start({ websocket: true });
    const devices = someDevices(1);
    ends.push(await docksFor(broker.url, devices));
    const push = ['push', await place.put('ws.json', devices), '--broker', broker.url, '--output', 'json'];
    const result = await place.run(push);
    expect(jsonLines(result).last).toMatchObject({ exit_code: 0, totals: { ok: 1 } });
  });

  it('finds a lost broker again, and the run goes on', async () => {
    const broker = await start();
    const proxy = await startTcpProxy(broker.port);
    ends.push(() => proxy.stop());
    const devices = someDevices(1);
    ends.push(await docksFor(broker.url, devices, { behavior: { download_seconds: 3 } }));
    const url = `mqtt://127.0.0.1:${proxy.port}`;
    const run = place.start(['push', await place.put('lost.json', devices), '--broker', url, '--output', 'json']);
    await run.said('device_progress');
    proxy.cut();
    const { of, last } = jsonLines(await run.ended);
    expect(of('broker_lost')).toHaveLength(1);
    expect(of('broker_restored')).toHaveLength(1);
    expect(of('job_published')).toHaveLength(1);
    expect(last).toMatchObject({ exit_code: 0, totals: { ok: 1 } });
  });

  it('gives up a broker that does not come back, and says how to go on', async () => {
    const broker = await start();
    const devices = someDevices(1);
    ends.push(await docksFor(broker.url, devices, { behavior: { download_seconds: 60 } }));
    const options = ['--reconnect-timeout', '300ms', '--output', 'json'];
    const run = place.start(['push', await place.put('gone.json', devices), '--broker', broker.url, ...options]);
    await run.said('device_progress');
    await broker.kill();
    const result = await run.ended;
    const { all, of, last } = jsonLines(result);
    expect(last).toMatchObject({ exit_code: 4, totals: { unknown: 1 } });
    expect(of('error')[0]).toMatchObject({ code: 'broker_lost' });
    expect(result.stderr).toContain(`dji-ota resume ${all[0]?.run}`);
  });

  it('sends what the documentation shows, once both subscriptions are granted', async () => {
    const broker = await start({ config: ['log_type all'] });
    const observer = await observe(broker.url, ['thing/product/+/services']);
    const file_url = 'https://s3.example.com/xxx.zip?sig=a%2Fb';
    const firmware = { file_url, md5: 'ABCDEF0123456789abcdef0123456789', file_size: 653467234 };
    const [dock] = someDevices(1);
    const drone = { sn: 'drone_sn', pid: dock?.pid, product_version: '1.00.223' };
    const manifest = await place.put('seed.json', [
      { ...drone, ...firmware, file_name: 'wm245_1.00.223.zip', firmware_upgrade_type: 'consistency' },
      { ...dock, product_version: '1.00.223' },
    ]);
    const before = Date.now();
    const options = ['--broker', broker.url, '--trust-manifest', '--reply-timeout', '300ms', '--output', 'json'];
    const result = await place.run(['push', manifest, ...options]);
    expect(result.code, result.stderr).toBe(5);
    const [published] = jsonLines(result).of('job_published');
    const [sent] = observer.creates();
    expect(observer.seen).toHaveLength(1);
    expect(observer.seen[0]).toMatchObject({ topic: `thing/product/${dock?.pid}/services`, retained: false });
    // Compared as text, because the order of the keys matters.
    const expected = {
      method: 'ota_create',
      timestamp: sent?.timestamp,
      bid: published?.bid,
      tid: published?.tid,
      data: {
        devices: [
          {
            sn: 'drone_sn',
            product_version: '1.00.223',
            file_url,
            md5: 'abcdef0123456789abcdef0123456789',
            file_size: 653467234,
            file_name: 'wm245_1.00.223.zip',
            firmware_upgrade_type: 2,
          },
          { sn: dock?.sn, product_version: '1.00.223', firmware_upgrade_type: 3 },
        ],
      },
    };
    expect(observer.seen[0]?.text).toBe(JSON.stringify(expected));
    expect(sent?.timestamp).toBeGreaterThanOrEqual(before);
    expect(sent?.bid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);

    const log = broker.log().split('\n');
    const publish = log.findIndex((line) => /Received PUBLISH from dji-ota.*services/.test(line));
    expect(log[publish]).toMatch(/q1, r0/);
    const asked = log.filter((line) => /Received SUBSCRIBE from dji-ota/.test(line)).length;
    const granted = log.slice(0, publish).filter((line) => /Sending SUBACK to dji-ota/.test(line)).length;
    expect(asked).toBeGreaterThan(0);
    expect(granted).toBe(asked);
    for (const kind of ['services_reply', 'events']) {
      const topic = log.findIndex((line) => line.includes(`thing/product/${dock?.pid}/${kind} (QoS 1)`));
      expect(topic).toBeGreaterThan(-1);
      expect(topic).toBeLessThan(publish);
    }
  });

  it('is not disturbed by other messages on its topics', async () => {
    const broker = await start();
    const noise = await observe(broker.url, []);
    const devices = someDevices(2);
    const pid = devices[0]?.pid ?? '';
    const retained = { method: 'ota_progress', data: { result: 0, output: { status: 'failed' } } };
    await noise.mqtt.publishAsync(`thing/product/${pid}/events`, JSON.stringify(retained), { retain: true, qos: 1 });
    const docks = [{ index: 0, behavior: { garbage: true, foreign_bid: true, duplicates: true, need_reply: true } }];
    ends.push(await docksFor(broker.url, devices, { behavior: { download_seconds: 1 }, docks }));
    const answers = await observe(broker.url, [`thing/product/${pid}/events_reply`]);
    const push = ['push', await place.put('noise.json', devices), '--broker', broker.url, '--output', 'json'];
    const run = place.start(push);
    await run.said('device_progress');
    for (const kind of ['events', 'services_reply']) {
      const topic = `thing/product/${pid}/${kind}`;
      const deep = '['.repeat(100_000);
      for (const text of [
        '',
        'null',
        '[]',
        '{"method":"ota_progress"}',
        '{"data":{"output":{"status":{}}}}',
        deep,
        '\u0000',
      ]) {
        await noise.mqtt.publishAsync(topic, text, { qos: 1 });
      }
      await noise.mqtt.publishAsync(topic, Buffer.alloc(2 * 1024 * 1024, 0xff), { qos: 1 });
      const device = { method: 'device_exit_homing_notify', data: { output: { status: 'failed' } } };
      await noise.mqtt.publishAsync(topic, JSON.stringify(device), { qos: 1 });
    }
    const { last, of } = jsonLines(await run.ended);
    expect(last).toMatchObject({ exit_code: 0, totals: { ok: 2 } });
    expect(of('broker_lost')).toEqual([]);
    const sent = answers.seen.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    expect(sent.length).toBeGreaterThan(0);
    for (const one of sent) expect(one).toMatchObject({ method: 'ota_progress', data: { result: 0 } });
  });
});
