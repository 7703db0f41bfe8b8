/** The byte stream below MQTT: TCP, TLS, or a WebSocket over either. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import WebSocket, { createWebSocketStream } from 'ws';
import type { Target } from './target.js';

export interface OpenedStream {
  stream: Duplex;
  /** Whether everything below MQTT stands: TCP, TLS and the WebSocket. */
  reached(): boolean;
}

/**
 * Node gives each address of a host 250 ms before it tries the next one, less than a handshake takes over satellite.
 */
const ADDRESS_TIMEOUT = 1500;

/** Starts to connect; success and failure are told by the stream itself. */
export function openStream(target: Target): OpenedStream {
  let reached = false;
  const isReached = () => {
    reached = true;
  };
  const stream =
    target.scheme === 'ws' || target.scheme === 'wss'
      ? openWebSocket(target, isReached)
      : openSocket(target, isReached);
  return { stream, reached: () => reached };
}

function openSocket(target: Target, onReached: () => void): Duplex {
  const { host, port, tls } = target;
  const address = { host, port, autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT };
  const socket: Socket = tls
    ? connectTls({ ...address, ...tlsOptions(target) }, onReached)
    : connectTcp(address, onReached);
  // MQTT packets are small and each is waited for: do not hold them back to fill a segment.
  socket.setNoDelay(true);
  return socket;
}

function openWebSocket(target: Target, onReached: () => void): Duplex {
  const { scheme, host, port, path } = target;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const socket = new WebSocket(`${scheme}://${authority}${path}`, ['mqtt'], {
    ...(target.tls ? tlsOptions(target) : {}),
    perMessageDeflate: false,
  });
  socket.once('open', onReached);
  const stream = createWebSocketStream(socket);
  // The stream only ends where the socket closes in order; MQTT wants to know of every end.
  socket.once('close', () => stream.destroy());
  return stream;
}

function tlsOptions({ tls, host }: Target) {
  return {
    secureContext: tls?.context(),
    rejectUnauthorized: tls?.insecure !== true,
    // TLS knows no addresses as server names (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
