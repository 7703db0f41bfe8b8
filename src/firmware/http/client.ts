import type { Readable } from 'node:stream';
import { EnvHttpProxyAgent, request } from 'undici';
import { OtaError } from '../../errors.js';
import { usualAuthorities } from '../../tls.js';
import { redactUrl } from '../../url.js';

/** An answer, after redirects. Its body has to be read to the end or destroyed. */
export interface HttpAnswer {
  status: number;
  /** Lower-case names; of repeated ones the first. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Readable;
}

export interface HttpClient {
  /** Rejects with undici's or Node's own error, with {@link RedirectError}, or with the reason of the signal. */
  send(method: 'GET' | 'HEAD', url: string, headers?: Record<string, string>): Promise<HttpAnswer>;
  /** Ends every connection, also those in use. */
  close(): Promise<void>;
}

export interface HttpOptions {
  /** PEM of further certificate authorities, beside the usual ones. */
  ca?: Buffer;
  signal?: AbortSignal;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are looked up, in either case. */
  env?: NodeJS.ProcessEnv;
  /** Milliseconds without a byte after which a connection counts as broken. */
  silence?: number;
  /** Milliseconds for a connection to be made. */
  connectTimeout?: number;
}

/** A redirect that cannot be followed. */
export class RedirectError extends Error {}

// What browsers and curl stop at, too.
const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** A client for firmware stores. Throws `settings_invalid` where the environment's proxy is no usable URL. */
export function httpClient(options: HttpOptions = {}): HttpClient {
  const { signal, silence = 30_000 } = options;
  // At once, so that a proxy URL that is none is told; the system's authorities are read where they are needed.
  const plain = agentOf(options, options.ca !== undefined);
  let secure: EnvHttpProxyAgent | null = null;
  const agentFor = ({ protocol }: URL) => {
    if (protocol !== 'https:') return plain;
    secure ??= agentOf(options, true);
    return secure;
  };

  async function once(method: 'GET' | 'HEAD', url: URL, headers: Record<string, string>): Promise<HttpAnswer> {
    const target = new URL(url);
    target.username = '';
    target.password = '';
    target.hash = '';
    const answer = await request(target, {
      method,
      // The digest is of the bytes as they are stored: no compression on the way.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'dji-ota', ...headers },
      dispatcher: agentFor(target),
      signal: signal ?? null,
      headersTimeout: silence,
      bodyTimeout: silence,
    });
    // A body that is destroyed before its end reports that as an error, which nobody has to hear.
    answer.body.on('error', () => {});
    return { status: answer.statusCode, headers: firstOf(answer.headers), body: answer.body };
  }

  return {
    async send(method, url, headers = {}) {
      let target = new URL(url);
      let sent = { ...authorization(target), ...headers };
      for (let hops = 0; ; hops++) {
        const answer = await once(method, target, sent);
        const location = answer.headers.location;
        if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
        answer.body.destroy();
        if (hops === MAX_REDIRECTS) throw new RedirectError(`redirected more than ${MAX_REDIRECTS} times`);
        const next = redirectTarget(location, target);
        // Credentials are for the host that the user named, and for no other.
        if (next.origin !== target.origin) sent = { ...headers };
        sent = { ...sent, ...authorization(next) };
        target = next;
      }
    },
    async close() {
      await Promise.all([plain.destroy(), secure?.destroy()]);
    },
  };
}

function redirectTarget(location: string, from: URL): URL {
  let next: URL;
  try {
    next = new URL(location, from);
  } catch {
    throw new RedirectError('redirected to something that is no URL');
  }
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw new RedirectError(`redirected to a ${next.protocol} address`);
  }
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw new RedirectError(`redirected from https to unprotected http at ${redactUrl(next.href)}`);
  }
  return next;
}

function authorization(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const plain = `${decode(url.username)}:${decode(url.password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function agentOf(options: HttpOptions, overTls: boolean): EnvHttpProxyAgent {
  const { ca, env = process.env, silence = 30_000, connectTimeout = 10_000 } = options;
  // `ca` replaces Node's own list, and a store on the public internet must stay reachable beside a private one.
  const secure = overTls ? { ca: [...usualAuthorities(), ...(ca ? [ca] : [])] } : {};
  const httpProxy = env.http_proxy ?? env.HTTP_PROXY ?? '';
  const httpsProxy = env.https_proxy ?? env.HTTPS_PROXY ?? '';
  try {
    return new EnvHttpProxyAgent({
      httpProxy,
      httpsProxy,
      noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
      // Plain http goes through a proxy as a plain request: many refuse CONNECT to other ports than 443.
      proxyTunnel: false,
      connect: { ...secure, timeout: connectTimeout },
      requestTls: { ...secure, timeout: connectTimeout },
      proxyTls: { ...secure, timeout: connectTimeout },
      headersTimeout: silence,
      bodyTimeout: silence,
    });
  } catch {
    // Without its cause, which holds the whole URL with its password.
    throw new OtaError('settings_invalid', 'HTTP_PROXY or HTTPS_PROXY is not a usable proxy URL', {
      hint: 'Write it as http://host:port, or unset it.',
    });
  }
}

function firstOf(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  const first: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) first[name] = Array.isArray(value) ? value[0] : value;
  return first;
}
