import { createServer, type Socket } from 'node:net';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionSettings } from '../../src/mqtt/broker.js';
import { connectBroker } from '../../src/mqtt/connect.js';
import { startAedes } from '../helpers/aedes.js';
import { connection, type Recorder, recorder, rejection, until } from '../helpers/broker-recorder.js';
import { manualClock } from '../helpers/manual-clock.js';
import { type MosquittoOptions, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

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

async function connected(settings: ConnectionSettings, record: Recorder = recorder()) {
  const broker = await connectBroker(settings, record);
  cleanups.push(() => broker.close());
  return { broker, record };
}

describe.skipIf(!mosquittoAvailable())('much at once', () => {
  it('40000 topics and 20000 messages, in order and without warnings', { timeout: 120_000 }, async () => {
    const server = await mosquitto();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    cleanups.push(async () => process.off('warning', onWarning));
    const { broker, record } = await connected(connection(server.url));
    const topics = Array.from({ length: 40_000 }, (_, i) => `thing/product/SN${i}/events`);
    await broker.subscribe(topics);
    await Promise.all(topics.slice(0, 20_000).map((topic, i) => broker.publish(topic, String(i))));
    await broker.publish(topics[39_999] as string, 'last');
    await until(() => record.messages.length === 20_001);
    expect(record.texts()).toEqual([...Array.from({ length: 20_000 }, (_, i) => String(i)), 'last']);
    expect(warnings).toEqual([]);
  });

  it('respects the number of unacknowledged messages that the broker accepts', async () => {
    const server = await mosquitto({ config: ['max_inflight_messages 2'] });
    const { broker, record } = await connected(connection(server.url, { mqttVersion: '5' }));
    await Promise.all(Array.from({ length: 200 }, (_, i) => broker.publish('t', String(i))));
    expect(record.lost).toEqual([]);
  });

  it.each(['5', '3.1.1'] as const)('ignores a message that is too large to be ours (MQTT %s)', async (mqttVersion) => {
    const server = await mosquitto();
    const { broker, record } = await connected(connection(server.url, { mqttVersion }));
    await broker.subscribe(['t']);
    const other = await connectAsync(server.url);
    await other.publishAsync('t', Buffer.alloc(3 << 20), { qos: 1 });
    await other.publishAsync('t', 'small', { qos: 1 });
    await other.endAsync();
    await until(() => record.messages.length > 0);
    expect(record.texts()).toEqual(['small']);
    expect(record.lost).toEqual([]);
  });

  it('refuses messages that exceed the limits of the broker', async () => {
    const server = await mosquitto({ config: ['max_packet_size 1000'] });
    const { broker, record } = await connected(connection(server.url, { mqttVersion: '5' }));
    expect(await rejection(broker.publish('t', 'x'.repeat(2000)))).toMatchObject({
      code: 'broker_refused',
      message: expect.stringMatching(/^the message on t has \d+ bytes, and the broker accepts at most 1000$/),
    });
    await broker.publish('t', 'small');
    expect(record.lost).toEqual([]);
  });
});

describe('access rules', () => {
  it.skipIf(!mosquittoAvailable())('name the topic that may not be published to', async () => {
    const server = await mosquitto({ acl: 'topic read #\ntopic readwrite allowed\n' });
    const { broker } = await connected(connection(server.url, { mqttVersion: '5' }));
    await broker.publish('allowed', 'x');
    expect(await rejection(broker.publish('thing/product/A/services', 'x'))).toMatchObject({
      code: 'broker_refused',
      message: expect.stringContaining('thing/product/A/services: not authorized (code 0x87)'),
      hint: expect.stringContaining('ACL'),
    });
    await broker.publish('allowed', 'y');
  });

  it('name the topics that may not be subscribed to, and the others are kept', async () => {
    const aedes = await startAedes({
      authorizeSubscribe: (_, subscription, done) =>
        done(null, subscription.topic.startsWith('secret/') ? null : subscription),
    });
    cleanups.push(aedes.stop);
    const { broker, record } = await connected(connection(aedes.url));
    const topics = Array.from({ length: 900 }, (_, i) => (i % 100 === 0 ? `secret/${i}` : `open/${i}`));
    const error = await rejection(broker.subscribe(topics));
    expect(error).toMatchObject({
      code: 'broker_refused',
      message:
        'the broker denies the subscription to secret/0, secret/100, secret/200, secret/300, secret/400 and 4 more',
      hint: expect.stringContaining('ACL'),
    });
    expect((error as { details: string[] }).details).toHaveLength(9);
    await broker.publish('open/899', 'x');
    await until(() => record.messages.length > 0);
  });
});

/** A minimal broker that answers as the test says. `answer` gets each packet's first byte. */
async function scripted(answer: (socket: Socket, type: number, packet: Buffer, connection: number) => void) {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const connection = ++count;
    let rest = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      // Packets of these tests are short: the length has one or two bytes.
      for (;;) {
        const long = (rest[1] ?? 0) > 127;
        const size = long ? 3 + ((rest[1] as number) & 127) + (rest[2] as number) * 128 : 2 + (rest[1] as number);
        if (rest.length < 2 || rest.length < size) break;
        const packet = rest.subarray(0, size);
        rest = rest.subarray(size);
        answer(socket, (packet[0] as number) >> 4, packet, connection);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`,
    get connections() {
      return count;
    },
  };
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const CONNECT = 1;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const CONNACK_5 = '20 03 00 00 00';

describe('a broker that breaks the rules', () => {
  it.each([
    ['a malformed packet', 'ff ff ff ff ff'],
    ['a packet with forbidden flags', '4f 02 00 01'],
    ['a message with QoS 3', '36 05 00 01 61 00 01'],
    ['a topic alias that nobody allowed', '30 07 00 00 03 23 00 05 78'],
    ['an acknowledgement of nothing, then nonsense', '40 02 00 07 90 03 00 09 00 00 00'],
    ['a second CONNACK', CONNACK_5],
    ['a packet that only clients send, malformed', '10 04 00 04 4d 51'],
    ['a text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex')],
  ])('%s is a loss that is mended', async (_, garbage) => {
    const server = await scripted((socket, type, packet, connection) => {
      if (type === CONNECT) socket.write(hex(CONNACK_5));
      if (type !== PUBLISH) return;
      if (connection === 1) socket.write(hex(garbage));
      else socket.write(Buffer.concat([hex('40 02'), packet.subarray(5, 7)]));
    });
    const { broker, record } = await connected(connection(server.url, { mqttVersion: '5' }));
    const first = broker.publish('t', 'x');
    await until(() => record.restored.length > 0);
    await first;
    expect(record.lost).toHaveLength(1);
    expect(record.resent).toEqual(['t']);
    expect(server.connections).toBe(2);
  });

  it('a flood of random bytes ends nothing but connections', { timeout: 120_000 }, async () => {
    // A linear congruential generator: the same bytes in each run.
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const server = await scripted((socket, type) => {
      if (type === CONNECT) socket.write(hex(CONNACK_5));
      if (type !== SUBSCRIBE) return;
      const packets = Array.from({ length: 20 }, () => {
        const first = [0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0, 0xe0, 0xf0][
          random(13)
        ] as number;
        const body = Array.from({ length: random(12) }, () => (random(3) === 0 ? random(256) : random(8)));
        return Buffer.from([first, body.length, ...body]);
      });
      socket.end(Buffer.concat(packets));
    });
    for (let i = 0; i < 200; i++) {
      const record = recorder();
      const broker = await connectBroker(connection(server.url, { mqttVersion: '5' }), record);
      const pending = [broker.subscribe(['t']), broker.publish('t', 'x')].map((promise) => promise.catch(() => {}));
      await until(() => record.lost.length > 0);
      await broker.close();
      await Promise.all(pending);
      expect(record.receiverErrors).toEqual([]);
    }
    expect(server.connections).toBe(200);
  });

  it('ends that come with the first answer are told', async () => {
    const server = await scripted((socket, type, _, connection) => {
      if (type === CONNECT) socket.write(hex(connection === 1 ? CONNACK_5 + CONNACK_5 : CONNACK_5));
    });
    const { broker, record } = await connected(connection(server.url, { mqttVersion: '5' }));
    await until(() => broker.connected);
    expect(server.connections).toBe(2);
    expect(record.gone).toEqual([]);
  });

  it('after another client has taken the session, there is no further attempt', async () => {
    const server = await scripted((socket, type) => {
      if (type === CONNECT) socket.write(hex(CONNACK_5));
      if (type === PUBLISH) socket.end(hex('e0 02 8e 00'));
    });
    const { broker, record } = await connected(connection(server.url, { mqttVersion: '5', clientId: 'the-same' }));
    expect(await rejection(broker.publish('t', 'x'))).toMatchObject({
      code: 'broker_lost',
      message: expect.stringContaining('"the-same"'),
      hint: expect.stringContaining('--client-id'),
    });
    expect(record.lost).toEqual([expect.stringContaining('session taken over')]);
    expect(server.connections).toBe(1);
  });

  it('one that denies a subscription in MQTT 5 is quoted', async () => {
    const server = await scripted((socket, type, packet) => {
      if (type === CONNECT) socket.write(hex(CONNACK_5));
      if (type === SUBSCRIBE) socket.write(Buffer.concat([hex('90 05'), packet.subarray(2, 4), hex('00 01 87')]));
    });
    const { broker } = await connected(connection(server.url, { mqttVersion: '5' }));
    expect(await rejection(broker.subscribe(['open', 'secret']))).toMatchObject({
      code: 'broker_refused',
      details: ['secret'],
    });
  });

  it('one that closes the connection at each publish counts as refusing', async () => {
    const server = await scripted((socket, type) => {
      if (type === CONNECT) socket.write(hex(CONNACK_5));
      if (type === PUBLISH) socket.end();
    });
    const clock = manualClock();
    const settings = connection(server.url, { mqttVersion: '5', connectTimeout: 6e8, reconnectTimeout: 6e8 });
    const record = recorder();
    const broker = await connectBroker(settings, record, { clock });
    const refused = rejection(broker.publish('t', 'x'));
    await until(() => {
      clock.advance(1000);
      return record.gone.length > 0;
    });
    expect(await refused).toMatchObject({
      code: 'broker_refused',
      message: expect.stringContaining('closes the connection whenever'),
    });
    expect(record.resent).toHaveLength(5);
    expect(record.lost.at(-1)).toContain('is another client using the client id');
  });

  it('one that takes only short lists of topics gets shorter ones', async () => {
    const lengths: number[] = [];
    const server = await scripted((socket, type, packet) => {
      if (type === CONNECT) socket.write(hex('20 02 00 00'));
      if (type !== SUBSCRIBE) return;
      const head = (packet[1] as number) > 127 ? 3 : 2;
      // Each topic of this test takes 3 + 2 bytes.
      const topics = (packet.length - head - 2) / 5;
      lengths.push(topics);
      if (topics > 8) return void socket.end();
      socket.write(
        Buffer.concat([hex('90'), Buffer.from([2 + topics]), packet.subarray(head, head + 2), Buffer.alloc(topics, 1)]),
      );
    });
    const { broker } = await connected(connection(server.url, { mqttVersion: '3.1.1' }));
    await broker.subscribe(Array.from({ length: 50 }, (_, i) => String(i).padStart(2, '0')));
    expect(Math.max(...lengths)).toBe(50);
    expect(lengths.at(-1)).toBeLessThanOrEqual(8);
  });

  it('a receiver that throws is reported, and still gets the next message', async () => {
    const aedes = await startAedes();
    cleanups.push(aedes.stop);
    const record = recorder();
    const keep = record.onMessage;
    record.onMessage = (message) => {
      keep(message);
      if (record.messages.length === 1) throw new Error('mine');
    };
    const { broker } = await connected(connection(aedes.url), record);
    await broker.subscribe(['t']);
    await broker.publish('t', '1');
    await broker.publish('t', '2');
    await until(() => record.messages.length === 2);
    expect(record.receiverErrors).toEqual([new Error('mine')]);
    expect(record.lost).toEqual([]);
  });
});
