/** Where to connect: the broker URL and the TLS files, checked once, before the first attempt. */
import { domainToASCII } from 'node:url';
import { OtaError } from '../errors.js';
import { safeText } from '../text.js';
import { redactUrl } from '../url.js';
import type { ConnectionSettings } from './broker.js';
import { readTlsFiles, type TlsFiles } from './tls-files.js';

type Scheme = 'mqtt' | 'mqtts' | 'ws' | 'wss';

export interface Target {
  scheme: Scheme;
  /** Without the brackets of an IPv6 address. */
  host: string;
  port: number;
  /** Path and query of a WebSocket URL; empty for plain MQTT. */
  path: string;
  /** Without user info and query: for messages. */
  shown: string;
  username: string | undefined;
  password: string | undefined;
  /** Null where the scheme has no TLS. */
  tls: TlsFiles | null;
}

/** 1883 and 8883 are MQTT's registered ports; WebSockets take those of HTTP. */
const DEFAULT_PORTS: Readonly<Record<Scheme, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** Where EMQX, HiveMQ and VerneMQ listen; mosquitto takes any path. */
const DEFAULT_WEBSOCKET_PATH = '/mqtt';

/**
 * Takes the connection settings apart. User name and password in the URL count where the settings have none of their own.
 * @throws OtaError `settings_invalid` for a URL that is none, and for certificate or key files that cannot be used.
 */
export function readTarget(settings: ConnectionSettings): Target {
  const url = parseUrl(settings.url);
  const scheme = url.protocol.slice(0, -1) as Scheme;
  const secure = scheme === 'mqtts' || scheme === 'wss';
  const host = hostOf(url);
  const port = url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port);
  const websocket = scheme === 'ws' || scheme === 'wss';
  const pathname = url.pathname === '' || url.pathname === '/' ? DEFAULT_WEBSOCKET_PATH : url.pathname;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    scheme,
    host,
    port,
    path: websocket ? `${pathname}${url.search}` : '',
    shown: safeText(`${scheme}://${authority}${websocket ? pathname : ''}`),
    username: settings.username ?? decode(url.username),
    password: settings.password ?? decode(url.password),
    tls: secure ? readTlsFiles(settings) : withoutTls(settings, scheme),
  };
}

function parseUrl(text: string): URL {
  let url: URL | null = null;
  try {
    url = new URL(text);
  } catch {
    // Said below, with the URLs that parse but have another scheme.
  }
  if (!url || !/^(mqtts?|wss?):$/.test(url.protocol) || url.hostname === '') {
    throw new OtaError('settings_invalid', `${safeText(redactUrl(text))} is no broker URL`, {
      hint: 'Give one like mqtt://host:1883, mqtts://host:8883, ws://host:8083/mqtt or wss://host:8084/mqtt.',
    });
  }
  return url;
}

// For schemes that it does not know, URL leaves the host as it was written: percent-encoded where it is not ASCII.
function hostOf(url: URL): string {
  if (url.hostname.startsWith('[')) return url.hostname.slice(1, -1);
  return domainToASCII(decode(url.hostname) ?? '') || url.hostname;
}

function decode(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Who gives a certificate means to be safe; in plain text the password would be readable by everybody on the way.
function withoutTls(settings: ConnectionSettings, scheme: Scheme): null {
  const given = settings.cert || settings.key ? '--cert and --key' : settings.ca ? '--ca' : null;
  if (given === null) return null;
  const secure = scheme === 'mqtt' ? 'mqtts' : 'wss';
  throw new OtaError('settings_invalid', `${given} given, but a ${scheme}:// connection is not encrypted`, {
    hint: `Use a ${secure}:// URL, usually with another port, or omit the option.`,
  });
}
