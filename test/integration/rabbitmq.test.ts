/** RabbitMQ with its MQTT plugin: only MQTT 3.1.1, topics as routing keys, and the permissions in docs/brokers.md. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { push } from '../../src/index.js';
import { connectBroker } from '../../src/mqtt/connect.js';
import { connection, recorder, rejection, until } from '../helpers/broker-recorder.js';
import { docksFor, listen } from '../helpers/cli-docks.js';
import { hasSession } from '../helpers/has-session.js';
import { type RabbitMq, rabbitMqAvailable, startRabbitMq } from '../helpers/rabbitmq.js';

const devices = ['SIMDOCK1', 'SIMDOCK2'].map((pid) => ({
  sn: pid,
  pid,
  product_version: '10.02.03.01',
  firmware_upgrade_type: 3 as const,
}));
const user = { username: 'ota', password: 'secret' };
const dock = { username: 'dock', password: 'secret' };
const sim = { username: 'sim', password: 'secret' };

describe.skipIf(!rabbitMqAvailable())('RabbitMQ', () => {
  let rabbit: RabbitMq;
  const cleanups: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    rabbit = await startRabbitMq();
    const text = readFileSync(new URL('../../docs/brokers.md', import.meta.url), 'utf8');
    const commands = [...text.matchAll(/^rabbitmqctl (set_\w+ .*)$/gm)].map((match) => match[1] ?? '');
    expect(commands).toHaveLength(4);
    for (const { username, password } of [user, sim]) rabbit.control('add_user', username, password);
    for (const command of commands) {
      rabbit.control(...command.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1')));
    }
    rabbit.control('add_user', dock.username, dock.password);
    rabbit.control('set_permissions', dock.username, '.*', '.*', '.*');
  }, 120_000);

  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
    await rabbit?.stop();
  });

  async function connected(more: object = {}) {
    const record = recorder();
    const broker = await connectBroker(connection(rabbit.url, { ...user, ...more }), record);
    cleanups.push(() => broker.close());
    return { broker, record };
  }

  test('auto finds 3.1.1; a message comes back on the topic it was sent to, and not as a retained one', async () => {
    const { broker, record } = await connected(dock);
    expect(broker.version).toBe('3.1.1');
    await broker.subscribe(['thing/product/A-1/events']);
    await broker.publish('thing/product/A-1/events', '{"é":1}');
    await until(() => record.messages.length > 0);
    expect(record.messages[0]).toMatchObject({ topic: 'thing/product/A-1/events', retained: false });
    expect(record.texts()).toEqual(['{"é":1}']);
  });

  test('a wrong password is refused, and not taken for an outage', async () => {
    const error = await rejection(connectBroker(connection(rabbit.url, { ...user, password: 'wrong' }), recorder()));
    expect(error).toMatchObject({ code: 'broker_refused' });
  });

  test('a whole push with no more than the documented permissions, also of the simulated docks, verified', async () => {
    cleanups.push(await docksFor(rabbit.url, devices, { client: sim, telemetry: 200 }));
    const run = push({ manifest: devices, broker: { url: rabbit.url, ...user }, verify: 'require' });
    const events: string[] = [];
    for await (const { event } of run) events.push(event);
    expect(await run.result).toMatchObject({ exit_code: 0, totals: { ok: 2 }, error: null });
    expect(events).toContain('device_progress');
  });

  test('what is published while we are away is delivered with the session, and a session that is closed is gone', async () => {
    const clientId = 'dji-ota-away';
    const first = await connected({ clientId, sessionExpiry: 3600 });
    await first.broker.subscribe(['thing/product/AWAY/events']);
    await first.broker.close({ keepSession: true });
    const other = await listen(rabbit.url, [], dock);
    cleanups.push(other.close);
    await other.mqtt.publishAsync('thing/product/AWAY/events', '1', { qos: 1 });
    const second = await connected({ clientId, sessionExpiry: 3600, resumeSession: true });
    await until(() => second.record.messages.length > 0);
    expect(second.record.texts()).toEqual(['1']);
    await second.broker.close();
    expect(await hasSession(rabbit.url, { clientId, mqttVersion: '3.1.1', ...user })).toBe(false);
  });

  test('the other documented topics are granted', async () => {
    const { broker } = await connected();
    const topics = ['services', 'osd', 'state'].map((kind) => `thing/product/DOCK1/${kind}`);
    await broker.subscribe([...topics, 'sys/product/DOCK1/status']);
    await broker.publish('thing/product/DOCK1/events_reply', '{}');
  });

  test('what the user may not subscribe to is an error, not silence', async () => {
    const { broker } = await connected({ reconnectTimeout: 1000 });
    const error = await rejection(broker.subscribe(['thing/product/A/secrets']));
    expect(['broker_refused', 'broker_lost']).toContain((error as { code?: string }).code);
  });
});
