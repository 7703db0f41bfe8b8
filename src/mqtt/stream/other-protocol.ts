/** Recognizes a port that speaks another protocol than the URL says, by its first bytes. */
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Clock } from '../../clock.js';
import { OtaError } from '../../errors.js';
import type { Target } from './target.js';

/** The error for a port whose first bytes belong to another protocol; null = they may be the right one's. */
export function otherProtocol(head: Buffer, target: Target): OtaError | null {
  if (!target.tls && TLS_RECORD.test(head.toString('latin1', 0, 2))) return tlsPort(target);
  const websocket = target.scheme === 'ws' || target.scheme === 'wss';
  const text = head.toString('latin1');
  const found = SIGNS.find(([sign]) => sign.test(text));
  if (!found || (websocket && found[1] === WEB)) return null;
  const [, what] = found;
  const secure = target.tls !== null;
  const hint =
    what === WEB
      ? `For MQTT over WebSockets use ${secure ? 'wss' : 'ws'}:// and the path of its listener; plain MQTT has another port.`
      : `MQTT uses another port, usually ${secure ? '8883' : '1883'}${websocket ? ', and WebSockets another' : ''}.`;
  return new OtaError('broker_unreachable', `${target.shown}: this is a port for ${what}, not for MQTT`, { hint });
}

/** An alert or a handshake, version 3.x (RFC 8446, section 5.1). */
const TLS_RECORD = /^[\x15\x16]\x03/;

const WEB = 'a web server';

/** How servers begin, or answer what they do not understand. */
const SIGNS: readonly [RegExp, string][] = [
  [/^HTTP\/\d/, WEB],
  // AMQP 0-9-1 and 1.0 answer a wrong header with their own.
  [/^AMQP/, 'AMQP'],
  [/^INFO \{/, 'the NATS protocol'],
  [/^.{4}\x01ActiveMQ/s, "OpenWire (ActiveMQ's own protocol)"],
  [/^ERROR\r?\n/, 'STOMP'],
  [/^-(ERR|DENIED|NOAUTH)\b/, 'Redis'],
  [/^SSH-/, 'SSH'],
  [/^220[ -]/, 'a mail or FTP server'],
  // SETTINGS is the first frame (RFC 9113, section 3.4).
  [/^\0\0.\x04.\0\0\0\0/s, 'HTTP/2'],
];

/** The error for a port that expects TLS. */
export function tlsPort({ shown, scheme }: Target): OtaError {
  const secure = scheme === 'mqtt' ? 'mqtts' : 'wss';
  return new OtaError('broker_unreachable', `${shown}: this looks like a TLS port: use ${secure}://`, {
    hint: `Change the scheme of the broker URL to ${secure}://; give a private certificate authority with --ca.`,
  });
}

/**
 * Whether the port of `target` speaks TLS. Many servers close the connection without a byte if they expect TLS, so only a
 * handshake shows it; no data is sent inside. Never rejects, and takes at most `timeout` milliseconds.
 */
export function speaksTls({ host, port }: Target, clock: Clock, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const cancel = clock.after(timeout, () => done(false));
    const done = (speaks: boolean) => {
      cancel();
      socket.destroy();
      resolve(speaks);
    };
    socket.once('secureConnect', () => done(true));
    socket.once('close', () => done(false));
    // An alert is an answer in TLS, too: the server may require another version or a client certificate.
    socket.on('error', (error: NodeJS.ErrnoException) => done(/ALERT/.test(error.code ?? '')));
  });
}
