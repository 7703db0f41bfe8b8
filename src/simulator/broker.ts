import { timingSafeEqual } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, isIPv6, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { Aedes, type AuthenticateError } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { OtaError, systemReason } from '../errors.js';
import type { DockMessage } from './dock/messages.js';
import { guardPackets } from './packet-guard.js';

export interface EmbeddedBrokerOptions {
  /** TCP port; 0 = any free one. */
  port?: number | undefined;
  /** Address to listen on; default 127.0.0.1, this machine alone. */
  host?: string | undefined;
  /** Port for MQTT over WebSocket, 0 = any free one; null or absent = none. */
  wsPort?: number | null | undefined;
  /** Where given, a client must log in with both. */
  username?: string | undefined;
  password?: string | undefined;
  /**
   * A client has subscribed. `isNew`: nobody else is connected, and it comes under another client id than the one before,
   * so that it does not merely come back.
   */
  onSubscribe?: ((subscribed: { topics: string[]; isNew: boolean }) => void) | undefined;
}

/** An MQTT 3.1.1 broker inside this process. */
export interface EmbeddedBroker {
  /** `mqtt://host:port` */
  readonly url: string;
  /** `ws://host:port/mqtt`, or null. */
  readonly wsUrl: string | null;
  readonly port: number;
  /** Clients connected now. */
  readonly clients: number;
  /** Publishes from inside, without a socket; resolves once the message is with every subscriber or in its queue. */
  publish(message: DockMessage): Promise<void>;
  /** Hands every message on `filter` to `receive`, which must not throw. */
  subscribe(filter: string, receive: (topic: string, payload: Uint8Array) => void): Promise<void>;
  /** Drops every client and listens again on the same ports after `downMs`; sessions and retained messages are kept. */
  restart(downMs?: number): Promise<void>;
  /** Ends every connection. Never throws. */
  close(): Promise<void>;
}

/** The largest packet that a client may send; an `ota_create` has a few kB. */
const MAX_PACKET_BYTES = 4 << 20;

/**
 * Starts a broker. It refuses MQTT 5 with CONNACK return code 1, at which a client may come back with 3.1.1.
 * @throws OtaError `usage` where the port or address cannot be listened on.
 */
export async function startBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const host = options.host ?? '127.0.0.1';
  // Without a limit of messages under way: the queue behind it overflows the stack once it is long (mqemitter issue 204),
  // and a client that reads slowly would hold up all others.
  const aedes = await Aedes.createBroker({ authenticate: authenticator(options), queueLimit: 1000, concurrency: 0 });
  // Both are the client's affair, and it learns of them by its connection; without a listener nothing is lost.
  aedes.on('clientError', () => {});
  aedes.on('connectionError', () => {});
  aedes.on('client', deliverEvenWhenOvertaken);
  let latest: string | null = null;
  aedes.on('subscribe', (subscriptions, { id }) => {
    const isNew = id !== latest && aedes.connectedClients === 1;
    if (isNew) latest = id;
    options.onSubscribe?.({ topics: subscriptions.map(({ topic }) => topic), isNew });
  });
  const open = new Set<Duplex>();
  const accept = (stream: Duplex) => {
    open.add(stream);
    stream.once('close', () => open.delete(stream));
    guardPackets(stream, MAX_PACKET_BYTES);
    aedes.handle(stream);
  };

  const tcp = createServer({ noDelay: true }, accept);
  const web = options.wsPort == null ? null : createHttpServer((_, response) => response.writeHead(426).end());
  const sockets =
    web && new WebSocketServer({ server: web, maxPayload: MAX_PACKET_BYTES, handleProtocols: chooseProtocol });
  // The HTTP server's own error is reported by listen(); ws repeats it here, where nobody waits for it.
  sockets?.on('error', () => {});
  sockets?.on('connection', (socket) => accept(createWebSocketStream(socket)));
  const listening: { server: Server; port: number }[] = [{ server: tcp, port: options.port ?? 0 }];
  if (web) listening.push({ server: web, port: options.wsPort ?? 0 });

  async function silence(): Promise<void> {
    const closed = listening.map(({ server }) => new Promise<void>((done) => server.close(() => done())));
    web?.closeAllConnections();
    for (const stream of open) stream.destroy();
    for (const socket of sockets?.clients ?? []) socket.terminate();
    await Promise.all(closed);
  }
  const close = async () => {
    await silence();
    sockets?.close();
    await new Promise<void>((done) => aedes.close(done));
  };

  try {
    for (const each of listening) each.port = await listen(each.server, each.port, host);
  } catch (error) {
    await close();
    throw error;
  }
  const shown = isIPv6(host) ? `[${host}]` : host;
  const port = listening[0]?.port ?? 0;
  const webPort = listening[1]?.port;
  return {
    url: `mqtt://${shown}:${port}`,
    wsUrl: webPort ? `ws://${shown}:${webPort}/mqtt` : null,
    port,
    get clients() {
      return aedes.connectedClients;
    },
    publish: ({ topic, payload, qos, retain }) =>
      new Promise((done) => {
        const packet = { cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain, dup: false } as const;
        aedes.publish(packet, () => done());
      }),
    subscribe: (filter, receive) =>
      new Promise((done) => {
        const deliver = (packet: { topic: string; payload: string | Buffer }, taken: () => void) => {
          taken();
          receive(packet.topic, Buffer.from(packet.payload));
        };
        aedes.subscribe(filter, deliver, done);
      }),
    async restart(downMs = 0) {
      await silence();
      if (downMs > 0) await new Promise((done) => setTimeout(done, downMs));
      for (const { server, port } of listening) await listen(server, port, host);
    },
    close,
  };
}

/**
 * aedes numbers messages as they come in, and gives a subscriber none with a lower number than the last. Where one
 * overtakes another on its way through the broker, as QoS 0 does QoS 1, the slower one is lost (aedes issues 955, 994).
 * Nobody's number is remembered here. In return, overlapping subscriptions of one client get a message each, which MQTT
 * 3.1.1 section 3.3.5 allows.
 */
function deliverEvenWhenOvertaken(client: object): void {
  (client as { duplicates: object }).duplicates = new Proxy({}, { set: () => true });
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      const place = `${host}:${port}`;
      reject(
        new OtaError('usage', `cannot listen on ${place}: ${systemReason(error)}`, {
          cause: error,
          hint: 'Choose another port, or 0 for any free one.',
        }),
      );
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.removeListener('error', failed);
      // A connection that cannot be taken is no reason to end the others.
      if (server.listenerCount('error') === 0) server.on('error', () => {});
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function chooseProtocol(protocols: Set<string>): string | false {
  return protocols.has('mqtt') ? 'mqtt' : false;
}

function authenticator(options: EmbeddedBrokerOptions) {
  const { username, password } = options;
  type Done = (error: AuthenticateError | null, success: boolean | null) => void;
  return (_: unknown, name: string | undefined, secret: Buffer | undefined, done: Done) => {
    if (username === undefined) return done(null, true);
    const right = same(name ?? '', username) && same(secret?.toString() ?? '', password ?? '');
    // 4 = bad user name or password (MQTT 3.1.1 table 3.1).
    if (right) done(null, true);
    else done(Object.assign(new Error('bad user name or password'), { returnCode: 4 }), null);
  };
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
