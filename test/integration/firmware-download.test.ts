/** Downloads over a server that does what networks and stores do to them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpOptions, httpClient } from '../../src/firmware/http/client.js';
import { download, MAX_IDLE } from '../../src/firmware/http/download.js';
import { makeCertificates } from '../helpers/certificates.js';
import { fileStore, type Store, type StoreOptions } from '../helpers/firmware-server.js';
import { bytesOf, hastyClock, seededRandom } from '../helpers/firmware-tools.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function storeOf(options: StoreOptions): Promise<Store> {
  const store = await fileStore(options);
  closers.push(store.close);
  return store;
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return (server.address() as AddressInfo).port;
}

async function fetchAll(url: string, http: HttpOptions = {}) {
  const clock = hastyClock();
  const client = httpClient({ env: {}, ...http });
  closers.push(client.close);
  let parts: Buffer[] = [];
  let restarts = 0;
  const retries: string[] = [];
  const file = await download(
    client,
    url,
    {
      write(chunk) {
        parts.push(Buffer.from(chunk));
        return undefined;
      },
      restart() {
        restarts++;
        parts = [];
      },
    },
    {
      clock,
      random: () => 1,
      onRetry: (reason) => retries.push(reason),
      ...(http.signal ? { signal: http.signal } : {}),
    },
  );
  return { bytes: Buffer.concat(parts), file, restarts, retries, waits: clock.waits };
}

const body = bytesOf(300_000);
const OLD = 'Mon, 01 Jan 2024 00:00:00 GMT';
const text = (response: ServerResponse, status: number, headers: Record<string, string> = {}) => {
  response.writeHead(status, headers).end('some text');
  return true;
};

describe('download', () => {
  it.each([1, 2, 3, 4, 5])('survives connections that break after a random number of bytes (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const store = await storeOf({ body, cutAfter: () => Math.floor(random() * 60_000) });
    const { bytes, restarts, file } = await fetchAll(store.url);
    expect(bytes.equals(body)).toBe(true);
    expect(restarts).toBe(0);
    expect(file).toMatchObject({ size: body.length, etag: '"v1"' });
    const resumed = store.asked.slice(1).filter((asked) => asked.range !== undefined);
    expect(resumed.length).toBeGreaterThan(3);
    for (const asked of resumed) expect(asked.ifRange).toBe('"v1"');
  });

  it('resumes by Last-Modified where there is no strong ETag', async () => {
    const store = await storeOf({
      body,
      etag: 'W/"v1"',
      lastModified: OLD,
      cutAfter: (get) => (get < 2 ? 90_000 : null),
    });
    expect((await fetchAll(store.url)).bytes.equals(body)).toBe(true);
    expect(store.asked.map((asked) => asked.ifRange)).toEqual([undefined, OLD, OLD]);
  });

  it('skips what it has where the server ignores Range and proves that the file is the same', async () => {
    const store = await storeOf({ body, ranges: false, cutAfter: (get) => (get < 3 ? 60_000 * (get + 1) : null) });
    const { bytes, restarts } = await fetchAll(store.url);
    expect(bytes.equals(body)).toBe(true);
    expect(restarts).toBe(0);
  });

  it('begins again where the server proves nothing', async () => {
    const store = await storeOf({ body, etag: null, ranges: false, cutAfter: (get) => (get < 2 ? 70_000 : null) });
    const { bytes, restarts } = await fetchAll(store.url);
    expect(bytes.equals(body)).toBe(true);
    expect(restarts).toBe(2);
    expect(store.asked.every((asked) => asked.range === undefined)).toBe(true);
  });

  it('gives up on a server that breaks off for ever and cannot resume', async () => {
    const store = await storeOf({ body, etag: null, ranges: false, cutAfter: () => 70_000 });
    await expect(fetchAll(store.url)).rejects.toThrow(/the server cannot resume a download/);
  });

  it.each([true, false])(
    'notices that the file was changed between two requests (server knows Range: %s)',
    async (ranges) => {
      let etag = '"v1"';
      let served = body;
      const store = await storeOf({
        body: () => served,
        etag: () => etag,
        ranges,
        cutAfter(get) {
          if (get > 0) return null;
          queueMicrotask(() => {
            etag = '"v2"';
            served = bytesOf(300_000, 2);
          });
          return 100_000;
        },
      });
      await expect(fetchAll(store.url)).rejects.toThrow('changed on the server while it was read');
    },
  );

  it('notices that the file became shorter', async () => {
    let served = body;
    const store = await storeOf({
      body: () => served,
      cutAfter(get) {
        if (get > 0) return null;
        queueMicrotask(() => {
          served = body.subarray(0, 50_000);
        });
        return 100_000;
      },
    });
    await expect(fetchAll(store.url)).rejects.toThrow('changed on the server while it was read');
  });

  it('waits out 503, 429 with Retry-After, and answers of a gateway', async () => {
    const store = await storeOf({
      body,
      before: (_request, response, count) =>
        (count === 0 && text(response, 503)) ||
        (count === 1 && text(response, 429, { 'retry-after': '7' })) ||
        (count === 2 && text(response, 502)),
    });
    const { bytes, waits, retries } = await fetchAll(store.url);
    expect(bytes.equals(body)).toBe(true);
    expect(waits).toEqual([500, 7000, 2000]);
    expect(retries[0]).toBe('the server answered 503 Service Unavailable');
  });

  it('gives up in the end', async () => {
    const store = await storeOf({ body, before: (_request, response) => text(response, 500) });
    await expect(fetchAll(store.url)).rejects.toThrow(/500 Internal Server Error \(given up after 7 attempts\)/);
    expect(store.asked).toHaveLength(MAX_IDLE);
  });

  it.each([401, 403, 404, 410, 400])('does not ask again after %i', async (status) => {
    const store = await storeOf({ body, before: (_request, response) => text(response, status) });
    await expect(fetchAll(store.url)).rejects.toThrow(`the server answered ${status}`);
    expect(store.asked).toHaveLength(1);
  });

  it('says so when a URL expires half-way', async () => {
    const store = await storeOf({
      body,
      cutAfter: () => 100_000,
      before: (_request, response, count) => count > 0 && text(response, 403, { etag: '"page"' }),
    });
    await expect(fetchAll(store.url)).rejects.toThrow('the server answered 403 Forbidden: the URL has expired');
  });

  it('says how much came of a file that is announced longer than it is', async () => {
    const store = await storeOf({ body, ranges: false, announce: body.length + 5000 });
    await expect(fetchAll(store.url)).rejects.toThrow(
      /broke off \(given up after \d+ attempts, with 300 kB of 305 kB read\)/,
    );
  });

  it('takes a file without a length', async () => {
    const store = await storeOf({ body, chunked: true });
    const { bytes, file } = await fetchAll(store.url);
    expect(bytes.equals(body)).toBe(true);
    expect(file.size).toBe(body.length);
  });

  it('takes an empty file', async () => {
    const store = await storeOf({ body: Buffer.alloc(0) });
    expect((await fetchAll(store.url)).file.size).toBe(0);
  });

  it('takes silence for a broken connection', async () => {
    const store = await storeOf({
      body,
      before(_request, response, count) {
        if (count === 0) return true;
        if (count > 1) return false;
        response.writeHead(200, { 'content-length': body.length, etag: '"v1"' });
        response.write(body.subarray(0, 10_000));
        return true;
      },
    });
    const { bytes, retries } = await fetchAll(store.url, { silence: 300 });
    expect(bytes.equals(body)).toBe(true);
    expect(retries).toEqual(['the server fell silent', 'the server fell silent']);
  });

  it('tries a host that never answers a few times only, and says why', async () => {
    const port = await listen(createServer());
    await closers.pop()?.();
    await expect(fetchAll(`http://127.0.0.1:${port}/f.zip`)).rejects.toThrow(
      'the server cannot be reached: connection refused (given up after 3 attempts)',
    );
  });

  it('ends at once when it is stopped', async () => {
    const stop = new AbortController();
    const store = await storeOf({
      body,
      before(_request, response) {
        response.writeHead(200, { 'content-length': body.length });
        response.write(body.subarray(0, 1000), () => stop.abort(new Error('stopped')));
        return true;
      },
    });
    await expect(fetchAll(store.url, { signal: stop.signal })).rejects.toThrow('stopped');
  });
});

describe('redirects', () => {
  it('are followed, and credentials stay with the host that they were given for', async () => {
    const other = await storeOf({ body });
    const first = await storeOf({
      body,
      before(request, response) {
        if (request.url === '/start') return text(response, 302, { location: '/next' });
        return text(response, 307, { location: other.url });
      },
    });
    const start = new URL('/start', first.url);
    start.username = 'user';
    start.password = 'p%40ss';
    expect((await fetchAll(start.href)).bytes.equals(body)).toBe(true);
    const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(first.asked.map((asked) => asked.authorization)).toEqual([basic, basic]);
    expect(other.asked.map((asked) => asked.authorization)).toEqual([undefined]);
  });

  it.each([
    ['in a circle', '/again', 'redirected more than 20 times'],
    ['to another kind of address', 'file:///etc/passwd', 'redirected to a file: address'],
    ['to no address', 'http://[', 'redirected to something that is no URL'],
  ])('are refused %s', async (_name, location, message) => {
    const store = await storeOf({ body, before: (_request, response) => text(response, 301, { location }) });
    await expect(fetchAll(store.url)).rejects.toThrow(message);
  });
});

describe('https', () => {
  const certificates = makeCertificates();
  const secureStore = (
    handle: (request: IncomingMessage, response: ServerResponse) => void,
    certificate = certificates.server,
  ) =>
    listen(
      createSecureServer({ ...certificate, ciphers: 'DEFAULT@SECLEVEL=0' }, handle) as ReturnType<typeof createServer>,
    );

  it('trusts a private store by its authority, and no other', async () => {
    const port = await secureStore((_request, response) => void response.end(body));
    const url = `https://127.0.0.1:${port}/f.zip`;
    expect((await fetchAll(url, { ca: certificates.ca.cert })).bytes.equals(body)).toBe(true);
    await expect(fetchAll(url)).rejects.toThrow(/not signed by a known authority.*--ca/);
    await expect(fetchAll(url, { ca: certificates.otherCa.cert })).rejects.toThrow(
      /certificate is not signed|certificate was refused/,
    );
  });

  it.each([
    ['clientUse', /^the server’s certificate is not made for a server\. /],
    ['weak', /^the server’s certificate or one of its chain is signed with an outdated algorithm/],
    ['expired', /^the server’s certificate has expired/],
  ] as const)('asks once where the certificate is refused (%s)', async (which, words) => {
    const port = await secureStore((_request, response) => void response.end(body), certificates[which]);
    const url = `https://127.0.0.1:${port}/f.zip`;
    await expect(fetchAll(url, { ca: certificates.ca.cert })).rejects.toThrow(words);
  });

  it('follows no redirect to unprotected http', async () => {
    const plain = await storeOf({ body });
    const port = await secureStore(
      (_request, response) => void text(response, 302, { location: `${plain.url}?sig=secret` }),
    );
    const failed = fetchAll(`https://127.0.0.1:${port}/f.zip`, { ca: certificates.ca.cert });
    await expect(failed).rejects.toThrow(/redirected from https to unprotected http at http:\S+\?\*\*\*$/);
    expect(plain.asked).toHaveLength(0);
  });

  it('goes through a proxy by CONNECT', async () => {
    const port = await secureStore((_request, response) => void response.end(body));
    const connects: (string | undefined)[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      connects.push(request.url);
      const onward = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    const proxyPort = await listen(proxy);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` };
    const url = `https://localhost:${port}/f.zip`;
    expect((await fetchAll(url, { env, ca: certificates.ca.cert })).bytes.equals(body)).toBe(true);
    expect(connects).toEqual([`localhost:${port}`]);
  });
});

describe('HTTP_PROXY and NO_PROXY', () => {
  it('are followed', async () => {
    const asked: string[] = [];
    const port = await listen(
      createServer((request, response) => {
        asked.push(`${request.headers['proxy-authorization'] ?? ''} ${request.url}`);
        response.end(body);
      }),
    );
    const store = await storeOf({ body: bytesOf(1000, 5) });
    const env = { http_proxy: `http://me:secret@127.0.0.1:${port}` };
    expect((await fetchAll('http://store.example/f.zip', { env })).bytes.equals(body)).toBe(true);
    expect(asked).toEqual([`Basic ${Buffer.from('me:secret').toString('base64')} http://store.example/f.zip`]);
    expect((await fetchAll(store.url, { env: { ...env, NO_PROXY: '127.0.0.1' } })).bytes).toHaveLength(1000);
    expect(asked).toHaveLength(1);
  });

  it('are an error of the settings, without their password, where they make no sense', () => {
    let message = '';
    try {
      httpClient({ env: { HTTP_PROXY: 'me:secret@nowhere' } });
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('HTTP_PROXY or HTTPS_PROXY is not a usable proxy URL');
    expect(message).not.toContain('secret');
  });
});
