/** Where to connect: the broker URL and the TLS files, checked before the first attempt. */
import { type BrokerScheme, BrokerUrl, shownBrokerText } from '../../broker-url.js';
import { OtaError } from '../../errors.js';
import type { ConnectionSettings } from '../broker.js';
import { readTlsFiles, type TlsFiles } from './tls-files.js';

/** The checked address of a broker. */
export interface Target {
  scheme: BrokerScheme;
  /** Without the brackets of an IPv6 address. */
  host: string;
  port: number;
  /** Path and query of a WebSocket URL; empty for plain MQTT. */
  path: string;
  /** Without possible secrets, for messages. */
  shown: string;
  username: string | undefined;
  /** The user name is in the URL, which is not shown. */
  userInUrl: boolean;
  password: string | undefined;
  /** Null if the scheme has no TLS. */
  tls: TlsFiles | null;
  /** The ALPN protocol; null = none. After a server has rejected it, the next attempt uses none. */
  alpn: string | null;
}

/**
 * Reads the address from connection settings. User name and password of the URL are used if the settings have none.
 * @throws OtaError `settings_invalid` for an invalid URL, and for certificate or key files that cannot be used
 */
export function readTarget(settings: ConnectionSettings): Target {
  const url = typeof settings.url === 'string' ? BrokerUrl.parse(settings.url) : settings.url;
  if (!url) {
    throw new OtaError('settings_invalid', `${shownBrokerText(String(settings.url))} is no broker URL`, {
      hint: 'Use a URL such as mqtt://host:1883, mqtts://host:8883, ws://host:8083/mqtt or wss://host:8084/mqtt.',
    });
  }
  const { scheme, host, port, shown, tls } = url;
  const { pathname, search, username, password } = url.reveal();
  return {
    scheme,
    host,
    port,
    path: `${pathname}${scheme === 'ws' || scheme === 'wss' ? search : ''}`,
    shown,
    username: settings.username ?? decode(username),
    userInUrl: settings.username === undefined && username !== '',
    password: settings.password ?? decode(password),
    tls: tls ? readTlsFiles(settings) : withoutTls(settings, scheme),
    alpn: scheme === 'mqtts' && port === HTTPS_PORT ? alpnOn443(host, settings.cert !== undefined) : null,
  };
}

const HTTPS_PORT = 443;

/** Whether `host` is an endpoint of AWS IoT Core. */
export function isAwsIot(host: string): boolean {
  return /\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/i.test(host);
}

/**
 * The ALPN protocol for port 443, on which the client must announce that it speaks MQTT. `mqtt` is the registered name;
 * AWS IoT Core uses it for custom authorizers, and has a name of its own for client certificates.
 */
function alpnOn443(host: string, hasCertificate: boolean): string {
  return hasCertificate && isAwsIot(host) ? 'x-amzn-mqtt-ca' : 'mqtt';
}

function decode(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// A user who gives a certificate expects encryption. Without TLS, everyone on the network path could read the password.
function withoutTls(settings: ConnectionSettings, scheme: BrokerScheme): null {
  const given = settings.cert || settings.key ? '--cert and --key' : settings.ca ? '--ca' : null;
  if (given === null) return null;
  const secure = scheme === 'mqtt' ? 'mqtts' : 'wss';
  throw new OtaError('settings_invalid', `${given} given, but a ${scheme}:// connection is not encrypted`, {
    hint: `Use a ${secure}:// URL, usually with another port, or omit the option.`,
  });
}
