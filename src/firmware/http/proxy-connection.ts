import { isIP } from 'node:net';
import { Agent, type buildConnector, type Dispatcher, Pool, Socks5ProxyAgent } from 'undici';
import { systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import { tlsFault } from '../../tls.js';
import { decode, type EnvProxy, ProxyError, proxyCredentials } from './proxy.js';

/** Opens a connection for undici. */
export type Connect = buildConnector.connector;

/** Milliseconds without data. */
interface Limits {
  headersTimeout: number;
  bodyTimeout: number;
}

/**
 * Connections through `proxy`, made by `connect`: a tunnel if `tunnel` is true, otherwise requests for whole URLs. The first
 * dispatcher takes the requests; all must be destroyed. Errors of the proxy are a {@link ProxyError}.
 */
export function throughProxy(proxy: EnvProxy, tunnel: boolean, connect: Connect, limits: Limits): Dispatcher[] {
  const { hostname } = proxy.url;
  // undici would use the server's name for the proxy's certificate. TLS does not allow IP addresses as names.
  const servername = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : '';
  const blaming: Connect = (target, callback) =>
    connect({ ...target, servername }, (...[error, socket]) =>
      error ? callback(unreachable(proxy, error), null) : callback(null, socket as never),
    );
  if (proxy.url.protocol === 'socks5:') return [new Agent({ connect: overSocks(proxy, blaming, connect), ...limits })];
  const gate = new Pool(proxy.url.origin, { connect: blaming, ...limits });
  return tunnel ? [new Agent({ connect: overTunnel(proxy, gate, connect), ...limits }), gate] : [gate];
}

function unreachable(proxy: EnvProxy, cause: unknown): ProxyError {
  if (cause instanceof ProxyError) return cause;
  const fault = tlsFault(cause, 'server');
  if (fault) return new ProxyError(`${proxy.shown}: ${fault.why}. ${fault.hint}`, { lasting: true, cause });
  const { code, errors, message } = cause as { code?: unknown; errors?: unknown[]; message: string };
  if (typeof code === 'string' && code.startsWith('UND_ERR_SOCKS5')) {
    return new ProxyError(`${proxy.shown}: ${safeText(message, 160)}`, { lasting: code.includes('AUTH'), cause });
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return new ProxyError(`${proxy.shown} fell silent`, { lasting: false, cause });
  const reason =
    code === 'UND_ERR_CONNECT_TIMEOUT' ? 'no answer in time' : safeText(systemReason(errors?.[0] ?? cause), 160);
  return new ProxyError(`${proxy.shown} cannot be reached: ${reason}`, { lasting: false, cause });
}

/** Connections by `CONNECT` (RFC 9110, 9.3.6). */
function overTunnel(proxy: EnvProxy, gate: Pool, connect: Connect): Connect {
  const credentials = proxyCredentials(proxy);
  return async (target, callback) => {
    const host = `${target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname}:${target.port || 443}`;
    try {
      const headers = { host, ...(credentials ? { 'proxy-authorization': credentials } : {}) };
      const { statusCode, socket } = await gate.connect({ path: host, headers });
      if (statusCode === 200) {
        connect({ ...target, httpSocket: socket as never }, callback);
        return;
      }
      socket.on('error', () => {}).destroy();
      const why =
        statusCode === 407
          ? 'rejects the credentials, or requires some (407)'
          : `answered ${statusCode} when asked for ${host}`;
      const lasting = statusCode < 500 && statusCode !== 408 && statusCode !== 429;
      callback(new ProxyError(`${proxy.shown} ${why}`, { lasting }), null);
    } catch (error) {
      callback(unreachable(proxy, error), null);
    }
  };
}

/** Connections by SOCKS 5 (RFC 1928). The proxy resolves the name. */
function overSocks(proxy: EnvProxy, reach: Connect, connect: Connect): Connect {
  const { username, password, host } = proxy.url;
  const login = { username: decode(username), password: decode(password) };
  const make = () => new Socks5ProxyAgent(`socks5://${host}`, { connect: reach, ...login });
  const agent = quietly(make) as unknown as Socks5Connector;
  return async (target, callback) => {
    const isSecure = target.protocol === 'https:';
    try {
      const socket = await agent.createSocks5Connection(target.hostname, Number(target.port) || (isSecure ? 443 : 80));
      if (isSecure) connect({ ...target, httpSocket: socket as never }, callback);
      else callback(null, socket as never);
    } catch (error) {
      callback(unreachable(proxy, error), null);
    }
  };
}

/** Only this part of undici's agent is used: after it, undici would use an IP address as the TLS server name. */
interface Socks5Connector {
  createSocks5Connection(host: string, port: number): Promise<unknown>;
}

// undici warns every program on stderr that its SOCKS support is experimental, which does not concern users.
function quietly<T>(make: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}
