import { BlockList, isIP } from 'node:net';
import { safeText } from '../../text.js';

/** The proxy that the environment names for a URL. */
export interface EnvProxy {
  /** http, https or socks5. */
  url: URL;
  /** With its variable and without credentials: `the proxy http://10.0.0.1:3128 (HTTPS_PROXY)`. */
  shown: string;
}

/** An error in a proxy's URL, or of the proxy itself. The server is not at fault. */
export class ProxyError extends Error {
  /** Whether another attempt is useless. */
  readonly lasting: boolean;
  constructor(message: string, { lasting, cause }: { lasting: boolean; cause?: unknown }) {
    super(message, { cause });
    this.lasting = lasting;
  }
}

/**
 * The proxy for `target`; null = a direct connection. The rules of curl: `https_proxy` only for https, `all_proxy` if the
 * scheme's own variable is not set, lower case before upper case, an empty value means none. `HTTP_PROXY` counts as well,
 * although curl ignores it because of CGI. Throws {@link ProxyError} if the value is not a proxy that this program supports.
 */
export function proxyFor(target: URL, env: NodeJS.ProcessEnv): EnvProxy | null {
  const scheme = target.protocol.slice(0, -1);
  const variable = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'].find((name) =>
    env[name]?.trim(),
  );
  if (variable === undefined || isExempt(target, env.no_proxy?.trim() || env.NO_PROXY || '')) return null;
  const value = (env[variable] ?? '').trim();
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  // Never with its value, which may contain a password.
  const wrong = (why: string) => new ProxyError(`${variable} ${why}; write it as http://host:port`, { lasting: true });
  if (!URL.canParse(text)) throw wrong('is not a usable proxy URL');
  // This program makes no difference between socks5 and socks5h: the proxy resolves the name.
  const url = new URL(text.replace(/^socks5h:/i, 'socks5:'));
  if (url.hostname === '') throw wrong('names no host');
  if (!/^(https?|socks5):$/.test(url.protocol)) {
    throw wrong(`names a proxy of the kind ${safeText(url.protocol, 20)}//, which is not supported`);
  }
  return { url, shown: `the proxy ${url.protocol}//${url.host} (${variable})` };
}

/** The value of `Proxy-Authorization`; null = the proxy's URL has no credentials. */
export function proxyCredentials({ url }: EnvProxy): string | null {
  return url.username === '' && url.password === '' ? null : basic(url);
}

/** The credentials of a URL for HTTP Basic authentication. */
export function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decode(username)}:${decode(password)}`).toString('base64')}`;
}

/** Decodes percent-encoding; returns `text` unchanged if it is invalid. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Whether `noProxy` contains the host of `target`. It is a list of names (each including subdomains, with or without a leading
 * dot), names with `*`, addresses, and networks (`10.0.0.0/8`, `fd00::/8`), each with or without `:port`. `*` means every host.
 */
export function isExempt(target: URL, noProxy: string): boolean {
  const host = bare(target.hostname);
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [name, only] = entryOf(entry);
      return (only === undefined || only === port) && names(name, host);
    });
}

// An IPv6 address contains colons, so it can have a port only if it is in brackets.
function entryOf(entry: string): [name: string, port: string | undefined] {
  const bracketed = /^\[([^\]]+)\](\/\d+)?(?::(\d+))?$/.exec(entry);
  if (bracketed) return [`${bracketed[1]}${bracketed[2] ?? ''}`, bracketed[3]];
  const match = /^([^:]+):(\d+)$/.exec(entry);
  return match ? [match[1] ?? '', match[2]] : [entry, undefined];
}

function names(name: string, host: string): boolean {
  const family = isIP(host);
  const [address = '', prefix] = name.split('/');
  const entryFamily = isIP(address);
  if (entryFamily !== 0) {
    if (family !== entryFamily) return false;
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (bits < 0 || bits > (family === 4 ? 32 : 128)) return false;
    const list = new BlockList();
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
    return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
  }
  const wanted = bare(name).replace(/^\*?\./, '');
  if (wanted.includes('*')) {
    const parts = wanted.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(host);
  }
  return host === wanted || (family === 0 && host.endsWith(`.${wanted}`));
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
