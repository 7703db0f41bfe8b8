import type { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { safeText } from '../../text.js';
import { usualAuthorities } from '../../tls.js';
import { redactUrl } from '../../url.js';
import { basic, type EnvProxy, ProxyError, proxyCredentials, proxyFor } from './proxy.js';
import { type Connect, throughProxy } from './proxy-connection.js';

/** A response, after redirects. Its body must be read to the end or destroyed. */
export interface HttpAnswer {
  status: number;
  /** Lower-case names. Of repeated headers, the first one. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Readable;
  /** How the response was reached, for messages: ` (after a redirect to https://...)`; empty without redirects. */
  way: string;
}

/** An HTTP client with connections that are reused. */
export interface HttpClient {
  /** Rejects with {@link RequestError}, {@link RedirectError} or {@link ProxyError}, or with the reason of the signal. */
  get(url: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<HttpAnswer>;
  /** Sends one request. Redirects are not followed. Rejects like `get`. */
  post(url: string, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer>;
  /** Closes all connections, including those in use. */
  close(): Promise<void>;
}

/** The options of a client. */
export interface HttpOptions {
  /** PEM of certificate authorities, in addition to the default ones. */
  ca?: Buffer | undefined;
  /** Trust only the public authorities, as a device does that does not know this machine's settings. */
  publicOnly?: boolean | undefined;
  signal?: AbortSignal;
  /** The environment with `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case. */
  env?: NodeJS.ProcessEnv;
  /** Milliseconds without a byte after which a connection counts as broken. */
  silence?: number;
  /** Milliseconds for establishing a connection. */
  connectTimeout?: number;
}

/** A redirect that cannot be followed. */
export class RedirectError extends Error {}

/** A request without a response, or whose response broke off. Its cause is the error of Node or undici. */
export class RequestError extends Error {
  /** See {@link HttpAnswer.way}. */
  readonly way: string;
  constructor(cause: unknown, way: string) {
    super('the request failed', { cause });
    this.way = way;
  }
}

// The same limit as in browsers and curl.
const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** How requests to an origin are sent: the connections, the form of the path, and the headers. */
interface Road {
  dispatcher: Dispatcher;
  /** Request the whole URL from the proxy, instead of a path from the server. */
  absolute: boolean;
  headers: Record<string, string>;
}

/** Creates a client for firmware stores and webhooks. */
export function httpClient(options: HttpOptions = {}): HttpClient {
  const { env = process.env, silence = 30_000, connectTimeout: timeout = 10_000 } = options;
  const limits = { headersTimeout: silence, bodyTimeout: silence };
  const plainConnect = buildConnector({ timeout });
  let secureConnect: Connect | undefined;
  const connect: Connect = (target, callback) => {
    if (target.protocol !== 'https:') return plainConnect(target, callback);
    // Created on first use, because reading the system's certificate store takes time.
    secureConnect ??= buildConnector({ timeout, ca: authoritiesOf(options) });
    return secureConnect(target, callback);
  };
  const roads = new Map<string, Road>();
  const open: Dispatcher[] = [];

  function roadTo(target: URL, proxy: EnvProxy | null): Road {
    const tunnel = target.protocol === 'https:';
    const key = proxy === null ? '' : `${tunnel} ${proxy.url.href}`;
    let road = roads.get(key);
    if (!road) {
      const made = proxy === null ? [new Agent({ connect, ...limits })] : throughProxy(proxy, tunnel, connect, limits);
      open.push(...made);
      const credentials = proxy && proxyCredentials(proxy);
      const absolute = proxy !== null && !tunnel && proxy.url.protocol !== 'socks5:';
      const headers: Record<string, string> = absolute && credentials ? { 'proxy-authorization': credentials } : {};
      road = { dispatcher: made[0] as Dispatcher, absolute, headers };
      roads.set(key, road);
    }
    return road;
  }

  async function once(
    url: URL,
    headers: Record<string, string>,
    redirectedTo: string | null,
    signal: AbortSignal | undefined,
    body: string | null = null,
  ): Promise<HttpAnswer> {
    const proxy = proxyFor(url, env);
    const road = roadTo(url, proxy);
    const steps = [
      ...(redirectedTo === null ? [] : [`after a redirect to ${redirectedTo}`]),
      ...(proxy ? [`through ${proxy.shown}`] : []),
    ];
    const way = steps.length === 0 ? '' : ` (${steps.join(', ')})`;
    const path = url.pathname + url.search;
    try {
      const answer = await road.dispatcher.request({
        origin: url.origin,
        path: road.absolute ? url.origin + path : path,
        method: body === null ? 'GET' : 'POST',
        body,
        // The digest is for the stored bytes, so request no compression.
        headers: {
          host: url.host,
          'accept-encoding': 'identity',
          'user-agent': 'dji-ota',
          ...headers,
          ...road.headers,
        },
        signal: signal ?? null,
        ...limits,
      });
      // Destroying a body before its end emits an error that nobody needs.
      answer.body.on('error', () => {});
      return { status: answer.statusCode, headers: firstOf(answer.headers), body: answer.body, way };
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof ProxyError ? error : new RequestError(error, way);
    }
  }

  return {
    async get(url, headers = {}, signal = options.signal) {
      let target = new URL(url);
      let sent = { ...authorization(target), ...headers };
      let redirectedTo: string | null = null;
      for (let hops = 0; ; hops++) {
        const answer = await once(target, sent, redirectedTo, signal);
        const { location } = answer.headers;
        if (!REDIRECTS.has(answer.status) || !location) return answer;
        answer.body.destroy();
        if (hops === MAX_REDIRECTS) {
          throw new RedirectError(`redirected more than ${MAX_REDIRECTS} times, the last time to ${redirectedTo}`);
        }
        const next = redirectTarget(location, target);
        // Credentials are only for the host that the user named.
        if (next.origin !== target.origin) sent = { ...headers };
        sent = { ...sent, ...authorization(next) };
        target = next;
        redirectedTo = shown(next);
      }
    },
    async post(url, body, headers, signal) {
      const target = new URL(url);
      return once(target, { ...authorization(target), ...headers }, null, signal, body);
    },
    async close() {
      await Promise.all(open.map((dispatcher) => dispatcher.destroy()));
    },
  };
}

function redirectTarget(location: string, from: URL): URL {
  let next: URL;
  try {
    // Node returns each byte of a header as one character. Most servers send UTF-8 without encoding it, so the bytes are
    // percent-encoded unchanged, as browsers and curl do.
    const bytes = location.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
    next = new URL(bytes, from);
  } catch {
    throw new RedirectError('redirected to something that is not a URL');
  }
  if (next.protocol !== 'http:' && next.protocol !== 'https:') {
    throw new RedirectError(`redirected to a ${safeText(next.protocol, 20)} address`);
  }
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw new RedirectError(`redirected from https to unprotected http at ${shown(next)}`);
  }
  return next;
}

function shown(url: URL): string {
  return safeText(redactUrl(url.href), 300);
}

function authorization(url: URL): Record<string, string> {
  return url.username === '' && url.password === '' ? {} : { authorization: basic(url) };
}

// `ca` replaces Node's default list, but public stores must stay reachable, too.
function authoritiesOf({ ca, publicOnly }: HttpOptions): (string | Buffer)[] {
  return publicOnly ? [...rootCertificates] : [...usualAuthorities(), ...(ca ? [ca] : [])];
}

function firstOf(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  const first: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) first[name] = Array.isArray(value) ? value[0] : value;
  return first;
}
