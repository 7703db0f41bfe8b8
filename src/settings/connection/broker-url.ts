/** Checks the broker's address before anything is connected. */
import { BrokerUrl, shownBrokerText } from '../../broker-url.js';
import { OtaError } from '../../errors.js';
import { CONNECTION_DEFAULTS } from '../profiles/profile.js';

/** A broker's address as given by the user. */
export interface BrokerAddress {
  url: BrokerUrl;
  /** The user name in the URL. It stays in the URL, too. */
  username: string | null;
}

const SCHEMES: ReadonlySet<string> = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);

// The names of the same four schemes in other MQTT programs.
const ALIASES: Readonly<Record<string, string>> = {
  'tcp:': 'mqtt',
  'mqtt+tcp:': 'mqtt',
  'ssl:': 'mqtts',
  'tls:': 'mqtts',
  'mqtt+ssl:': 'mqtts',
  'mqtt+tls:': 'mqtts',
  'http:': 'ws',
  'mqtt+ws:': 'ws',
  'https:': 'wss',
  'mqtt+wss:': 'wss',
};

/**
 * Parses a broker's address.
 * @param source where it was given, as named in the message: `--broker`, `DJI_OTA_BROKER`, `profile "site-a"`
 * @throws OtaError `usage`, which suggests the intended address
 */
export function parseBrokerUrl(text: string, source: string): BrokerAddress {
  const given = text.trim();
  const refuse = (why: string, hint: string) => new OtaError('usage', `${source}: ${why}`, { hint });
  if (/[\s\u0000-\u001f\u007f]/.test(given)) {
    throw refuse(
      'the broker URL holds white space or a control character',
      `Write it like ${CONNECTION_DEFAULTS.broker}.`,
    );
  }
  const url = parse(given);
  if (!url && /^(?:mqtt|ws)s?:\/\//i.test(given)) {
    throw refuse(
      `the broker URL "${shownBrokerText(given)}" has no valid host and port`,
      'The port is a number up to 65535; a user name goes before an "@", percent-encoded.',
    );
  }
  if (!url || !SCHEMES.has(url.protocol)) {
    const meant = suggestion(given, url);
    throw refuse(
      `"${shownBrokerText(given)}" is not a broker URL: it must begin with mqtt://, mqtts://, ws:// or wss://`,
      meant ? `Did you mean ${meant}?` : `Write it like ${CONNECTION_DEFAULTS.broker}.`,
    );
  }
  const name = shownBrokerText(given);
  if (url.password) {
    throw refuse(
      `the broker URL ${name} holds a password, which other users of this machine can read`,
      'Remove it from the URL and give it in DJI_OTA_PASSWORD or with --password-file; the user name may remain.',
    );
  }
  if (!url.hostname) {
    const meant = suggestion(given, url);
    throw refuse(
      `the broker URL "${shownBrokerText(given)}" names no host`,
      meant ? `Did you mean ${meant}?` : `Write it like ${CONNECTION_DEFAULTS.broker}.`,
    );
  }
  if (url.port === '0') throw refuse(`the broker URL ${name} has port 0`, 'Give the port on which the broker listens.');
  const plainMqtt = url.protocol === 'mqtt:' || url.protocol === 'mqtts:';
  if (url.hash || (plainMqtt && (url.search || (url.pathname !== '' && url.pathname !== '/')))) {
    throw refuse(
      `the broker URL ${name} has more than a host and a port`,
      'Only ws:// and wss:// URLs have a path or a query; topics are made from --pid.',
    );
  }
  const username = url.username ? decodeUser(url.username, refuse) : null;
  return { url: new BrokerUrl(given), username };
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function decodeUser(user: string, refuse: (why: string, hint: string) => OtaError): string {
  try {
    return decodeURIComponent(user);
  } catch {
    throw refuse('the user name in the broker URL is not percent-encoded properly', 'Give it with --username instead.');
  }
}

function suggestion(given: string, url: URL | null): string | null {
  const scheme = /^([a-z][a-z0-9+.-]*:)\/\//i.exec(given);
  if (scheme) {
    const alias = ALIASES[(scheme[1] as string).toLowerCase()];
    const meant = alias ? parse(`${alias}://${given.slice(scheme[0].length)}`) : null;
    return meant && shownBrokerText(meant.href);
  }
  // `mqtt:host` and `mqtt:/host`: the scheme is right, but slashes are missing.
  const rest = url && SCHEMES.has(url.protocol) ? given.replace(/^[^:]*:\/?/, '') : given;
  const protocol = url && SCHEMES.has(url.protocol) ? url.protocol : /:8883$/.test(given) ? 'mqtts:' : 'mqtt:';
  const meant = /^[^/\\?#]+$/.test(rest) ? parse(`${protocol}//${rest}`) : null;
  return meant?.hostname ? shownBrokerText(meant.href) : null;
}
