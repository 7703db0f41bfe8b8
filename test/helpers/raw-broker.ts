/**
 * A broker that works with bytes: it answers as the test says, and can send what no real broker would. Everything is written by
 * hand after MQTT 3.1.1 and 5, so that no library is in between.
 */
import { createServer, type Socket } from 'node:net';

export interface RawClient {
  socket: Socket;
  /** 4 or 5. */
  version: number;
  clientId: string;
  /** Resolves when the socket accepts more; false = it is closed. */
  send(bytes: Buffer): Promise<boolean>;
}

export interface RawBrokerOptions {
  /** false: CONNECT is not answered. */
  answersConnect?: boolean;
  sessionPresent?: boolean;
  /** The code for each topic, in order; null = do not answer, false = close the connection. */
  onSubscribe?(topics: string[], client: RawClient): number[] | null | false;
  onUnsubscribe?(topics: string[], client: RawClient): void;
  /** false: do not acknowledge. */
  onPublish?(topic: string, payload: string, client: RawClient): boolean | undefined;
  onPuback?(id: number, client: RawClient): void;
  /** false: do not answer. */
  onPing?(client: RawClient): boolean;
}

export interface RawBroker {
  url: string;
  port: number;
  clients: Set<RawClient>;
  /** The number of connections so far. */
  readonly connections: number;
  stop(): Promise<void>;
}

export async function startRawBroker(options: RawBrokerOptions = {}): Promise<RawBroker> {
  const clients = new Set<RawClient>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const client: RawClient = {
      socket,
      version: 4,
      clientId: '',
      send: (bytes) =>
        new Promise((resolve) => {
          if (socket.destroyed) return resolve(false);
          if (socket.write(bytes)) return resolve(true);
          const done = () => {
            socket.off('drain', done);
            socket.off('close', done);
            resolve(!socket.destroyed);
          };
          socket.once('drain', done);
          socket.once('close', done);
        }),
    };
    clients.add(client);
    socket.on('close', () => clients.delete(client));
    let read = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      for (let packet = nextPacket(read); packet; packet = nextPacket(read)) {
        read = read.subarray(packet.bytes);
        handle(packet, client, options);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    clients,
    get connections() {
      return connections;
    },
    async stop() {
      for (const { socket } of clients) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Packet {
  type: number;
  flags: number;
  body: Buffer;
  bytes: number;
}

function nextPacket(read: Buffer): Packet | null {
  let size = 0;
  for (let at = 1; at < Math.min(read.length, 5); at++) {
    const byte = read[at] as number;
    size += (byte & 0x7f) << (7 * (at - 1));
    if (byte & 0x80) continue;
    const first = read[0] as number;
    if (read.length < at + 1 + size) return null;
    return { type: first >> 4, flags: first & 15, body: read.subarray(at + 1, at + 1 + size), bytes: at + 1 + size };
  }
  return null;
}

function handle({ type, flags, body }: Packet, client: RawClient, options: RawBrokerOptions): void {
  const five = client.version === 5 || (type === 1 && body[6] === 5);
  const properties = five ? [0] : [];
  // Skip the properties of MQTT 5, whose length takes one byte in this program's packets.
  const after = (at: number) => (five ? at + 1 + (body[at] as number) : at);
  if (type === 1) {
    client.version = body[6] as number;
    const id = after(10);
    client.clientId = body.toString('utf8', id + 2, id + 2 + body.readUInt16BE(id));
    if (options.answersConnect === false) return;
    client.socket.write(packet(0x20, Buffer.from([options.sessionPresent ? 1 : 0, 0, ...properties])));
  } else if (type === 3) {
    const end = 2 + body.readUInt16BE(0);
    const payload = after(end + ((flags >> 1) & 3 ? 2 : 0));
    const taken = options.onPublish?.(body.toString('utf8', 2, end), body.toString('utf8', payload), client);
    if (taken !== false && (flags >> 1) & 3) {
      client.socket.write(Buffer.from([0x40, 2, body[end] as number, body[end + 1] as number]));
    }
  } else if (type === 4) {
    options.onPuback?.(body.readUInt16BE(0), client);
  } else if (type === 8 || type === 10) {
    const topics: string[] = [];
    for (let at = after(2); at < body.length; ) {
      const end = at + 2 + body.readUInt16BE(at);
      topics.push(body.toString('utf8', at + 2, end));
      at = end + (type === 8 ? 1 : 0);
    }
    const id = [body[0] as number, body[1] as number];
    if (type === 10) {
      options.onUnsubscribe?.(topics, client);
      client.socket.write(packet(0xb0, Buffer.from([...id, ...properties, ...(five ? topics.map(() => 0) : [])])));
      return;
    }
    const codes = options.onSubscribe ? options.onSubscribe(topics, client) : topics.map(() => 1);
    if (codes === false) client.socket.destroy();
    else if (codes) client.socket.write(packet(0x90, Buffer.from([...id, ...properties, ...codes])));
  } else if (type === 12) {
    if (options.onPing?.(client) !== false) client.socket.write(Buffer.from([0xd0, 0]));
  } else if (type === 14) {
    client.socket.end();
  }
}

function packet(first: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, ...varint(body.length)]), body]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return bytes;
}

/** A PUBLISH for `version`. `id` makes it QoS 1. */
export function publishPacket(version: number, topic: string, payload: Buffer | string, id?: number): Buffer {
  const { head, bytes } = publishHead(version, topic, Buffer.byteLength(payload), id);
  return Buffer.concat([head, Buffer.from(payload)], head.length + bytes);
}

/** A PUBLISH without its payload of `bytes`, which the caller sends in any pieces. */
export function publishHead(
  version: number,
  topic: string,
  bytes: number,
  id?: number,
): { head: Buffer; bytes: number } {
  const name = Buffer.from(topic);
  const ids = id === undefined ? [] : [id >> 8, id & 0xff];
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 0xff]),
    name,
    Buffer.from([...ids, ...(version === 5 ? [0] : [])]),
  ]);
  const first = id === undefined ? 0x30 : 0x32;
  return { head: Buffer.concat([Buffer.from([first, ...varint(body.length + bytes)]), body]), bytes };
}
