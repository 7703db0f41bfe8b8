import { timingSafeEqual } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, isIPv6, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { Aedes, type AuthenticateError } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { OtaError, systemReason } from '../errors.js';
import type { DockMessage } from './dock/messages.js';
import { guardPackets } from './packet-guard.js';

/** The options of the embedded broker. */
export interface EmbeddedBrokerOptions {
  /** TCP port; 0 = any free port. */
  port?: number | undefined;
  /** Address to listen on; default 127.0.0.1, which only this machine can reach. */
  host?: string | undefined;
  /** Port for MQTT over WebSocket; 0 = any free port; null or absent = none. */
  wsPort?: number | null | undefined;
  /** If given, clients must log in with both. */
  username?: string | undefined;
  password?: string | undefined;
  /**
   * A client has subscribed. `isNew`: no other client is connected, and its client id differs from the previous one, so it is
   * not a reconnect.
   */
  onSubscribe?: ((subscribed: { topics: string[]; isNew: boolean }) => void) | undefined;
}

/** An MQTT 3.1.1 broker in this process. */
export interface EmbeddedBroker {
  /** `mqtt://host:port` */
  readonly url: string;
  /** `ws://host:port/mqtt`, or null. */
  readonly wsUrl: string | null;
  readonly port: number;
  /** The number of connected clients. */
  readonly clients: number;
  /** Publishes without a connection. Resolves when every subscriber has the message, or its queue has it. */
  publish(message: DockMessage): Promise<void>;
  /** Calls `receive`, which must not throw, with every message on `filter`. */
  subscribe(filter: string, receive: (topic: string, payload: Uint8Array) => void): Promise<void>;
  /** Disconnects all clients and listens again on the same ports after `downMs`. Sessions and retained messages are kept. */
  restart(downMs?: number): Promise<void>;
  /** Closes all connections. Never throws. */
  close(): Promise<void>;
}

/** Bytes of the largest packet that a client may send. An `ota_create` has a few kB. */
const MAX_PACKET_BYTES = 4 << 20;

/**
 * Starts a broker. It refuses MQTT 5 with CONNACK return code 1, after which a client may try 3.1.1.
 * @throws OtaError `usage` if it cannot listen on the port or address
 */
export async function startBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const host = options.host ?? '127.0.0.1';
  // No concurrency limit: a long queue behind it overflows the stack (mqemitter issue 204), and a slow client would block the
  // others.
  const aedes = await Aedes.createBroker({ authenticate: authenticator(options), queueLimit: 1000, concurrency: 0 });
  // The clients notice both kinds of errors themselves. Without a listener the process would end.
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
  // listen() reports the HTTP server's own error; ws repeats it here.
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
 * aedes numbers messages as they arrive, and never delivers one with a lower number than the last to a subscriber. If one
 * message overtakes another inside the broker, as QoS 0 overtakes QoS 1, the slower one is lost (aedes issues 955, 994). This
 * disables the numbers. As a result, overlapping subscriptions of a client get one message each, which MQTT 3.1.1 section 3.3.5
 * allows.
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
      // A failed accept must not end the other connections.
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
