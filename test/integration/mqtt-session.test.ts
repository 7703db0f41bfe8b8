import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionSettings } from '../../src/mqtt/broker.js';
import { type ConnectOptions, connectBroker } from '../../src/mqtt/connect.js';
import { startAedes } from '../helpers/aedes.js';
import { connection, recorder, rejection, until } from '../helpers/broker-recorder.js';
import { hasSession } from '../helpers/has-session.js';
import { manualClock } from '../helpers/manual-clock.js';
import { type MosquittoOptions, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { publishPacket, startRawBroker } from '../helpers/raw-broker.js';
import { startTcpProxy } from '../helpers/tcp-proxy.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function mosquitto(options: MosquittoOptions = {}) {
  const started = await startMosquitto(options);
  if (!started) throw new Error('mosquitto is missing');
  cleanups.push(started.stop);
  return started;
}

async function proxied(options: MosquittoOptions = {}) {
  const server = await mosquitto(options);
  const proxy = await startTcpProxy(server.port);
  cleanups.push(proxy.stop);
  return { server, proxy, url: `mqtt://127.0.0.1:${proxy.port}` };
}

async function connected(settings: ConnectionSettings, options: ConnectOptions = {}) {
  const record = recorder();
  const broker = await connectBroker(settings, record, options);
  cleanups.push(() => broker.close());
  return { broker, record };
}

/** Publishes like a dock, over a separate connection. */
async function publish(url: string, topic: string, ...payloads: string[]) {
  const other = await connectAsync(url);
  for (const payload of payloads) await other.publishAsync(topic, payload, { qos: 1 });
  await other.endAsync();
}

const VERSIONS = ['5', '3.1.1'] as const;

describe.skipIf(!mosquittoAvailable())('a lost connection', () => {
  it.each(VERSIONS)('is restored, and the session delivers the messages in between (MQTT %s)', async (mqttVersion) => {
    const { server, proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url, { mqttVersion, sessionExpiry: 60 }));
    await broker.subscribe(['t/events']);
    proxy.refuse(true);
    proxy.cut();
    await until(() => record.lost.length > 0);
    expect(broker.connected).toBe(false);
    await publish(server.url, 't/events', 'one', 'two');
    proxy.refuse(false);
    await until(() => record.messages.length === 2 && record.restored.length > 0);
    expect(record.texts()).toEqual(['one', 'two']);
    expect(record.restored).toEqual([true]);
    expect(record.lost).toEqual(['connection reset by the other side']);
    expect(broker.connected).toBe(true);
  });

  it.each(VERSIONS)(
    'is mended without a session, and the topics are subscribed to again (MQTT %s)',
    async (mqttVersion) => {
      const { server, proxy, url } = await proxied();
      const { broker, record } = await connected(connection(url, { mqttVersion }));
      const topics = Array.from({ length: 1000 }, (_, i) => `t/${i}`);
      await broker.subscribe(topics);
      await broker.unsubscribe(['t/1']);
      proxy.cut();
      await until(() => record.restored.length > 0);
      expect(record.restored).toEqual([false]);
      await publish(server.url, 't/1', 'not for us');
      await publish(server.url, 't/0', 'first');
      await publish(server.url, 't/999', 'last');
      await until(() => record.messages.length >= 2);
      expect(record.texts()).toEqual(['first', 'last']);
    },
  );

  it('is noticed when the broker closes its side, and when it restarts', async () => {
    const { server, proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url));
    await broker.subscribe(['t']);
    proxy.halfClose();
    await until(() => record.restored.length === 1);
    await server.restart();
    await until(() => record.restored.length === 2);
    await broker.publish('t', 'still here');
    await until(() => record.messages.length > 0);
    expect(record.lost).toHaveLength(2);
    expect(record.gone).toEqual([]);
  });

  it('is noticed when no data arrives any more', async () => {
    const { proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url), { keepalive: 1 });
    await broker.subscribe(['t']);
    proxy.blackHole(true);
    await until(() => record.lost.length > 0);
    expect(record.lost).toEqual(['the broker no longer answers']);
    proxy.blackHole(false);
    await until(() => record.restored.length > 0);
    await broker.publish('t', 'x');
  });

  it('any received data is a sign of life while the answer to a ping is delayed', async () => {
    let pings = 0;
    const raw = await startRawBroker({
      onPing(client) {
        // Messages are delivered before the answer to a ping.
        if (++pings <= 3) void client.send(publishPacket(client.version, 'a/b', String(pings)));
        return false;
      },
    });
    cleanups.push(raw.stop);
    const { record } = await connected(connection(raw.url), { keepalive: 2 });
    await until(() => record.lost.length > 0);
    expect(pings).toBe(4);
    expect(record.texts()).toEqual(['1', '2', '3']);
  });

  it('is given up after the reconnect timeout, and everything pending with it', async () => {
    const { server, proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url, { reconnectTimeout: 700 }));
    await server.kill();
    const pending = [rejection(broker.publish('t', 'x')), rejection(broker.subscribe(['t']))];
    for (const error of await Promise.all(pending)) {
      expect(error).toMatchObject({ code: 'broker_lost', message: expect.stringContaining('within 0.7 s') });
    }
    expect(record.gone).toHaveLength(1);
    expect(record.lost).toHaveLength(1);
    expect(await rejection(broker.publish('t', 'x'))).toBe(record.gone[0]);
    expect(await rejection(broker.subscribe(['t']))).toBe(record.gone[0]);
    await broker.close();
    expect(record.gone).toHaveLength(1);
    await until(() => proxy.connections === 0);
  });

  it.each(VERSIONS)('is given up at once if the login is refused (MQTT %s)', async (mqttVersion) => {
    const server = await mosquitto({ password: { username: 'ota', password: 'old' } });
    const login = { mqttVersion, username: 'ota', password: 'old', reconnectTimeout: 600_000 };
    const { broker, record } = await connected(connection(server.url, login));
    await server.stop();
    await mosquitto({ password: { username: 'ota', password: 'new' }, port: server.port });
    await until(() => record.gone.length > 0);
    expect(record.gone[0]).toMatchObject({ code: 'broker_refused', hint: expect.stringContaining('password') });
    expect(broker.connected).toBe(false);
  });
});

describe.skipIf(!mosquittoAvailable())('messages on their way', () => {
  it.each([
    ['5', 60],
    ['5', 0],
    ['3.1.1', 60],
    ['3.1.1', 0],
  ] as const)('are sent again after a loss, in order (MQTT %s, session %d s)', async (mqttVersion, sessionExpiry) => {
    const { server, proxy, url } = await proxied();
    const listener = await connected(connection(server.url));
    await listener.broker.subscribe(['t']);
    const { broker, record } = await connected(connection(url, { mqttVersion, sessionExpiry }));
    proxy.holdReplies(true);
    const sent = Array.from({ length: 200 }, (_, i) => String(i));
    const published = Promise.all(sent.map((payload) => broker.publish('t', payload)));
    // They have arrived, but their acknowledgements have not.
    await until(() => listener.record.messages.length > 0);
    proxy.cut();
    proxy.holdReplies(false);
    await published;
    expect(record.resent.length).toBeGreaterThan(0);
    expect(record.resent.length).toBeLessThanOrEqual(64);
    await until(() => new Set(listener.record.texts()).size === 200 && listener.record.texts().at(-1) === '199');
    // Each message at least once, and in order apart from repeated ones.
    const last = listener.record.texts().map(Number);
    expect(last.filter((value, i) => last.lastIndexOf(value) === i)).toEqual(sent.map(Number));
  });

  it('survive a restart of the broker', async () => {
    const server = await mosquitto({ persistence: true });
    const { broker, record } = await connected(connection(server.url, { sessionExpiry: 60 }));
    await broker.subscribe(['t']);
    const sent = Array.from({ length: 2000 }, (_, i) => String(i));
    let acknowledged = 0;
    const published = Promise.all(sent.map((payload) => broker.publish('t', payload).then(() => acknowledged++)));
    await until(() => acknowledged > 100);
    await server.restart();
    await published;
    await until(() => new Set(record.texts()).size === 2000);
    expect(record.lost).toHaveLength(1);
    expect(record.restored).toEqual([true]);
  });

  it('wait while there is no connection, subscriptions too', async () => {
    const { proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url));
    proxy.refuse(true);
    proxy.cut();
    await until(() => record.lost.length > 0);
    const done = Promise.all([broker.subscribe(['t']), broker.publish('u', 'x')]);
    proxy.refuse(false);
    await done;
    expect(record.resent).toEqual([]);
    await broker.publish('t', 'y');
    await until(() => record.texts().includes('y'));
  });

  it('a subscription that was not answered is asked for again', async () => {
    const { proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url));
    proxy.holdReplies(true);
    const topics = Array.from({ length: 2000 }, (_, i) => `t/${i}`);
    const subscribed = broker.subscribe(topics);
    proxy.cut();
    proxy.holdReplies(false);
    await subscribed;
    await broker.publish('t/1999', 'x');
    await until(() => record.messages.length > 0);
  });
});

describe.skipIf(!mosquittoAvailable())('the session at the broker', () => {
  it.each(VERSIONS)('is ended by close (MQTT %s)', async (mqttVersion) => {
    const server = await mosquitto();
    const settings = connection(server.url, { mqttVersion, sessionExpiry: 600 });
    const { broker } = await connected(settings, { clock: manualClock() });
    await broker.subscribe(['t']);
    await broker.close();
    expect(await hasSession(server.url, { clientId: settings.clientId, mqttVersion })).toBe(false);
  });

  it.each(VERSIONS)('is ended by close while the connection is lost (MQTT %s)', async (mqttVersion) => {
    const { server, proxy, url } = await proxied();
    const settings = connection(url, { mqttVersion, sessionExpiry: 600 });
    const { broker, record } = await connected(settings, { clock: manualClock() });
    proxy.cut();
    await until(() => record.lost.length > 0);
    await broker.close();
    expect(await hasSession(server.url, { clientId: settings.clientId, mqttVersion })).toBe(false);
  });

  it.each(VERSIONS)(
    'is kept by close on request, and delivers the messages in between (MQTT %s)',
    async (mqttVersion) => {
      const server = await mosquitto();
      const settings = connection(server.url, { mqttVersion, sessionExpiry: 600 });
      const { broker } = await connected(settings);
      await broker.subscribe(['t']);
      await broker.close({ keepSession: true });
      await publish(server.url, 't', 'meanwhile');
      const { record } = await connected({ ...settings, resumeSession: true });
      await until(() => record.messages.length > 0);
      expect(record.texts()).toEqual(['meanwhile']);
    },
  );

  it.each(VERSIONS)(
    'of an earlier process is forgotten where it is not to be resumed (MQTT %s)',
    async (mqttVersion) => {
      const server = await mosquitto();
      const settings = connection(server.url, { mqttVersion, sessionExpiry: 600 });
      const { broker } = await connected(settings);
      await broker.subscribe(['t']);
      await broker.close({ keepSession: true });
      await publish(server.url, 't', 'not for us');
      const { broker: second, record } = await connected(settings);
      await second.subscribe(['u']);
      await publish(server.url, 't', 'not for us either');
      await publish(server.url, 'u', 'for us');
      await until(() => record.messages.length > 0);
      expect(record.texts()).toEqual(['for us']);
    },
  );

  it('close ends in time if the broker no longer answers, and rejects pending calls', async () => {
    const { proxy, url } = await proxied();
    const { broker, record } = await connected(connection(url, { sessionExpiry: 600 }));
    proxy.blackHole(true);
    const pending = rejection(broker.publish('t', 'x'));
    await Promise.all([broker.close(), broker.close()]);
    expect(await pending).toMatchObject({ code: 'broker_lost', message: expect.stringContaining('was closed') });
    expect(await rejection(broker.subscribe(['t']))).toMatchObject({ code: 'broker_lost' });
    expect(record.lost).toEqual([]);
    expect(record.gone).toEqual([]);
  });

  it('close keeps what comes at the same moment for the next process', async () => {
    const server = await mosquitto();
    const settings = connection(server.url, { sessionExpiry: 600 });
    const { broker, record } = await connected(settings, { clock: manualClock() });
    await broker.subscribe(['t']);
    const dock = await connectAsync(server.url);
    cleanups.push(() => dock.endAsync());
    const sent = Array.from({ length: 500 }, (_, i) => String(i));
    const published = Promise.all(sent.map((payload) => dock.publishAsync('t', payload, { qos: 1 })));
    await until(() => record.messages.length > 0);
    await broker.close({ keepSession: true });
    await published;
    const { record: rest } = await connected({ ...settings, resumeSession: true });
    await until(() => new Set([...record.texts(), ...rest.texts()]).size === 500);
  });

  it('close waits for messages that were just published', async () => {
    const server = await mosquitto();
    const listener = await connected(connection(server.url));
    await listener.broker.subscribe(['t']);
    // The time limit of close does not pass.
    const { broker } = await connected(connection(server.url), { clock: manualClock() });
    const published = Array.from({ length: 100 }, (_, i) => broker.publish('t', String(i)));
    await broker.close();
    await Promise.all(published);
    await until(() => listener.record.messages.length === 100);
  });
});

describe('two clients with one client id', () => {
  const servers: [string, () => Promise<string>, 'auto' | '5' | '3.1.1'][] = [
    ['a broker that says nothing of it (3.1.1)', async () => (await mosquitto()).url, '3.1.1'],
    ['a broker that says so (5)', async () => (await mosquitto()).url, '5'],
    [
      'another one (3.1.1)',
      async () => {
        const aedes = await startAedes();
        cleanups.push(aedes.stop);
        return aedes.url;
      },
      '3.1.1',
    ],
  ];
  it.each(servers)(
    '%s: the one that was there first gives way, the other one goes on',
    async (_, start, mqttVersion) => {
      if (!mosquittoAvailable()) return;
      const url = await start();
      const clock = manualClock();
      const settings = connection(url, { mqttVersion, sharedId: true, sessionExpiry: 60, connectTimeout: 6e8 });
      const first = await connected(settings, { clock });
      await first.broker.subscribe(['t']);
      const second = await connected({ ...settings, resumeSession: true }, { clock });
      await second.broker.subscribe(['t']);
      await until(() => {
        clock.advance(20);
        return first.record.gone.length > 0;
      });
      expect(first.record.gone[0]).toMatchObject({
        code: 'broker_lost',
        message: expect.stringContaining(`another client connected to`),
      });
      await until(() => {
        clock.advance(20);
        return second.broker.connected;
      });
      await second.broker.publish('t', 'x');
      await until(() => second.record.messages.length > 0);
      expect(second.record.gone).toEqual([]);
    },
  );

  it('with a random id, connections that break repeatedly are made again', async () => {
    const { proxy, url } = await proxied();
    const clock = manualClock();
    const { broker, record } = await connected(connection(url, { mqttVersion: '3.1.1' }), { clock });
    await broker.subscribe(['t']);
    for (let times = 1; times <= 8; times++) {
      proxy.halfClose();
      await until(() => {
        clock.advance(20);
        return record.restored.length === times;
      });
    }
    expect(record.gone).toEqual([]);
  });
});
