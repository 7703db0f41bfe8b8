/** The byte stream below MQTT: TCP, TLS, or a WebSocket over either. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import WebSocket, { createWebSocketStream } from 'ws';
import { tlsCode } from '../../tls.js';
import { type Filter, filtered, type Source } from './filtered.js';
import { type FrameFilter, frameFilter } from './mqtt-frames.js';
import type { Target } from './target.js';
import { smallWebsocketFrames } from './websocket-frames.js';

interface OpenedStream {
  stream: Duplex;
  frames: FrameFilter;
  stage(): Stage;
  /** The first bytes that came over TCP or TLS, at most {@link HEAD}. */
  head(): Buffer;
  /** Bytes that have come over TCP or TLS. */
  received(): number;
}

/** How far a connection has come; `all`: everything below MQTT stands, the WebSocket included. */
export type Stage = 'nothing' | 'tcp' | 'tls' | 'all';

interface StreamLimits {
  /** The most bytes of a packet. */
  packet: number;
  onOversized(topic: string, bytes: number): void;
}

/**
 * Node gives each address of a host 250 ms before it tries the next one, less than a handshake takes over satellite.
 */
const ADDRESS_TIMEOUT = 1500;

/** Bytes read at once. */
const READ_SIZE = 64 * 1024;

/** Enough to tell what another protocol is. */
const HEAD = 256;

/** What may wait to be sent: a broker that only writes must not fill the memory with acknowledgements. Bytes. */
const MOST_UNSENT = 4 * 1024 * 1024;

/** Starts to connect; success and failure are told by the stream itself. */
export function openStream(target: Target, limits: StreamLimits): OpenedStream {
  let stage: Stage = 'nothing';
  let head = Buffer.alloc(0);
  const websocket = target.scheme === 'ws' || target.scheme === 'wss';
  const source = openSocket(target);
  const { stream: socket } = source;
  socket.once('connect', () => {
    stage = websocket || target.tls ? 'tcp' : 'all';
  });
  socket.once('secureConnect', () => {
    stage = websocket ? 'tls' : 'all';
  });
  let received = 0;
  const noted = (filter: Filter): Filter => ({
    take(chunk) {
      received += chunk.length;
      if (head.length < HEAD) head = Buffer.concat([head, chunk.subarray(0, HEAD - head.length)]);
      return filter.take(chunk);
    },
  });
  const below: Duplex = websocket
    ? openWebSocket(target, filtered(source, noted(smallWebsocketFrames())), () => {
        stage = 'all';
      })
    : socket;
  const frames = frameFilter({
    limit: limits.packet,
    onOversized: limits.onOversized,
    send(packets) {
      if (below.writableLength > MOST_UNSENT) stream.destroy(new Error('the broker does not read the data sent to it'));
      else if (below.writable) below.write(packets);
    },
  });
  const stream = websocket ? filtered({ stream: below, read: null }, frames) : filtered(source, noted(frames));
  return { stream, frames, stage: () => stage, head: () => head, received: () => received };
}

/** The server knows no protocol that was asked for; not all that speak MQTT on the port of https know its name. */
export function isAlpnRefused(error: unknown): boolean {
  return tlsCode(error)?.endsWith('ALERT_NO_APPLICATION_PROTOCOL') === true;
}

function openSocket({ host, port, tls, alpn }: Target): Source & { stream: Socket } {
  let take: (chunk: Buffer) => void = () => {};
  // Always into the same memory: what is skipped costs no allocation.
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  const onread = {
    buffer,
    callback(length: number) {
      take(buffer.subarray(0, length));
      return true;
    },
  };
  const address = { host, port, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT, onread };
  const socket: Socket = tls
    ? connectTls({ ...address, ...tlsOptions(host, tls), ...(alpn ? { ALPNProtocols: [alpn] } : {}) })
    : connectTcp(address);
  // MQTT packets are small and each is waited for: do not hold them back to fill a segment.
  socket.setNoDelay(true);
  const read = (taker: (chunk: Buffer) => void) => {
    take = taker;
  };
  return { stream: socket, read };
}

function openWebSocket({ scheme, host, port, path }: Target, socket: Duplex, onOpen: () => void): Duplex {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const client = new WebSocket(`${scheme}://${authority}${path}`, ['mqtt'], {
    // By its type a socket is wanted; what is used of it a stream has.
    createConnection: () => socket as Socket,
    perMessageDeflate: false,
  });
  client.once('open', onOpen);
  const stream = createWebSocketStream(client);
  // The stream only ends where the socket closes in order; MQTT wants to know of every end.
  client.once('close', () => stream.destroy());
  return stream;
}

function tlsOptions(host: string, tls: NonNullable<Target['tls']>) {
  return {
    secureContext: tls.context(),
    rejectUnauthorized: !tls.insecure,
    // TLS knows no addresses as server names (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
