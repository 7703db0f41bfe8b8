/**
 * Interprets the codes of a broker and the errors of a connection: whether another attempt is worthwhile, and what to report.
 */
import { shownUser } from '../broker-url.js';
import { OtaError, systemReason } from '../errors.js';
import { quoted, safeText } from '../text.js';
import { tlsFault } from '../tls.js';
import { isAlpnRefused, type Stage } from './stream/open.js';
import type { Target } from './stream/target.js';

/** Why a connection was not made. */
export type Failure =
  /** Another attempt will not help. */
  | { kind: 'refused'; error: OtaError }
  /** The broker does not speak this protocol version. */
  | { kind: 'version'; reason: string }
  /** The port closed the connection or stayed silent; some old brokers do so on MQTT 5. */
  | { kind: 'dropped'; reason: string }
  /** The broker has a session for this client id that is not wanted. */
  | { kind: 'stale' }
  /** Another attempt may succeed. */
  | { kind: 'failed'; reason: string };

/** The error of a failed connection attempt. */
export class ConnectFailure extends Error {
  readonly failure: Failure;
  /** The port accepted the connection, but did not answer in MQTT: it may speak another protocol. */
  readonly doubtful: boolean;
  constructor(failure: Failure, doubtful = false) {
    super(failure.kind);
    this.failure = failure;
    this.doubtful = doubtful;
  }
}

/** The login that was sent, for hints. */
export interface Login {
  clientId: string;
  username: string | undefined;
  password: string | undefined;
}

// MQTT 3.1.1 section 3.2.2.3 below 0x80, MQTT 5 section 2.4 from there.
const WORDS: Readonly<Record<number, string>> = {
  1: 'protocol version not supported',
  2: 'client id not accepted',
  3: 'broker unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'implementation specific error',
  132: 'protocol version not supported',
  133: 'client id not accepted',
  134: 'bad user name or password',
  135: 'not authorized',
  136: 'broker unavailable',
  137: 'broker busy',
  138: 'banned',
  139: 'broker shutting down',
  140: 'bad authentication method',
  141: 'keep alive timeout',
  142: 'session taken over by another client with the same client id',
  143: 'topic filter invalid',
  144: 'topic name invalid',
  147: 'too many messages at once',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'administrative action',
  153: 'payload format invalid',
  155: 'QoS not supported',
  156: 'use another broker',
  157: 'broker moved',
  159: 'connection rate exceeded',
  160: 'maximum connect time',
};

/** The reason in words: `not authorized (code 0x87)`, with the broker's own text if it sent one. */
export function reasonWords(code: number, brokerSays?: string): string {
  const shown = code < 0x80 ? String(code) : `0x${code.toString(16)}`;
  const said = brokerSays ? `, the broker says: ${safeText(brokerSays, 120)}` : '';
  return `${WORDS[code] ?? 'unknown reason'} (code ${shown}${said})`;
}

// A broker without MQTT 5 may also report the CONNECT as malformed.
const VERSION_CODES: ReadonlySet<number> = new Set([1, 129, 130, 132]);
const PASSING_CODES: ReadonlySet<number> = new Set([3, 128, 131, 136, 137, 139, 151, 159]);

/** The failure for a CONNACK with an error code. */
export function connackFailure(code: number, brokerSays: string | undefined, target: Target, login: Login): Failure {
  const reason = reasonWords(code, brokerSays);
  if (VERSION_CODES.has(code)) return { kind: 'version', reason };
  if (PASSING_CODES.has(code)) return { kind: 'failed', reason };
  return {
    kind: 'refused',
    error: new OtaError('broker_refused', `${target.shown} refused the connection: ${reason}`, {
      hint: code === 2 || code === 133 ? clientIdHint(login) : loginHint(login, target),
    }),
  };
}

function clientIdHint({ clientId }: Login): string {
  return `The client id was ${quoted(clientId)}: choose one that the broker accepts with --client-id.`;
}

function loginHint({ clientId, username, password }: Login, { userInUrl }: Target): string {
  if (!username) return 'No user name was sent: give one with --username, and its password in DJI_OTA_PASSWORD.';
  const user = userInUrl ? 'of the broker URL' : `"${shownUser(username)}"`;
  if (!password) {
    return `The user ${user} was sent without a password: set DJI_OTA_PASSWORD, or give --password-file.`;
  }
  return (
    `Check the user ${user} and the password (from --password-file, DJI_OTA_PASSWORD or the profile), ` +
    `and whether the broker binds users to client ids (this one is ${quoted(clientId)}).`
  );
}

/** The failure for an error below MQTT, before the broker has answered. */
export function streamFailure(error: unknown, target: Target, stage: Stage): Failure {
  const { code } = error as { code?: unknown };
  const final = (why: string, hint: string): Failure => ({
    kind: 'refused',
    error: new OtaError('broker_unreachable', `${target.shown}: ${why}`, { hint, cause: error }),
  });
  if (isAlpnRefused(error)) return { kind: 'failed', reason: 'the server does not support MQTT inside TLS (ALPN)' };
  const fault = target.tls && tlsFault(error, 'broker');
  if (fault) {
    const other = 'Check the port, or use mqtt:// or ws:// for a connection without TLS.';
    const doubt = fault.kind === 'client certificate' ? target.tls?.clientDoubt(Date.now()) : null;
    if (doubt) return final(`the broker does not accept the client certificate of --cert: ${doubt}`, fault.hint);
    return final(safeText(fault.why, 240), fault.kind === 'no TLS' ? other : fault.hint);
  }
  // ws reports a status other than 101 only in its message.
  const status = /Unexpected server response: (\d{3})/.exec(error instanceof Error ? error.message : '')?.[1];
  if (status !== undefined && !/^(408|429|5\d\d)$/.test(status)) {
    return final(
      `the server answered HTTP ${status} instead of opening a WebSocket`,
      'Check port and path of the broker URL: EMQX and HiveMQ use /mqtt, RabbitMQ uses /ws.',
    );
  }
  const reason = safeText(status ? `HTTP ${status}` : reasonOf(error, target, stage));
  return stage === 'all' && (code === 'ECONNRESET' || code === 'EPIPE')
    ? { kind: 'dropped', reason }
    : { kind: 'failed', reason };
}

function reasonOf(error: unknown, target: Target, stage: Stage): string {
  const message = error instanceof Error ? error.message : '';
  const { code } = error as { code?: unknown };
  // The text of Node's tls for a connection that ends during the handshake.
  const hungUp = code === 'ECONNRESET' || message.includes('before secure TLS connection');
  if (hungUp && stage !== 'all' && target.path === '' && target.tls) return NO_TLS;
  if (hungUp && target.path !== '') {
    if (target.tls && stage !== 'tls') return NO_TLS;
    const other = target.tls ? 'mqtts' : 'mqtt';
    return `the server hung up instead of opening a WebSocket; perhaps this port is for ${other}://`;
  }
  return systemReason(error);
}

const NO_TLS = 'the server hung up during the TLS handshake; perhaps there is no TLS on this port';
