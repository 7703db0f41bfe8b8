/** Downloads through proxies, real and false ones. */
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HttpOptions, httpClient } from '../../src/firmware/http/client.js';
import { download } from '../../src/firmware/http/download.js';
import { makeCertificates } from '../helpers/certificates.js';
import { bytesOf, device, hastyClock, prepare, temporaryFolder, zipOf } from '../helpers/firmware-tools.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const port = await listen(createTcpServer());
  await closers.pop()?.();
  return port;
}

async function fetchAll(url: string, env: NodeJS.ProcessEnv, http: HttpOptions = {}): Promise<Buffer> {
  const client = httpClient({ ...http, env });
  closers.push(client.close);
  const parts: Buffer[] = [];
  const sink = {
    write(chunk: Buffer) {
      parts.push(Buffer.from(chunk));
      return undefined;
    },
    restart: () => void parts.splice(0),
  };
  await download(client, url, sink, { clock: hastyClock() });
  return Buffer.concat(parts);
}

const body = bytesOf(300_000);
const certificates = makeCertificates();
const { ca } = certificates;
const store = () => listen(createServer((_request, response) => void response.end(body)));
const secureStore = () =>
  listen(createSecureServer({ ...certificates.server }, (_request, response) => void response.end(body)));

interface Seen {
  asked: string[];
  credentials: (string | undefined)[];
}

/** A proxy that forwards http requests, and makes tunnels by CONNECT; or one that answers `status`. */
async function proxyOf(status?: number, secure = false): Promise<{ port: number } & Seen> {
  const seen: Seen = { asked: [], credentials: [] };
  const server = secure ? createSecureServer({ ...certificates.server }) : createServer();
  server.on('request', (request, response) => {
    seen.asked.push(request.url ?? '');
    seen.credentials.push(request.headers['proxy-authorization']);
    if (status !== undefined) response.writeHead(status).end();
    else response.end(body);
  });
  server.on('connect', (request, socket: Socket) => {
    seen.asked.push(request.url ?? '');
    seen.credentials.push(request.headers['proxy-authorization']);
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  return { port: await listen(server), ...seen };
}

/** A SOCKS 5 proxy with or without a password, which resolves every name to this machine. */
async function socksOf(login?: string): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(Buffer.from([5, login === undefined ? 0 : 2]));
      const connectTo = () =>
        socket.once('data', (request: Buffer) => {
          const end = request.length - 2;
          const host = request[3] === 3 ? request.subarray(5, end).toString() : [...request.subarray(4, end)].join('.');
          const port = request.readUInt16BE(end);
          asked.push(`${host}:${port}`);
          const onward = connect(port, '127.0.0.1', () => {
            socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
            onward.pipe(socket).pipe(onward);
          });
          onward.on('error', () => socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
        });
      if (login === undefined) connectTo();
      else {
        socket.once('data', (sent: Buffer) => {
          const user = sent.subarray(2, 2 + (sent[1] ?? 0)).toString();
          const password = sent.subarray(3 + user.length).toString();
          socket.write(Buffer.from([1, `${user}:${password}` === login ? 0 : 1]));
          connectTo();
        });
      }
    });
  });
  return { port: await listen(server), asked };
}

describe('an HTTP proxy', () => {
  it('is asked for the whole URL of a plain store, and gets its credentials', async () => {
    const proxy = await proxyOf();
    const env = { http_proxy: `me:se%40cret@127.0.0.1:${proxy.port}` };
    expect((await fetchAll('http://user:pw@store.example/a%20b/f.zip?x=1', env)).equals(body)).toBe(true);
    expect(proxy.asked).toEqual(['http://store.example/a%20b/f.zip?x=1']);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('me:se@cret').toString('base64')}`]);
  });

  it('makes a tunnel to a store with TLS, whose certificate is checked', async () => {
    const [proxy, port] = [await proxyOf(), await secureStore()];
    const env = { HTTPS_PROXY: `http://me@127.0.0.1:${proxy.port}` };
    const url = `https://localhost:${port}/f.zip`;
    expect((await fetchAll(url, env, { ca: ca.cert })).equals(body)).toBe(true);
    expect(proxy.asked).toEqual([`localhost:${port}`]);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('me:').toString('base64')}`]);
    await expect(fetchAll(url, env)).rejects.toThrow(
      new RegExp(
        `^the server's certificate is not signed.*\\(through the proxy http://127.0.0.1:${proxy.port} \\(HTTPS_PROXY\\)\\)$`,
      ),
    );
  });

  it('may speak TLS itself', async () => {
    const proxy = await proxyOf(undefined, true);
    const env = { ALL_PROXY: `https://localhost:${proxy.port}` };
    expect((await fetchAll('http://store.example/f.zip', env, { ca: ca.cert })).equals(body)).toBe(true);
    const url = `https://127.0.0.1:${await secureStore()}/f.zip`;
    expect((await fetchAll(url, env, { ca: ca.cert })).equals(body)).toBe(true);
    await expect(fetchAll(url, env)).rejects.toThrow(/^the proxy https:\S+ \(ALL_PROXY\): the server's certificate/);
  });

  it('is not used for hosts in NO_PROXY, even after a redirect', async () => {
    const [proxy, port] = [await proxyOf(500), await store()];
    const hop = await listen(
      createServer(
        (_request, response) => void response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(),
      ),
    );
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.0/8' };
    expect((await fetchAll(`http://127.0.0.1:${hop}/`, env)).equals(body)).toBe(true);
    expect(proxy.asked).toEqual([]);
  });

  it.each(['http', 'https'])('is named with its variable where it is dead (%s)', async (scheme) => {
    const port = await freePort();
    const env = { [`${scheme}_proxy`]: `http://me:secret@127.0.0.1:${port}` };
    await expect(fetchAll(`${scheme}://store.example/f.zip`, env)).rejects.toThrow(
      `the proxy http://127.0.0.1:${port} (${scheme}_proxy) cannot be reached: connection refused (given up after 3 attempts)`,
    );
  });

  it('is named if it accepts a connection and sends nothing', async () => {
    const port = await listen(createTcpServer());
    const env = { HTTPS_PROXY: `127.0.0.1:${port}` };
    await expect(fetchAll('https://store.example/f.zip', env, { silence: 100 })).rejects.toThrow(
      `the proxy http://127.0.0.1:${port} (HTTPS_PROXY) fell silent`,
    );
  });

  it('is named where it refuses', async () => {
    const [wants, cannot] = [await proxyOf(407), await proxyOf(502)];
    const shown = ({ port }: { port: number }) => `the proxy http://127.0.0.1:${port} (ALL_PROXY)`;
    const fetchBy = (scheme: string, { port }: { port: number }) =>
      fetchAll(`${scheme}://store.example/f.zip`, { ALL_PROXY: `127.0.0.1:${port}` });
    await expect(fetchBy('https', wants)).rejects.toThrow(
      `${shown(wants)} rejects the credentials, or requires some (407)`,
    );
    expect(wants.asked).toEqual(['store.example:443']);
    await expect(fetchBy('http', wants)).rejects.toThrow(`the proxy requires credentials (through ${shown(wants)})`);
    await expect(fetchBy('https', cannot)).rejects.toThrow(
      `${shown(cannot)} answered 502 when asked for store.example:443 (given up after 3 attempts)`,
    );
  });
});

describe('a SOCKS proxy', () => {
  it('is used, with its login, and no warning of Node is shown', async () => {
    const warnings = vi.spyOn(process, 'emitWarning');
    const [socks, plain, secure] = [await socksOf('me:s@cret'), await store(), await secureStore()];
    const env = { ALL_PROXY: `socks5h://me:s%40cret@127.0.0.1:${socks.port}` };
    expect((await fetchAll(`http://store.example:${plain}/`, env)).equals(body)).toBe(true);
    expect((await fetchAll(`https://localhost:${secure}/`, env, { ca: ca.cert })).equals(body)).toBe(true);
    expect((await fetchAll(`https://127.0.0.1:${secure}/`, env, { ca: ca.cert })).equals(body)).toBe(true);
    expect(socks.asked).toEqual([`store.example:${plain}`, `localhost:${secure}`, `127.0.0.1:${secure}`]);
    expect(warnings).not.toHaveBeenCalled();
  });

  it('is named where it is dead, does not let us in, or cannot reach the store', async () => {
    const [socks, closed, dead] = [await socksOf('me:right'), await socksOf(), await freePort()];
    const fetchBy = (proxy: string) => fetchAll(`http://store.example:${dead}/`, { all_proxy: proxy });
    const shown = (port: number) => `the proxy socks5://127.0.0.1:${port} (all_proxy)`;
    await expect(fetchBy(`socks5://127.0.0.1:${dead}`)).rejects.toThrow(`${shown(dead)} cannot be reached`);
    await expect(fetchBy(`socks5://me:wrong@127.0.0.1:${socks.port}`)).rejects.toThrow(
      `${shown(socks.port)}: Authentication failed`,
    );
    await expect(fetchBy(`socks5://127.0.0.1:${closed.port}`)).rejects.toThrow(
      `${shown(closed.port)}: SOCKS5 connection failed: Connection refused`,
    );
  });
});

describe('a proxy that cannot be used', () => {
  const env = { HTTP_PROXY: 'socks4://me:secret@p:1', HTTPS_PROXY: 'http://[', ALL_PROXY: 'gopher://x' };
  const folder = temporaryFolder();

  it('does not affect files on this machine', async () => {
    const { writeFileSync } = await import('node:fs');
    const file = `${folder}/a.zip`;
    writeFileSync(file, await zipOf(['a.bin']));
    const local = await prepare([device({ file })], { env });
    expect(local.error).toBeNull();
    const checked = await prepare([device({ file, file_url: 'http://store.example/f.zip' })], { env });
    expect(checked.error).toBeNull();
    expect(checked.warnings.filter(([code]) => code === 'url_unchecked')).toEqual([
      [
        'url_unchecked',
        expect.stringMatching(/HTTP_PROXY names a proxy of the kind socks4:\/\/.*not checked from here/),
      ],
    ]);
    expect(checked.said).not.toContain('secret');
  });

  it('is named where it is needed', async () => {
    await expect(fetchAll('http://store.example/f.zip', env)).rejects.toThrow(
      /^HTTP_PROXY names a proxy of the kind socks4/,
    );
    await expect(fetchAll('https://store.example/f.zip', env)).rejects.toThrow(
      /^HTTPS_PROXY is not a usable proxy URL/,
    );
  });
});
