import { domainToASCII } from 'node:url';
import { safeText } from './text.js';

export type BrokerScheme = 'mqtt' | 'mqtts' | 'ws' | 'wss';

/** 1883 and 8883 are MQTT's registered ports; WebSockets take those of HTTP. */
const DEFAULT_PORTS: Readonly<Record<BrokerScheme, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** Where EMQX, HiveMQ and VerneMQ listen; mosquitto takes any path. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

/** What a part of a WebSocket's path may be without being taken for a token. */
const PLAIN_PART =
  /^(?:mqtt|mqtt-?ws|ws-?mqtt|wss?|(?:web)?sockets?|brokers?|emqx|hivemq|mosquitto|rabbitmq|vernemq|iot|api|v\d{1,2})$/i;

/**
 * The URL of a broker. User info, query and path of one may hold a password or token, so it shows itself without them, also
 * in a template, in JSON and in `util.inspect`; {@link BrokerUrl.reveal} gives the URL itself.
 */
export class BrokerUrl {
  readonly scheme: BrokerScheme;
  /** mqtts or wss. */
  readonly tls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** For messages, files and reports: with the port, `***` for what may be secret, and nothing that a terminal obeys. */
  readonly shown: string;
  /** Something is left out in {@link shown}. */
  readonly hasSecret: boolean;
  readonly #url: URL;

  /** @throws TypeError for what is no URL of a broker. */
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

  /** The URL of `text`; null where it is none of a broker. */
  static parse(text: string): BrokerUrl | null {
    try {
      return new BrokerUrl(text);
    } catch {
      return null;
    }
  }

  /** The whole URL, with its default path: to connect, and to keep what has no secret. */
  reveal(): URL {
    return new URL(this.#url);
  }

  /** Whether what is meant for one of the two may be sent to the other: user info and query are no difference. */
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

/** A user name for messages: after a `?` authorizers of AWS IoT Core find tokens and signatures. */
export function shownUser(username: string): string {
  const end = username.indexOf('?');
  return safeText(end < 0 ? username : `${username.slice(0, end)}?***`, 60);
}

/** What was to be the URL of a broker, shown without what might be secret in it. */
export function shownBrokerText(text: string): string {
  const url = BrokerUrl.parse(text);
  if (url) return url.hasSecret ? url.shown : safeText(text, 120);
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/*|)(.*)$/is.exec(text) ?? [];
  const end = rest.search(/[?#]/);
  const head = end < 0 ? rest : rest.slice(0, end);
  // An "@" behind it: a password may hold these signs as well, and what is which is not known.
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

// For schemes that it does not know, URL leaves the host as it was written: percent-encoded where it is not ASCII.
function hostOf(url: URL): string {
  if (url.hostname.startsWith('[')) return url.hostname.slice(1, -1);
  let host = url.hostname;
  try {
    host = decodeURIComponent(host);
  } catch {
    // Then it is looked up as it stands.
  }
  return domainToASCII(host) || url.hostname;
}
