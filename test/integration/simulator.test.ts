import { connect as connectTcp, createServer } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runSimulator } from '../../src/cli/commands/simulate/simulate.js';
import { otaCreate, readProgress, readReply } from '../../src/protocol/messages.js';
import { topicOf } from '../../src/protocol/topics.js';
import { attachDocks, type DockConnection, startSimulator } from '../../src/simulator/fleet.js';
import { builtInScenario } from '../../src/simulator/scenario/scenarios.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function simulator(options: Partial<Parameters<typeof startSimulator>[0]> = {}) {
  const started = await startSimulator({ docks: 2, speed: 50, ...options });
  closing.push(() => started.close());
  return started;
}

interface Heard {
  topic: string;
  payload: Buffer;
  retain: boolean;
}

async function client(url: string, topics: string[], options: IClientOptions = {}) {
  const heard: Heard[] = [];
  const connection: MqttClient = mqtt.connect(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
  closing.push(() => connection.endAsync(true));
  connection.on('message', (topic, payload, packet) => heard.push({ topic, payload, retain: packet.retain }));
  await new Promise<void>((resolve, reject) => {
    connection.once('connect', () => resolve());
    connection.once('error', reject);
  });
  if (topics.length > 0) await connection.subscribeAsync(topics, { qos: 1 });
  return { connection, heard };
}

const ON_ALL = ['thing/product/+/services_reply', 'thing/product/+/events', 'thing/product/+/state'];
const soon = { timeout: 25_000, interval: 20 };

function request(pid: string, sn = `A${pid}`, bid = `bid-${pid}`) {
  return otaCreate({ tid: `tid-${pid}`, bid, timestamp: 1 }, [
    { sn, product_version: '17.02.0501', firmware_upgrade_type: 3, file: null },
    { sn: pid, product_version: '10.01.1700', firmware_upgrade_type: 3, file: null },
  ]);
}

const endings = (heard: Heard[]) =>
  heard.flatMap(({ topic, payload }) => (readProgress(payload)?.status === 'ok' ? [topic] : []));

describe('the embedded broker with its docks', () => {
  it('runs an upgrade of two docks to their ends', async () => {
    const { url, docks } = await simulator();
    const { connection, heard } = await client(url, ON_ALL);
    const pids = docks.map((dock) => dock.pid);
    for (const dock of docks) {
      await connection.publishAsync(topicOf('services', dock.pid), request(dock.pid, dock.devices[1]?.sn), { qos: 1 });
    }
    await vi.waitFor(() => expect(endings(heard).sort()).toEqual(pids.map((pid) => topicOf('events', pid))), soon);
    const replies = heard.filter(({ topic }) => topic.endsWith('/services_reply'));
    expect(replies.map(({ payload }) => readReply(payload)?.tid).sort()).toEqual(pids.map((pid) => `tid-${pid}`));
    await vi.waitFor(() => {
      for (const device of docks.flatMap((dock) => dock.devices)) {
        const state = heard.findLast(({ topic }) => topic === topicOf('state', device.sn));
        expect(JSON.parse(String(state?.payload)).data).toEqual({
          firmware_version: docks.some((dock) => dock.pid === device.sn) ? '10.01.1700' : '17.02.0501',
          compatible_status: 0,
          firmware_upgrade_status: 0,
        });
      }
    }, soon);
  });

  it('runs a fleet of 500 docks, and sends the messages of all to one subscriber', async () => {
    const { url, docks } = await simulator({ docks: 500, speed: 20, scenario: builtInScenario('fleet') ?? undefined });
    const { connection } = await client(url, ON_ALL);
    const ended = new Map<string, number>();
    connection.on('message', (topic, payload) => {
      if (readProgress(payload)?.status === 'ok') ended.set(topic, (ended.get(topic) ?? 0) + 1);
    });
    await Promise.all(
      docks.map(({ pid }) => connection.publishAsync(topicOf('services', pid), request(pid), { qos: 1 })),
    );
    await vi.waitFor(() => expect(ended.size).toBe(500), soon);
    expect(Math.max(...ended.values())).toBe(1);
  });

  it('refuses MQTT 5 so that a client can come back with 3.1.1 at once', async () => {
    const { url } = await simulator();
    await expect(client(url, [], { protocolVersion: 5 })).rejects.toMatchObject({ code: 1 });
    const { connection } = await client(url, []);
    expect(connection.connected).toBe(true);
  });

  it('answers events_reply: an answered event does not come again', async () => {
    const { url, docks } = await simulator({ docks: 1, scenario: builtInScenario('need-reply') ?? undefined });
    const [dock] = docks;
    const { connection, heard } = await client(url, ON_ALL);
    connection.on('message', (topic, payload) => {
      const event = topic.endsWith('/events') ? readProgress(payload) : null;
      if (!event?.needReply) return;
      const answer = { method: 'ota_progress', bid: event.bid, tid: event.tid, timestamp: 1, data: { result: 0 } };
      connection.publish(topicOf('events_reply', dock?.pid ?? ''), JSON.stringify(answer), { qos: 1 });
    });
    await connection.publishAsync(topicOf('services', dock?.pid ?? ''), request(dock?.pid ?? ''), { qos: 1 });
    await vi.waitFor(() => expect(endings(heard)).toHaveLength(1), soon);
    await vi.waitFor(() => expect(dock?.counts.answered).toBe(dock?.counts.events), soon);
    expect(dock?.counts.unanswered).toBe(0);
  });

  it('retains an old ota_progress for later subscribers', async () => {
    const { url } = await simulator({ docks: 1, scenario: builtInScenario('retained') ?? undefined });
    const { heard } = await client(url, ON_ALL);
    await vi.waitFor(() => expect(heard.filter((message) => message.retain)).toHaveLength(1), soon);
  });

  it('delivers what is overtaken: QoS 0 right after QoS 1', async () => {
    const { url, broker } = await simulator({ docks: 1, telemetry: null });
    const { heard } = await client(url, ['order/#']);
    for (let i = 0; i < 50; i++) {
      void broker.publish({ topic: `order/${i}`, payload: 'one', qos: 1, retain: false });
      void broker.publish({ topic: `order/${i}`, payload: 'zero', qos: 0, retain: false });
    }
    await vi.waitFor(() => expect(heard).toHaveLength(100), soon);
    expect(heard.filter(({ payload }) => payload.toString() === 'one')).toHaveLength(50);
  });

  it('keeps events for a session that comes back', async () => {
    const { url, docks } = await simulator({ docks: 1 });
    const pid = docks[0]?.pid ?? '';
    const session = { clientId: 'session', clean: false };
    const first = await client(url, ON_ALL, session);
    await first.connection.publishAsync(topicOf('services', pid), request(pid), { qos: 1 });
    await vi.waitFor(() => expect(first.heard.length).toBeGreaterThan(2), soon);
    await first.connection.endAsync();
    await vi.waitFor(() => expect(docks[0]?.busy).toBe(false), soon);
    const second = await client(url, [], session);
    await vi.waitFor(() => expect(endings(second.heard)).toEqual([topicOf('events', pid)]), soon);
  });

  it('comes back on its port after a restart, with every client dropped', async () => {
    const { url, port, restart, docks } = await simulator({ docks: 1 });
    const { connection } = await client(url, []);
    const dropped = new Promise<void>((resolve) => connection.once('close', () => resolve()));
    await restart();
    await dropped;
    const again = await client(url, ON_ALL);
    expect(new URL(url).port).toBe(String(port));
    const pid = docks[0]?.pid ?? '';
    await again.connection.publishAsync(topicOf('services', pid), request(pid), { qos: 1 });
    await vi.waitFor(() => expect(endings(again.heard)).toHaveLength(1), soon);
  });

  it('speaks over WebSocket', async () => {
    const { wsUrl, docks } = await simulator({ docks: 1, wsPort: 0 });
    const pid = docks[0]?.pid ?? '';
    const { connection, heard } = await client(wsUrl ?? '', ON_ALL);
    await connection.publishAsync(topicOf('services', pid), request(pid), { qos: 1 });
    await vi.waitFor(() => expect(endings(heard)).toHaveLength(1), soon);
  });

  it('wants the login that it was given', async () => {
    const { url } = await simulator({ username: 'ops', password: 'secret' });
    const { connection } = await client(url, [], { username: 'ops', password: 'secret' });
    expect(connection.connected).toBe(true);
    for (const login of [
      {},
      { username: 'ops' },
      { username: 'ops', password: 'Secret' },
      { username: 'root', password: 'secret' },
    ]) {
      await expect(client(url, [], login)).rejects.toMatchObject({ code: 4 });
    }
  });

  it.each(['mqtt', 'ws'])(
    'drops a client that sends too large a packet, or none at all, and lives on (%s)',
    async (kind) => {
      const { url, wsUrl, port } = await simulator({ docks: 1, wsPort: 0 });
      const { connection } = await client(kind === 'ws' ? (wsUrl ?? '') : url, []);
      const dropped = new Promise<void>((resolve) => connection.once('close', () => resolve()));
      connection.on('error', () => {});
      connection.publish('large', Buffer.alloc(5 << 20), { qos: 1 }, () => {});
      await dropped;
      const stranger = connectTcp(port, '127.0.0.1');
      stranger.on('error', () => {});
      stranger.write('GET / HTTP/1.1\r\n\r\n');
      await new Promise((resolve) => stranger.once('close', resolve));
      expect((await client(url, [])).connection.connected).toBe(true);
    },
  );

  it('says so where its port is in use, and leaves nothing open', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    closing.push(() => other.close());
    const { port } = other.address() as { port: number };
    await expect(startSimulator({ docks: 1, port })).rejects.toMatchObject({
      code: 'usage',
      message: `cannot listen on 127.0.0.1:${port}: address already in use`,
    });
    await expect(startSimulator({ docks: 1, wsPort: port })).rejects.toMatchObject({ code: 'usage' });
  });

  it('refuses a serial number that would change the topic', async () => {
    const config = { model: '3-2-0', firmware_version: '1', aircraft: [] };
    await expect(startSimulator({ docks: [{ pid: 'a/b', ...config }] })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('docks as clients of another broker', () => {
  it('run an upgrade through one connection', async () => {
    const { url } = await simulator({ docks: [] });
    const theirs = await client(url, []);
    const connection: DockConnection = {
      subscribe: async (topics) => void (await theirs.connection.subscribeAsync([...topics], { qos: 1 })),
      publish: async (topic, payload) =>
        void (await theirs.connection.publishAsync(topic, Buffer.from(payload), { qos: 1 })),
    };
    const attached = await attachDocks(connection, { docks: 30, speed: 50, telemetry: null });
    closing.push(() => attached.stop());
    theirs.connection.on('message', attached.receive);
    const { connection: ours, heard } = await client(url, ON_ALL);
    for (const { pid } of attached.docks) await ours.publishAsync(topicOf('services', pid), request(pid), { qos: 1 });
    await vi.waitFor(() => expect(new Set(endings(heard)).size).toBe(30), soon);
  });
});

describe('runSimulator', () => {
  function run(options: Parameters<typeof runSimulator>[0]) {
    const stop = new AbortController();
    const out = { stdout: '', stderr: '' };
    const code = runSimulator(options, {
      stdout: { write: (text) => (out.stdout += text) },
      stderr: { write: (text) => (out.stderr += text) },
      signal: stop.signal,
    });
    closing.push(() => {
      stop.abort();
      return code.catch(() => {});
    });
    return { out, code, stop };
  }

  it('prints its URL, logs what docks do, and ends on the signal', async () => {
    const { out, code, stop } = run({ port: 0, docks: 3, speed: 50, scenario: 'mixed' });
    await vi.waitFor(() => expect(out.stdout).toContain('Ctrl-C'), soon);
    const url = /mqtt:\/\/127\.0\.0\.1:\d+/.exec(out.stdout)?.[0] ?? '';
    expect(out.stdout).toMatch(new RegExp(`dji-ota push .* --broker ${url} --pid 7CTDM3D00B0001`));
    expect(out.stdout).toMatch(new RegExp(`dji-ota watch --broker ${url} --pid (\\w+,){2}\\w+\n`));
    const { connection } = await client(url, []);
    await connection.publishAsync(topicOf('services', '7CTDM3D00B0001'), request('7CTDM3D00B0001'), { qos: 1 });
    await vi.waitFor(() => expect(out.stderr).toMatch(/7CTDM3D00B0001 upgrade ended ok/), soon);
    expect(out.stderr).toMatch(/7CTDM3D00B0001 ota_create .* for .*\n.* 7CTDM3D00B0001 accepted/);
    stop.abort();
    expect(await code).toBe(0);
    await expect(client(url, [])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it.each([
    [{ username: 'ops' }, 'password'],
    [{ docks: 2, manifest: 'm.json' }, '--manifest'],
    [{ docks: 2, replay: 'r.jsonl' }, '--replay'],
    [{ replay: 'nowhere.jsonl' }, 'nowhere.jsonl'],
  ])('refuses %j', async (options, named) => {
    const error = await run({ port: 0, ...options }).code.catch((error: Error) => error);
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(named) });
  });
});
