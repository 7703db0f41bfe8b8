/** Opens the byte stream below MQTT: TCP, TLS, or a WebSocket over either. */
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
  /** The first bytes that were received over TCP or TLS, at most {@link HEAD}. */
  head(): Buffer;
  /** The number of bytes that were received over TCP or TLS. */
  received(): number;
}

/** How far a connection has got. `all`: everything below MQTT is connected, including the WebSocket. */
export type Stage = 'nothing' | 'tcp' | 'tls' | 'all';

interface StreamLimits {
  /** The most bytes of a packet. */
  packet: number;
  onOversized(topic: string, bytes: number): void;
  /** See {@link BrokerEvents.onBatch}. */
  onBatch(open: boolean): void;
}

/** Milliseconds. By default Node tries each address of a host for 250 ms, which is too short for a handshake over satellite. */
const ADDRESS_TIMEOUT = 1500;

/** Bytes read at once. */
const READ_SIZE = 64 * 1024;

/** Bytes that are enough to recognize another protocol. */
const HEAD = 256;

/** Bytes. A broker that only sends must not fill the memory with acknowledgements that it does not read. */
const MOST_UNSENT = 4 * 1024 * 1024;

/** Starts to connect. The stream itself reports success and failure. */
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
    // All that is written during the turn is sent at its end, in one piece.
    onTurn() {
      stream.cork();
      limits.onBatch(true);
    },
    onTurnEnd(acknowledgements) {
      limits.onBatch(false);
      if (stream.writableLength + below.writableLength > MOST_UNSENT)
        stream.destroy(new Error('the broker does not read the data sent to it'));
      else if (acknowledgements !== null && stream.writable) stream.write(acknowledgements);
      stream.uncork();
    },
  });
  const stream = websocket ? filtered({ stream: below, read: null }, frames) : filtered(source, noted(frames));
  return { stream, frames, stage: () => stage, head: () => head, received: () => received };
}

/** The server rejected the ALPN protocol. Not every MQTT server on port 443 knows its name. */
export function isAlpnRefused(error: unknown): boolean {
  return tlsCode(error)?.endsWith('ALERT_NO_APPLICATION_PROTOCOL') === true;
}

function openSocket({ host, port, tls, alpn }: Target): Source & { stream: Socket } {
  let take: (chunk: Buffer) => void = () => {};
  // Reads always into the same buffer, so that skipped bytes need no allocation.
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
  // MQTT packets are small and are awaited: do not delay them to fill a segment.
  socket.setNoDelay(true);
  const read = (taker: (chunk: Buffer) => void) => {
    take = taker;
  };
  return { stream: socket, read };
}

function openWebSocket({ scheme, host, port, path }: Target, socket: Duplex, onOpen: () => void): Duplex {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const client = new WebSocket(`${scheme}://${authority}${path}`, ['mqtt'], {
    // The type requires a socket, but only methods of a stream are used.
    createConnection: () => socket as Socket,
    perMessageDeflate: false,
  });
  client.once('open', onOpen);
  const stream = createWebSocketStream(client);
  // The stream ends only if the socket closes cleanly. MQTT must notice every end.
  client.once('close', () => stream.destroy());
  return stream;
}

function tlsOptions(host: string, tls: NonNullable<Target['tls']>) {
  return {
    secureContext: tls.context(),
    rejectUnauthorized: !tls.insecure,
    // TLS does not allow IP addresses as server names (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
