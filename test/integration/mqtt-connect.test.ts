import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Broker } from '../../src/mqtt/broker.js';
import { connectBroker } from '../../src/mqtt/connect.js';
import { openLink } from '../../src/mqtt/link.js';
import { readTarget } from '../../src/mqtt/stream/target.js';
import { startAedes } from '../helpers/aedes.js';
import { connection, hasten, recorder, rejection, until } from '../helpers/broker-recorder.js';
import { makeCertificates } from '../helpers/certificates.js';
import { manualClock } from '../helpers/manual-clock.js';
import { type MosquittoOptions, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

const certificates = makeCertificates();
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

async function connected(settings: Parameters<typeof connectBroker>[0]) {
  const record = recorder();
  const broker = await connectBroker(settings, record);
  cleanups.push(() => broker.close());
  return { broker, record };
}

async function echoes({ broker, record }: { broker: Broker; record: ReturnType<typeof recorder> }) {
  await broker.subscribe(['thing/product/A/events']);
  await broker.publish('thing/product/A/events', '{"method":"ota_progress"}');
  await until(() => record.messages.length > 0);
  expect(record.messages[0]?.topic).toBe('thing/product/A/events');
  expect(record.messages[0]?.retained).toBe(false);
  expect(record.texts()).toEqual(['{"method":"ota_progress"}']);
}

/** A server that handles each connection as the test says. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

describe.skipIf(!mosquittoAvailable())('connecting to mosquitto', () => {
  it.each([
    ['auto', '5'],
    ['5', '5'],
    ['3.1.1', '3.1.1'],
  ] as const)('speaks MQTT %s', async (mqttVersion, version) => {
    const server = await mosquitto();
    const { broker, record } = await connected(connection(server.url, { mqttVersion }));
    expect(broker).toMatchObject({ version, connected: true, url: server.url });
    await echoes({ broker, record });
    await broker.close();
    expect(broker.connected).toBe(false);
    expect(record.lost).toEqual([]);
  });

  it('marks retained messages', async () => {
    const server = await mosquitto();
    const { broker, record } = await connected(connection(server.url));
    const other = await connectAsync(server.url);
    await other.publishAsync('thing/product/A/osd', 'old', { retain: true, qos: 1 });
    await other.endAsync();
    await broker.subscribe(['thing/product/A/osd']);
    await until(() => record.messages.length > 0);
    expect(record.messages[0]?.retained).toBe(true);
  });

  it('logs in, with a user in the settings or in the URL', async () => {
    const password = { username: 'ota user', password: 'p@ss/word' };
    const server = await mosquitto({ password });
    await echoes(await connected(connection(server.url, password)));
    const url = server.url.replace('//', '//ota%20user:p%40ss%2Fword@');
    const { broker, record } = await connected(connection(url));
    await echoes({ broker, record });
    expect(broker.url).toBe(server.url.replace('//', '//***@'));
  });

  it.each(['5', '3.1.1'] as const)('ends at once where MQTT %s is refused the login', async (mqttVersion) => {
    const server = await mosquitto({ password: { username: 'ota', password: 'right' } });
    const refused = (more: object) =>
      rejection(connectBroker(connection(server.url, { mqttVersion, connectTimeout: 600_000, ...more }), recorder()));
    expect(await refused({ username: 'ota', password: 'wrong-secret' })).toMatchObject({
      code: 'broker_refused',
      message: expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:\d+ refused the connection: not authorized/),
      hint: expect.stringMatching(/"ota".*password.*DJI_OTA_PASSWORD/),
    });
    expect(await refused({ username: 'ota' })).toMatchObject({ hint: expect.stringContaining('without a password') });
    expect(await refused({})).toMatchObject({ hint: expect.stringContaining('--username') });
    const withUrl = await rejection(
      connectBroker(connection(server.url.replace('//', '//ota:wrong-secret@'), { mqttVersion }), recorder()),
    );
    expect(JSON.stringify([withUrl, (withUrl as Error).message, (withUrl as Error).stack])).not.toContain(
      'wrong-secret',
    );
  });

  it.each(['mqtts', 'wss'])('speaks TLS (%s) with the given authority', async (scheme) => {
    const server = await mosquitto({ tls: certificates, websocket: scheme === 'wss' });
    expect(server.url).toContain(`${scheme}://localhost`);
    await echoes(await connected(connection(server.url, { ca: certificates.ca.cert })));
    // IP addresses are compared with the addresses in the certificate.
    await echoes(
      await connected(connection(server.url.replace('localhost', '127.0.0.1'), { ca: certificates.ca.cert })),
    );
  });

  it.each([
    ['mqtts', 'unknown', 'server', undefined, /not signed by a known authority/, /--ca/],
    ['wss', 'unknown', 'server', undefined, /not signed by a known authority/, /--ca/],
    ['mqtts', 'other', 'server', 'otherCa', /not signed by a known authority|TLS failed/, /--ca/],
    ['mqtts', 'expired', 'expired', 'ca', /has expired/, /clock/],
    ['mqtts', 'for clients alone', 'clientUse', 'ca', /not made for a server/, /serverAuth/],
    ['wss', 'for clients alone', 'clientUse', 'ca', /not made for a server/, /serverAuth/],
    ['mqtts', 'for another host', 'wrongHost', 'ca', /another host: .*broker\.example/, /host name/],
    ['wss', 'for another host', 'wrongHost', 'ca', /another host: .*broker\.example/, /host name/],
  ] as const)('%s: ends at once where the certificate is %s', async (scheme, _, server, ca, message, hint) => {
    const tls = { server: certificates[server], ca: certificates.ca };
    const { url } = await mosquitto({ tls, websocket: scheme === 'wss' });
    const settings = connection(url, { ca: ca && certificates[ca].cert, connectTimeout: 600_000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    await echoes(await connected({ ...settings, insecure: true }));
  });

  it('sends a client certificate, and says where one is missing or not accepted', async () => {
    const { url } = await mosquitto({ tls: certificates, clientCert: true });
    const ca = certificates.ca.cert;
    await echoes(await connected(connection(url, { ca, ...certificates.client })));
    const limits = { ca, connectTimeout: 600_000 };
    expect(await rejection(connectBroker(connection(url, limits), recorder()))).toMatchObject({
      code: 'broker_unreachable',
      hint: expect.stringContaining('--cert'),
    });
    const foreign = connection(url, { ...limits, ...certificates.foreignClient });
    expect(await rejection(connectBroker(foreign, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining('client certificate'),
    });
  });

  it('says where there is no TLS on the port', async () => {
    const server = await mosquitto();
    // Long enough for one attempt to end by itself on a busy machine.
    const settings = connection(server.url.replace('mqtt:', 'mqtts:'), { connectTimeout: 3000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining('perhaps there is no TLS on this port'),
    });
    const talking = await listen((socket) => socket.write('220 smtp.example ESMTP\r\n'));
    const other = connection(`mqtts://127.0.0.1:${talking}`, { connectTimeout: 600_000 });
    expect(await rejection(connectBroker(other, recorder()))).toMatchObject({
      message: expect.stringContaining('there is no TLS on this port'),
      hint: expect.stringContaining('mqtt://'),
    });
  });

  it.each([
    ['mqtt', false, 'mqtts'],
    ['ws', false, 'wss'],
    ['mqtt', true, 'mqtts'],
    ['ws', true, 'wss'],
  ])('%s:// to a TLS port (WebSockets: %s): says so at once', async (scheme, websocket, right) => {
    const { url } = await mosquitto({ tls: certificates, websocket });
    const settings = connection(url.replace(/^\w+/, scheme), { connectTimeout: 600_000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining(`this looks like a TLS port: use ${right}://`),
    });
  });

  it('says where a port takes MQTT without a WebSocket', async () => {
    const server = await mosquitto();
    const settings = connection(server.url.replace('mqtt:', 'ws:'), { connectTimeout: 1000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      message: expect.stringContaining('perhaps this port is for mqtt://'),
    });
  });

  it('speaks MQTT over a WebSocket, with or without a path', async () => {
    const server = await mosquitto({ websocket: true });
    const { broker, record } = await connected(connection(server.url));
    expect(broker.url).toBe(`${server.url}/mqtt`);
    await echoes({ broker, record });
    await echoes(await connected(connection(`${server.url}/other?token=s3cret`)));
  });

  it('waits for a broker that is not up yet', async () => {
    const server = await mosquitto();
    await server.kill();
    const connecting = connected(connection(server.url, { connectTimeout: 20_000 }));
    await server.restart();
    await echoes(await connecting);
  });
});

describe('connecting', () => {
  it.each([
    ['mqtts://h', undefined, null],
    ['mqtts://h:443', undefined, 'mqtt'],
    ['mqtts://h:443', certificates.client, 'mqtt'],
    ['mqtts://a1-ats.iot.eu-west-1.amazonaws.com:443', undefined, 'mqtt'],
    ['mqtts://a1-ats.iot.eu-west-1.amazonaws.com:443', certificates.client, 'x-amzn-mqtt-ca'],
    ['mqtts://a1-ats.iot.eu-west-1.amazonaws.com', certificates.client, null],
    ['wss://h:443', undefined, null],
  ])('%s asks inside TLS for the right protocol', (url, pair, alpn) => {
    expect(readTarget(connection(url, pair)).alpn).toBe(alpn);
  });

  it.each([
    ['knows MQTT', ['http/1.1', 'mqtt'], ['mqtt']],
    ['does not, and is asked without', ['http/1.1'], [undefined, false]],
    ['has none', undefined, [false]],
  ])('a TLS server that %s', async (_, ALPNProtocols, expected) => {
    const asked: unknown[] = [];
    const server = createTlsServer(
      { ...certificates.server, ...(ALPNProtocols ? { ALPNProtocols } : {}) },
      (socket) => {
        asked.push(socket.alpnProtocol);
        socket.on('error', () => {});
        socket.once('data', () => socket.write(Buffer.from('2003000000', 'hex')));
      },
    ).on('tlsClientError', () => void asked.push(undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => void server.close());
    const { port } = server.address() as { port: number };
    const target = {
      ...readTarget(connection(`mqtts://127.0.0.1:${port}`, { ca: certificates.ca.cert })),
      alpn: 'mqtt',
    };
    const open = () =>
      openLink(
        {
          target,
          version: '5',
          clientId: 'c',
          username: undefined,
          password: undefined,
          clean: true,
          resume: false,
          sessionExpiry: 0,
          keepalive: 30,
          reservedIds: [],
        },
        recorder(),
        systemClock,
        5000,
      );
    const link = await open().catch(open);
    link.destroy();
    expect(asked).toEqual(expected);
  });

  it('falls back to 3.1.1 where the broker does not speak MQTT 5, and only when it may', async () => {
    const aedes = await startAedes();
    cleanups.push(aedes.stop);
    const { broker, record } = await connected(connection(aedes.url));
    expect(broker.version).toBe('3.1.1');
    await echoes({ broker, record });
    const five = connection(aedes.url, { mqttVersion: '5', connectTimeout: 1000 });
    expect(await rejection(connectBroker(five, recorder()))).toMatchObject({
      code: 'broker_refused',
      message: expect.stringContaining('protocol version not supported'),
      hint: expect.stringContaining('--mqtt-version auto'),
    });
  });

  it.each([
    ['hangs up', (socket: Socket) => void socket.end()],
    ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
    ['answers as 3.1.1 brokers do', (socket: Socket) => void socket.write(Buffer.from('20020001', 'hex'))],
    ['answers nonsense', (socket: Socket) => void socket.write('Pardon?\r\n')],
    ['keeps silent', () => {}, true],
  ])('falls back where the broker %s on MQTT 5', async (_, answer, silent = false) => {
    const versions: number[] = [];
    const port = await listen((socket) => {
      socket.once('data', (connect) => {
        const version = connect[8] as number;
        versions.push(version);
        if (version === 5) answer(socket);
        else socket.write(Buffer.from('20020000', 'hex'));
      });
    });
    const clock = manualClock();
    const settings = connection(`mqtt://127.0.0.1:${port}`, { connectTimeout: 10_000 });
    const connecting = connectBroker(settings, recorder(), { clock });
    // Silence is tolerated for half of the time.
    await until(() => versions.length > 0);
    if (silent) clock.advance(5000);
    const broker = await connecting;
    cleanups.push(() => broker.close());
    expect(broker.version).toBe('3.1.1');
    expect(versions).toEqual([5, 4]);
  });

  it('says who could not be reached, and why', async () => {
    const port = await listen((socket) => socket.destroy());
    const dropped = connection(`mqtt://127.0.0.1:${port}`, { connectTimeout: 400 });
    expect(await rejection(connectBroker(dropped, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringMatching(
        new RegExp(`^cannot reach mqtt://127\\.0\\.0\\.1:${port} \\(tried for 0\\.4 s\\): `),
      ),
    });
    // Nothing listens on port 1.
    const clock = manualClock();
    const refused = connection('mqtt://user:s3cret@127.0.0.1:1', { connectTimeout: 400 });
    const error = (await rejection(hasten(clock, connectBroker(refused, recorder(), { clock })))) as Error;
    expect(error.message).toBe('cannot reach mqtt://***@127.0.0.1:1 (tried for 0.4 s): connection refused');
    const unknown = connection('mqtt://no-such-host.invalid', { connectTimeout: 400 });
    expect(await rejection(connectBroker(unknown, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining('mqtt://no-such-host.invalid:1883'),
    });
  });

  it('reports a silent server as unreachable, and recognizes a web server', async () => {
    const silent = await listen(() => {});
    for (const scheme of ['mqtt', 'mqtts', 'ws']) {
      const settings = connection(`${scheme}://127.0.0.1:${silent}`, { connectTimeout: 300 });
      expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({ code: 'broker_unreachable' });
    }
    const web = await listen((socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'));
    const settings = connection(`ws://127.0.0.1:${web}`, { connectTimeout: 600_000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      message: expect.stringContaining('HTTP 404'),
      hint: expect.stringContaining('path'),
    });
  });

  it.each([
    ['mqtt', 'AMQP\0\0\x09\x01', 'AMQP', /usually 1883/],
    ['ws', 'AMQP\0\0\x09\x01', 'AMQP', /WebSockets another/],
    ['mqtt', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'a web server', /ws:\/\//],
    ['mqtt', 'INFO {"server_id":"N"}\r\n', 'the NATS protocol', /1883/],
    ['mqtt', 'SSH-2.0-OpenSSH_9.2\r\n', 'SSH', /1883/],
    ['mqtt', '220 mail.example ESMTP\r\n', 'a mail or FTP server', /1883/],
    ['mqtt', '-ERR unknown command\r\n', 'Redis', /1883/],
    ['mqtt', '\0\0\x18\x04\0\0\0\0\0', 'HTTP/2', /1883/],
    ['mqtt', '\0\0\x01\x2a\x01ActiveMQ', 'OpenWire', /1883/],
  ])('%s:// to a port that answers %j: says whose it is', async (scheme, answer, what, hint) => {
    const port = await listen((socket) => void socket.once('data', () => socket.end(Buffer.from(answer, 'latin1'))));
    const settings = connection(`${scheme}://127.0.0.1:${port}`, { connectTimeout: 600_000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining(`this is a port for ${what}`),
      hint: expect.stringMatching(hint),
    });
  });

  it('recognizes a TLS alert', async () => {
    const port = await listen(
      (socket) => void socket.once('data', () => socket.end(Buffer.from('15030300020246', 'hex'))),
    );
    const settings = connection(`mqtt://127.0.0.1:${port}`, { connectTimeout: 600_000 });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      message: expect.stringContaining('looks like a TLS port'),
    });
  });

  it('tries again after a temporary refusal, and gives its reason at the end', async () => {
    let attempts = 0;
    const port = await listen((socket) => {
      attempts++;
      // Server unavailable, with the reason string "nap".
      socket.write(Buffer.from('20090088061f00036e6170', 'hex'));
    });
    const clock = manualClock();
    const settings = connection(`mqtt://127.0.0.1:${port}`, { mqttVersion: '5', connectTimeout: 10_000 });
    const connecting = connectBroker(settings, recorder(), { clock });
    expect(await rejection(hasten(clock, connecting, 50))).toMatchObject({
      code: 'broker_unreachable',
      message: expect.stringContaining('broker unavailable (code 0x88, the broker says: nap)'),
    });
    expect(attempts).toBeGreaterThan(1);
  });

  it('says where the broker has no QoS 1', async () => {
    const port = await listen((socket) => socket.write(Buffer.from('20050000022400', 'hex')));
    const settings = connection(`mqtt://127.0.0.1:${port}`, { mqttVersion: '5' });
    expect(await rejection(connectBroker(settings, recorder()))).toMatchObject({
      code: 'broker_refused',
      message: expect.stringContaining('QoS 0'),
    });
  });

  it.each(['before', 'while connecting', 'while waiting'])('ends at once on a signal (%s)', async (when) => {
    const abort = new AbortController();
    const silent = await listen(() => {});
    const url = `mqtt://127.0.0.1:${when === 'while waiting' ? 1 : silent}`;
    if (when === 'before') abort.abort();
    const connecting = connectBroker(connection(url, { connectTimeout: 600_000 }), recorder(), {
      signal: abort.signal,
    });
    const rejected = rejection(connecting);
    setImmediate(() => abort.abort());
    expect(await rejected).toMatchObject({ code: 'interrupted' });
  });

  it('refuses settings that cannot work before it connects', async () => {
    const { client, server, ca } = certificates;
    const refused = (url: string, more = {}) => rejection(connectBroker(connection(url, more), recorder()));
    for (const url of ['localhost', 'http://h', 'mqtt://', 'mqtt:h']) {
      expect(await refused(url)).toMatchObject({ code: 'settings_invalid' });
    }
    const error = await refused('mqtt://h', { ca: ca.cert });
    expect(error).toMatchObject({ code: 'settings_invalid', hint: expect.stringContaining('mqtts://') });
    expect(await refused('mqtts://h', { cert: client.cert })).toMatchObject({ message: '--cert needs --key' });
    expect(await refused('mqtts://h', { key: client.key })).toMatchObject({ message: '--key needs --cert' });
    expect(await refused('mqtts://h', { ca: Buffer.from('junk') })).toMatchObject({
      message: expect.stringContaining('--ca cannot be used'),
    });
    expect(await refused('mqtts://h', { cert: client.cert, key: server.key })).toMatchObject({
      message: 'the private key of --key does not belong to the certificate of --cert',
    });
  });
});
