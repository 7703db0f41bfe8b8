/** Brokers and docks that attack the built program over MQTT: what they cost, and that the run continues or ends in time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicOf } from '../../src/protocol/topics.js';
import { type CliProcess, type Workplace, workplace } from '../helpers/cli.js';
import { MEASURABLE, memory } from '../helpers/process-cost.js';
import {
  publishHead,
  publishPacket,
  type RawBroker,
  type RawBrokerOptions,
  type RawClient,
  startRawBroker,
} from '../helpers/raw-broker.js';

const PID = '7CTXN4A00B0001';
const EVENTS = topicOf('events', PID);
const MB = 1024 * 1024;

describe.skipIf(!MEASURABLE)('a hostile broker or dock', () => {
  let place: Workplace;
  const brokers: RawBroker[] = [];

  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(async () => {
    await place.close();
    for (const broker of brokers.splice(0)) await broker.stop();
  });

  async function broker(options: RawBrokerOptions): Promise<RawBroker> {
    const started = await startRawBroker(options);
    brokers.push(started);
    return started;
  }

  const progress = (bid: string, status: string, more: object = {}) =>
    JSON.stringify({ method: 'ota_progress', bid, tid: 't', data: { result: 0, output: { status } }, ...more });

  /** The additional memory of `program` during `attack`, at most, in megabytes. */
  async function cost(program: CliProcess, attack: () => Promise<unknown>): Promise<number> {
    const before = memory(program.child.pid);
    await attack();
    return memory(program.child.pid, 'peak') - before;
  }

  /** A `watch` on one gateway that is listening. */
  async function watching(options: RawBrokerOptions, version: string, ...more: string[]) {
    let listening: (client: RawClient) => void = () => {};
    const ready = new Promise<RawClient>((resolve) => {
      listening = resolve;
    });
    const raw = await broker({
      ...options,
      onSubscribe(topics, client) {
        // The last packet subscribes to reports of devices. Its answer must not come in the middle of what is sent next.
        if (topics.some((topic) => topic.endsWith('/state'))) setImmediate(() => listening(client));
        return topics.map(() => 1);
      },
    });
    const args = ['watch', '--pid', PID, '--broker', raw.url, '--mqtt-version', version, '--output', 'json', ...more];
    const program = place.spawn(args);
    return { program, client: await ready, raw };
  }

  it.each(['5', '3.1.1'])('a message of 200 MB is skipped, and the connection stays (MQTT %s)', async (version) => {
    let acknowledged: (id: number) => void = () => {};
    const skipped = new Promise((resolve) => {
      acknowledged = resolve;
    });
    const { program, client } = await watching({ onPuback: (id) => void (id === 1 && acknowledged(id)) }, version);
    const chunk = Buffer.alloc(MB, 0x20);
    const taken = await cost(program, async () => {
      await client.send(publishHead(client.version, EVENTS, 200 * MB, 1).head);
      for (let sent = 0; sent < 200; sent++) await client.send(chunk);
      await skipped;
    });
    await client.send(publishPacket(client.version, EVENTS, progress('B', 'ok'), 2));
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('message_too_large');
    expect(stdout).not.toContain('broker_lost');
    expect(taken).toBeLessThan(40);
  });

  it('a dock that floods events with need_reply, to a broker that acknowledges no answer, fills nothing', async () => {
    const bids: string[] = [];
    let published: (client: RawClient) => void = () => {};
    const started = new Promise<RawClient>((resolve) => {
      published = resolve;
    });
    let answers = 0;
    const raw = await broker({
      onPublish(topic, payload, client) {
        if (topic.endsWith('/events_reply')) {
          answers++;
          return false;
        }
        bids.push(String((JSON.parse(payload) as { bid: string }).bid));
        published(client);
        return true;
      },
    });
    const manifest = await place.put('m.json', [{ sn: 'SN1', pid: PID, product_version: '10.01.0205' }]);
    const program = place.spawn(['push', manifest, '--broker', raw.url, '--output', 'quiet']);
    const client = await started;
    const event = publishPacket(
      client.version,
      EVENTS,
      progress(bids[0] as string, 'in_progress', { need_reply: 1 }),
      1,
    );
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => event));
    const taken = await cost(program, async () => {
      for (let sent = 0; sent < 100; sent++) await client.send(flood);
    });
    expect(answers).toBeLessThanOrEqual(4);
    expect(taken).toBeLessThan(100);
    await client.send(publishPacket(client.version, EVENTS, progress(bids[0] as string, 'ok'), 2));
    expect((await program.ended).code).toBe(0);
  });

  it('foreign messages by wildcards from a broker that takes no acknowledgement break the connection at 4 MB', async () => {
    const { program, client } = await watching({}, '5', '--subscribe', 'wildcard');
    client.socket.pause();
    const foreign = publishPacket(5, topicOf('events', 'FOREIGN'), 'x', 1);
    const flood = Buffer.concat(Array.from({ length: 20_000 }, () => foreign));
    const taken = await cost(program, async () => {
      for (let sent = 0; sent < 500 && !program.stdout.includes('broker_lost'); sent++) {
        if (!(await client.send(flood))) break;
      }
      client.socket.resume();
      await program.said('does not read the data sent to it');
    });
    expect(taken).toBeLessThan(60);
    program.child.kill('SIGTERM');
    expect((await program.ended).code).toBe(143);
  });

  it('nothing of the fleet is missed among twenty foreign messages for each of its own, and none is kept', async () => {
    const { program, client } = await watching({}, '5', '--subscribe', 'wildcard', '--progress', '1%');
    const packets = Array.from({ length: 20_000 }, (_, index) =>
      index % 21 === 20
        ? publishPacket(
            5,
            EVENTS,
            progress('B', 'in_progress', {
              data: {
                result: 0,
                output: {
                  status: 'in_progress',
                  progress: { percent: Math.floor((index * 100) / 20_000), step_key: 'download_firmware' },
                },
              },
            }),
            1,
          )
        : publishPacket(5, topicOf('events', `FOREIGN${index}`), progress(`F${index}`, 'failed'), 2),
    );
    const taken = await cost(program, async () => {
      for (let sent = 0; sent < packets.length; sent += 500) {
        await client.send(Buffer.concat(packets.slice(sent, sent + 500)));
      }
      await client.send(publishPacket(5, EVENTS, progress('B', 'ok'), 3));
      await program.said('"run_finished"');
    });
    const { code, stdout } = await program.ended;
    expect(code).toBe(0);
    const percents = new Set([...stdout.matchAll(/"percent":(\d+)/g)].map(([, percent]) => Number(percent)));
    for (let percent = 1; percent < 100; percent++) expect(percents).toContain(percent);
    expect(stdout).not.toContain('FOREIGN');
    expect(taken).toBeLessThan(60);
  });

  it('a broker that answers no SUBSCRIBE: every command ends, and --timeout holds', async () => {
    const raw = await broker({ onSubscribe: () => null });
    const manifest = await place.put('m.json', [{ sn: 'SN1', pid: PID, product_version: '10.01.0205' }]);
    const at = ['--broker', raw.url];
    const short = [...at, '--connect-timeout', '1s'];
    const ends: [string[], number][] = [
      [['push', manifest, ...at, '--timeout', '2s'], 5],
      [['watch', '--pid', PID, ...at, '--timeout', '2s'], 5],
      [['devices', '--pid', PID, ...at, '--timeout', '2s'], 4],
      [['push', manifest, ...short], 4],
      [['watch', '--pid', PID, ...short], 4],
      [['config', 'test', '--pid', PID, ...short], 4],
    ];
    const results = await Promise.all(ends.map(async ([args]) => (await place.spawn(args).ended).code));
    expect(results).toEqual(ends.map(([, code]) => code));
  });

  it('DEBUG shows neither the password nor anything else', async () => {
    const raw = await broker({});
    const env = { DEBUG: '*', DJI_OTA_PASSWORD: 's3cret-password' };
    const args = ['config', 'test', '--broker', raw.url, '--username', 'ota?token=s3cret-token', '--pid', PID];
    const { code, stdout, stderr } = await place.spawn(args, { env }).ended;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('s3cret');
    expect(stderr).toBe('');
  });
});
