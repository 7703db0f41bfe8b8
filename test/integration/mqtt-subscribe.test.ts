/** Wildcards instead of each gateway's topics, on brokers that limit subscriptions. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionSettings, SubscribeBy } from '../../src/mqtt/broker.js';
import { type ConnectOptions, connectBroker } from '../../src/mqtt/connect.js';
import { limitsOf } from '../../src/mqtt/subscriptions/wanted-topics.js';
import { type TopicKind, topicOf } from '../../src/protocol/topics.js';
import { connection, hasten, recorder, rejection, until } from '../helpers/broker-recorder.js';
import { manualClock } from '../helpers/manual-clock.js';
import { mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { publishPacket, type RawClient, startRawBroker } from '../helpers/raw-broker.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Limits {
  /** Subscriptions of one connection. */
  total?: number;
  /** Filters in one packet. */
  packet?: number;
  /** The code for filters beyond the limit; false = the connection is closed. */
  over?: number | false;
  /** The code for a filter with a wildcard; false = the connection is closed. */
  wildcard?: number | false;
  /** The code for certain topics. */
  denies?(topic: string): number | undefined;
}

/** A broker that grants as much as `limits` allow, and remembers what it has granted to each connection. */
async function limited({
  total = Number.POSITIVE_INFINITY,
  packet = total,
  over = false,
  wildcard = 1,
  denies,
}: Limits) {
  const granted = new Map<RawClient, Set<string>>();
  const asked: string[][] = [];
  const acknowledged: number[] = [];
  const raw = await startRawBroker({
    onSubscribe(topics, client) {
      asked.push(topics);
      const own = granted.get(client) ?? new Set();
      granted.set(client, own);
      if (topics.length > packet) return false;
      const codes = topics.map((topic) => {
        const code = topic.includes('+') ? wildcard : (denies?.(topic) ?? 1);
        if (code !== 1) return code;
        if (own.size >= total && !own.has(topic)) return over;
        own.add(topic);
        return 1;
      });
      return codes.includes(false) ? false : (codes as number[]);
    },
    onUnsubscribe(topics, client) {
      for (const topic of topics) granted.get(client)?.delete(topic);
    },
    onPuback: (id) => void acknowledged.push(id),
  });
  cleanups.push(raw.stop);
  const peer = () => [...raw.clients].at(-1) as RawClient;
  return { raw, asked, acknowledged, peer, held: () => [...(granted.get(peer()) ?? [])] };
}

async function connected(settings: ConnectionSettings, options: ConnectOptions = {}) {
  const record = recorder();
  const client = await connectBroker(settings, record, options);
  cleanups.push(() => client.close());
  return { client, record };
}

const topicsOf = (count: number, ...kinds: TopicKind[]) =>
  Array.from({ length: count }, (_, index) => kinds.map((kind) => topicOf(kind, `GW${index}`))).flat();

const replies = (count: number) => topicsOf(count, 'services_reply', 'events');
const both = ['thing/product/+/events', 'thing/product/+/services_reply'];

describe.each(['5', '3.1.1'] as const)('MQTT %s: a broker that grants 50 subscriptions', (mqttVersion) => {
  const settings = (url: string, subscribe: SubscribeBy = 'auto') => connection(url, { mqttVersion, subscribe });
  const quota = mqttVersion === '5' ? 0x97 : 0x80;

  it.each([
    ['refuses more', 'refuses 30 of 80 subscriptions', { over: quota }],
    ['hangs up on more', 'closes the connection because of the number', { over: false as const }],
    [
      'takes 8 filters a packet, and hangs up on more of both',
      'closes the connection because of the number',
      { packet: 8, over: false as const },
    ],
  ])(
    'and %s: auto takes wildcards and says why, and what comes for others is left out and acknowledged',
    async (_, why, limits) => {
      const broker = await limited({ total: 50, ...limits });
      const clock = manualClock();
      const { client, record } = await connected(settings(broker.raw.url), { clock });
      await hasten(clock, client.subscribe(replies(40)), 100);
      expect(broker.held().sort()).toEqual(both);
      expect(record.limited).toEqual([expect.stringContaining(why)]);
      const { version } = broker.peer();
      const say = (serial: string, id: number) =>
        broker.peer().send(publishPacket(version, topicOf('events', serial), `{"id":${id}}`, id));
      await say('FOREIGN', 1);
      await say('GW0', 2);
      await say('GW39', 3);
      await say('GW40', 4);
      await until(() => broker.acknowledged.length === 4);
      expect(record.texts()).toEqual(['{"id":2}', '{"id":3}']);
      expect([...broker.acknowledged].sort()).toEqual([1, 2, 3, 4]);
      // The same few filters cover later topics.
      await client.subscribe(topicsOf(40, 'osd', 'state'));
      expect(broker.held()).toHaveLength(4);
      expect(record.gone).toEqual([]);
    },
  );

  it('and is full: a few topics are freed for the wildcards', async () => {
    const broker = await limited({ total: 50, over: quota });
    const { client } = await connected(settings(broker.raw.url));
    await client.subscribe(replies(25));
    expect(broker.held()).toHaveLength(50);
    await client.subscribe(topicsOf(25, 'osd'));
    expect(broker.held().sort()).toEqual([...both, topicOf('osd', '+')].sort());
  });

  it('and refuses wildcards as well: what was granted stays, the error names what is denied', async () => {
    const broker = await limited({ total: 50, over: quota, wildcard: 0x80 });
    const { client, record } = await connected(settings(broker.raw.url));
    await client.subscribe(replies(20));
    const error = await rejection(client.subscribe(topicsOf(20, 'osd')));
    expect(error).toMatchObject({ code: 'broker_refused', details: expect.arrayContaining([topicOf('osd', 'GW19')]) });
    expect(error).toMatchObject({ hint: expect.stringMatching(/denies wildcards .+ --shard/) });
    expect(record.limited).toEqual([]);
    expect(broker.held().filter((topic) => both.includes(topic.replace(/GW\d+/, '+')))).toHaveLength(40);
    await broker.peer().send(publishPacket(broker.peer().version, topicOf('events', 'GW3'), '{}', 9));
    await until(() => record.messages.length === 1);
  });

  it('and closes the connection over more, and over wildcards: an error that says what was tried', async () => {
    const broker = await limited({ total: 50, over: false, wildcard: false });
    const clock = manualClock();
    const { client } = await connected(settings(broker.raw.url), { clock });
    const error = await rejection(hasten(clock, client.subscribe(replies(40)), 100));
    expect(error).toMatchObject({
      code: 'broker_refused',
      hint: expect.stringContaining('wildcards were tried as well'),
    });
  });

  it('and no wildcards are wanted: an error that says so', async () => {
    const broker = await limited({ total: 50, over: quota });
    const { client } = await connected(settings(broker.raw.url, 'gateways'));
    expect(await rejection(client.subscribe(replies(40)))).toMatchObject({ code: 'broker_refused' });
    expect(broker.held()).toHaveLength(50);
  });
});

it('a few topics that the access rules deny are no limit', async () => {
  const broker = await limited({ denies: (topic) => (/GW[0-9]\//.test(topic) ? 0x87 : undefined) });
  const { client } = await connected(connection(broker.raw.url));
  const error = await rejection(client.subscribe(replies(40)));
  expect(error).toMatchObject({ hint: expect.stringContaining('ACL') });
  expect(broker.asked.flat().filter((topic) => topic.includes('+'))).toEqual([]);
});

it('auto takes wildcards for a fleet, and asks for each gateway where they are refused', async () => {
  const fleet = await limited({});
  const { client, record } = await connected(connection(fleet.raw.url));
  await client.subscribe(replies(500));
  expect(record.limited).toEqual([]);
  expect(fleet.asked).toEqual([expect.arrayContaining(both)]);
  for (const wildcard of [0x87, false] as const) {
    const strict = await limited({ wildcard });
    const clock = manualClock();
    const second = await connected(connection(strict.raw.url), { clock });
    await hasten(clock, second.client.subscribe(replies(500)), 100);
    expect(strict.held()).toHaveLength(1000);
    await strict.peer().send(publishPacket(strict.peer().version, topicOf('events', 'GW499'), '{}', 1));
    await until(() => second.record.messages.length === 1);
  }
});

it('auto uses the topics of each gateway for a few gateways', async () => {
  const broker = await limited({});
  const { client } = await connected(connection(broker.raw.url));
  await client.subscribe(replies(200));
  expect(broker.held()).toHaveLength(400);
});

describe('wildcard', () => {
  it('is asked for once a kind, ended with its last topic, and again after a loss', async () => {
    const broker = await limited({});
    const { client, record } = await connected(connection(broker.raw.url, { subscribe: 'wildcard' }));
    await client.subscribe(replies(2));
    await client.subscribe(topicsOf(2, 'osd'));
    expect(broker.asked.flat().sort()).toEqual([...both, topicOf('osd', '+')].sort());
    await client.unsubscribe([topicOf('osd', 'GW0')]);
    expect(broker.held()).toContain(topicOf('osd', '+'));
    await client.unsubscribe([topicOf('osd', 'GW1')]);
    expect(broker.held().sort()).toEqual(both);
    broker.peer().socket.destroy();
    await until(() => record.restored.length > 0);
    expect(broker.held().sort()).toEqual(both);
    const { version } = broker.peer();
    for (const [serial, id] of [
      ['GW9', 1],
      ['GW0', 2],
    ] as const) {
      await broker.peer().send(publishPacket(version, topicOf('events', serial), `{"id":${id}}`, id));
    }
    await until(() => broker.acknowledged.length === 2);
    expect(record.texts()).toEqual(['{"id":2}']);
  });

  it('misses nothing of 300 gateways among 20 foreign messages for each of theirs, however they are cut', async () => {
    const broker = await limited({});
    const { client, record } = await connected(connection(broker.raw.url, { subscribe: 'wildcard' }));
    await client.subscribe(replies(300));
    const { version, send } = broker.peer();
    const expected: string[] = [];
    let id = 0;
    const packets = replies(300).flatMap((topic, index) => {
      expected.push(`own ${index}`);
      // Serial numbers that begin with, end with, or contain ours.
      const strangers = Array.from(
        { length: 20 },
        (_, other) => `${other % 2 ? 'X' : ''}GW${index >> 1}${other % 3 ? 'X' : '00'}${other}`,
      );
      const foreign = strangers.map((serial) => publishPacket(version, topicOf('events', serial), 'foreign', ++id));
      foreign.splice(index % 21, 0, publishPacket(version, topic, `own ${index}`, ++id));
      return foreign;
    });
    const bytes = Buffer.concat(packets);
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7 + 1) % 9973) {
      await send(bytes.subarray(at, at + size));
    }
    await until(() => broker.acknowledged.length === packets.length);
    expect(record.texts()).toEqual(expected);
    expect(new Set(broker.acknowledged).size).toBe(packets.length);
  });

  it('lets everything pass that is asked for as a wildcard, and topics that are no gateway’s', async () => {
    const broker = await limited({});
    const { client, record } = await connected(connection(broker.raw.url, { subscribe: 'wildcard' }));
    await client.subscribe([topicOf('osd', '+'), topicOf('events', 'GWé'), 'dji-ota/test/x']);
    const { version } = broker.peer();
    const say = (topic: string, id: number) => broker.peer().send(publishPacket(version, topic, `{"id":${id}}`, id));
    await say(topicOf('osd', 'ANY'), 1);
    await say(topicOf('events', 'GWé'), 2);
    await say(topicOf('events', 'GWe'), 3);
    await say('dji-ota/test/x', 4);
    await until(() => broker.acknowledged.length === 4);
    expect(record.texts()).toEqual(['{"id":1}', '{"id":2}', '{"id":4}']);
  });

  it('that is denied is an error, and nothing else is asked for', async () => {
    const broker = await limited({ wildcard: 0x87 });
    const { client } = await connected(connection(broker.raw.url, { subscribe: 'wildcard' }));
    expect(await rejection(client.subscribe(replies(2)))).toMatchObject({
      code: 'broker_refused',
      message: expect.stringContaining('thing/product/+/events'),
      hint: expect.stringContaining('--subscribe gateways'),
    });
    expect(broker.asked).toHaveLength(1);
  });
});

it.skipIf(!mosquittoAvailable())('a real broker delivers by wildcards what each gateway sends', async () => {
  const server = await startMosquitto();
  if (!server) throw new Error('mosquitto is missing');
  cleanups.push(server.stop);
  const { client, record } = await connected(connection(server.url, { subscribe: 'wildcard', sessionExpiry: 60 }));
  await client.subscribe(replies(3));
  const docks = await connected(connection(server.url));
  for (const serial of ['GW2', 'OTHER', 'GW0']) await docks.client.publish(topicOf('events', serial), serial);
  await until(() => record.messages.length === 2);
  expect(record.texts()).toEqual(['GW2', 'GW0']);
});

it.each([
  ['a1b2c3-ats.iot.eu-central-1.amazonaws.com', { packet: 8, total: 40 }],
  ['a1b2c3.ats.iot.cn-north-1.amazonaws.com.cn', { packet: 8, total: 40 }],
  ['amazonaws.com.example', null],
  ['mqtt.example.com', null],
])('what is known of %s', (host, expected) => {
  expect(limitsOf(host)).toEqual(expected);
});
