/** Attacks of a broker on a client that are quick enough for every test run; those on the program are in test/hostile. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionSettings } from '../../src/mqtt/broker.js';
import { type ConnectOptions, connectBroker } from '../../src/mqtt/connect.js';
import { connection, hasten, recorder, rejection, until } from '../helpers/broker-recorder.js';
import { manualClock } from '../helpers/manual-clock.js';
import { publishHead, publishPacket, type RawBrokerOptions, startRawBroker } from '../helpers/raw-broker.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function broker(options: RawBrokerOptions) {
  const started = await startRawBroker(options);
  cleanups.push(started.stop);
  return started;
}

async function connected(settings: ConnectionSettings, options: ConnectOptions = {}) {
  const record = recorder();
  const client = await connectBroker(settings, record, options);
  cleanups.push(() => client.close());
  return { client, record };
}

describe.each(['5', '3.1.1'] as const)('MQTT %s', (mqttVersion) => {
  it('an oversized message is skipped and acknowledged, and the connection stays', async () => {
    const acknowledged: number[] = [];
    const raw = await broker({ onPuback: (id) => void acknowledged.push(id) });
    const { client, record } = await connected(connection(raw.url, { mqttVersion }));
    await client.subscribe(['thing/product/A/events']);
    const [peer] = [...raw.clients];
    if (!peer) throw new Error('nobody is connected');
    const size = 8 * 1024 * 1024;
    const { head } = publishHead(peer.version, 'thing/product/A/events', size, 7);
    await peer.send(head);
    for (let sent = 0; sent < size; sent += 1024 * 1024) await peer.send(Buffer.alloc(1024 * 1024, 0x20));
    await peer.send(publishPacket(peer.version, 'thing/product/A/events', '{"after":true}', 8));
    await until(() => acknowledged.length === 2);
    expect(acknowledged).toEqual([7, 8]);
    expect(record.texts()).toEqual(['{"after":true}']);
    expect(record.oversized).toEqual([expect.stringMatching(/^thing\/product\/A\/events 8388\d{3}$/)]);
    expect(record.lost).toEqual([]);
  });

  it('an unanswered subscription breaks the connection, and the second one ends the search', async () => {
    const raw = await broker({ onSubscribe: () => null });
    const clock = manualClock();
    const { client, record } = await connected(connection(raw.url, { mqttVersion }), { clock });
    const subscribing = rejection(client.subscribe(['thing/product/A/events']));
    expect(await hasten(clock, subscribing, 500)).toMatchObject({
      code: 'broker_lost',
      message: expect.stringContaining('repeatedly did not answer a subscription within 10 s'),
    });
    expect(record.lost).toEqual(['no answer to a subscription within 10 s']);
    expect(record.gone).toHaveLength(1);
  });

  it('a granted subscription is requested again for as long as the reconnect may take', async () => {
    let answers = true;
    const raw = await broker({ onSubscribe: (topics) => (answers ? topics.map(() => 1) : null) });
    const clock = manualClock();
    const settings = connection(raw.url, { mqttVersion, reconnectTimeout: 120_000 });
    const { client, record } = await connected(settings, { clock });
    await client.subscribe(['thing/product/A/events']);
    answers = false;
    for (const { socket } of raw.clients) socket.destroy();
    await until(() => record.lost.length > 0);
    const before = raw.connections;
    await hasten(
      clock,
      until(() => raw.connections > before + 3),
      500,
    );
    answers = true;
    await hasten(
      clock,
      until(() => record.restored.length > 0),
      500,
    );
    expect(record.gone).toEqual([]);
  });

  it('a subscription that is answered in pieces, each in time, is no silence', async () => {
    const raw = await broker({});
    const clock = manualClock();
    const { client, record } = await connected(connection(raw.url, { mqttVersion, clientId: randomUUID() }), { clock });
    await client.subscribe(Array.from({ length: 5000 }, (_, index) => `thing/product/${index}/events`));
    clock.advance(60_000);
    expect(record.lost).toEqual([]);
  });
});

it('a packet of another kind that is too large ends the connection at its header', async () => {
  const raw = await broker({});
  const { record } = await connected(connection(raw.url, { mqttVersion: '5' }));
  const [peer] = [...raw.clients];
  await peer?.send(Buffer.from([0x90, 0xff, 0xff, 0xff, 0x7f]));
  await until(() => record.lost.length > 0);
  expect(record.lost[0]).toContain('packet of 268435455 bytes');
});
