import { isIPv6 } from 'node:net';
import { OtaError } from '../../errors.js';
import { quoted } from '../../text.js';

/** An address to listen on. */
export interface ServeAddress {
  host: string;
  /** 0 = any free port. */
  port: number;
}

/** Parses `host:port` of `--serve`; an IPv6 address is in brackets. Throws `usage`. */
export function parseServeAddress(text: string): ServeAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]@]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port > 65_535 || (match?.[1] !== undefined && !isIPv6(host))) {
    throw new OtaError('usage', `--serve: ${quoted(text)} is not an address of the form host:port`, {
      hint: 'Give the address at which the docks reach this machine, e.g. --serve 192.168.1.10:8080.',
    });
  }
  return { host, port };
}

/**
 * The base of the URLs for docks, without a final slash: `baseUrl` (`--serve-url`) if given, otherwise the address itself.
 * Throws `usage` if a dock cannot reach it.
 */
export function serveBase({ host, port }: ServeAddress, baseUrl: string | undefined): string {
  if (baseUrl === undefined) {
    if (host === '0.0.0.0' || /^(0*:)*:?0*$/.test(host)) {
      throw new OtaError(
        'usage',
        `--serve ${host} listens on every address, and does not say which one the docks use`,
        {
          hint: 'Add --serve-url http://<address of this machine>:<port>.',
        },
      );
    }
    return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  }
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new OtaError('usage', '--serve-url is not a plain http or https URL', {
      hint: 'Write it like http://192.168.1.10:8080, without a query.',
    });
  }
  return url.href.replace(/\/+$/, '');
}
