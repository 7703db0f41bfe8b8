import { domainToASCII } from 'node:url';
import { safeText } from './text.js';

/** The URL schemes of brokers. */
export type BrokerScheme = 'mqtt' | 'mqtts' | 'ws' | 'wss';

/** 1883 and 8883 are the registered ports of MQTT; WebSockets use those of HTTP. */
const DEFAULT_PORTS: Readonly<Record<BrokerScheme, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** The path on which EMQX, HiveMQ and VerneMQ listen. mosquitto accepts any path. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

/** Parts of a WebSocket path that are certainly not a token. */
const PLAIN_PART =
  /^(?:mqtt|mqtt-?ws|ws-?mqtt|wss?|(?:web)?sockets?|brokers?|emqx|hivemq|mosquitto|rabbitmq|vernemq|iot|api|v\d{1,2})$/i;

/**
 * The URL of a broker. User info, query and path may contain a password or token, so templates, JSON and `util.inspect` show it
 * without them. {@link BrokerUrl.reveal} returns the complete URL.
 */
export class BrokerUrl {
  readonly scheme: BrokerScheme;
  /** mqtts or wss. */
  readonly tls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** For messages, files and reports: with the port, `***` for possible secrets, and no terminal control characters. */
  readonly shown: string;
  /** Whether {@link shown} leaves something out. */
  readonly hasSecret: boolean;
  readonly #url: URL;

  /** @throws TypeError if `text` is not the URL of a broker */
  constructor(text: string) {
    const url = new URL(text);
    const scheme = url.protocol.slice(0, -1);
    if (!isScheme(scheme) || url.hostname === '') throw new TypeError('no URL of a broker');
    const websocket = scheme === 'ws' || scheme === 'wss';
    if (websocket && (url.pathname === '' || url.pathname === '/')) url.pathname = DEFAULT_WEBSOCKET_PATH;
    if (!websocket) url.pathname = '';
    url.hash = '';
    this.#url = url;
    this.scheme = scheme;
    this.tls = scheme === 'mqtts' || scheme === 'wss';
    this.host = hostOf(url);
    this.port = url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port);
    const path = shownPath(url.pathname);
    const authority = `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
    const user = url.username || url.password ? '***@' : '';
    const query = url.search ? '?***' : '';
    this.shown = safeText(`${scheme}://${user}${authority}${path}${query}`, 300);
    this.hasSecret = user !== '' || query !== '' || path !== url.pathname;
  }

  /** Parses `text`; null = it is not the URL of a broker. */
  static parse(text: string): BrokerUrl | null {
    try {
      return new BrokerUrl(text);
    } catch {
      return null;
    }
  }

  /** The complete URL with its default path, for connecting and for storing a URL without secrets. */
  reveal(): URL {
    return new URL(this.#url);
  }

  /** Whether both name the same broker. User info and query do not count. */
  isSameBroker(other: BrokerUrl): boolean {
    const address = (url: BrokerUrl) => [url.scheme, url.host.toLowerCase(), url.port, url.#url.pathname].join(' ');
    return address(this) === address(other);
  }

  toString(): string {
    return this.shown;
  }

  toJSON(): string {
    return this.shown;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.shown;
  }
}

/** A user name for messages. Authorizers of AWS IoT Core put tokens and signatures after a `?`. */
export function shownUser(username: string): string {
  const end = username.indexOf('?');
  return safeText(end < 0 ? username : `${username.slice(0, end)}?***`, 60);
}

/** Text that should be the URL of a broker, shown without possible secrets. */
export function shownBrokerText(text: string): string {
  const url = BrokerUrl.parse(text);
  if (url) return url.hasSecret ? url.shown : safeText(text, 120);
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/*|)(.*)$/is.exec(text) ?? [];
  const end = rest.search(/[?#]/);
  const head = end < 0 ? rest : rest.slice(0, end);
  // There is an "@" after it. A password may contain these characters too, so the parts cannot be separated safely.
  if (end >= 0 && rest.includes('@', end)) return safeText(`${scheme}***`, 120);
  const user = head.lastIndexOf('@');
  const [host = '', ...parts] = head.slice(user + 1).split('/');
  const path = shownPath(['', ...parts].join('/'));
  return safeText(`${scheme}${user < 0 ? '' : '***@'}${host}${path}${end < 0 ? '' : '?***'}`, 120);
}

function shownPath(path: string): string {
  return path
    .split('/')
    .map((part) => (part === '' || PLAIN_PART.test(part) ? part : '***'))
    .join('/');
}

function isScheme(text: string): text is BrokerScheme {
  return Object.hasOwn(DEFAULT_PORTS, text);
}

// For unknown schemes, URL leaves the host percent-encoded where it is not ASCII.
function hostOf(url: URL): string {
  if (url.hostname.startsWith('[')) return url.hostname.slice(1, -1);
  let host = url.hostname;
  try {
    host = decodeURIComponent(host);
  } catch {
    // Not decodable: resolve it as it is.
  }
  return domainToASCII(host) || url.hostname;
}
