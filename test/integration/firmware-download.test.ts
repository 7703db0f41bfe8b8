/** Downloads over a server that behaves like real networks and stores. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpOptions, httpClient } from '../../src/firmware/http/client.js';
import { type DownloadOptions, download, MAX_IDLE } from '../../src/firmware/http/download.js';
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

async function fetchAll(url: string, http: HttpOptions = {}, limits: Partial<DownloadOptions> = {}) {
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
      random: () => 0,
      onRetry: (reason) => retries.push(reason),
      ...(http.signal ? { signal: http.signal } : {}),
      ...limits,
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

  it('gives up on a server that always breaks off and cannot resume', async () => {
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
      /was interrupted \(given up after \d+ attempts, with 300 kB of 305 kB read\)/,
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
    expect(retries).toEqual(['the server stopped responding', 'the server stopped responding']);
  });

  it('tries a host that never answers a few times only, and says why', async () => {
    const port = await listen(createServer());
    await closers.pop()?.();
    await expect(fetchAll(`http://127.0.0.1:${port}/f.zip`)).rejects.toThrow(
      'the server cannot be reached: connection refused (given up after 3 attempts)',
    );
  });

  it.each(['gzip', 'br, identity', 'x-\u00fc\x9b'])('takes no body with a Content-Encoding (%j)', async (encoding) => {
    const store = await storeOf({
      body,
      before: (_request, response) => text(response, 200, { 'content-encoding': encoding }),
    });
    const failed = fetchAll(store.url);
    await expect(failed).rejects.toThrow(/^comes with Content-Encoding: [ -~ü]+, which was not requested/);
    expect(store.asked).toHaveLength(1);
    expect(store.asked[0]?.encodings).toBe('identity');
  });

  it('takes the file where a store repeats how an upload was framed', async () => {
    const store = await storeOf({
      body,
      before(_request, response) {
        response.setHeader('content-encoding', 'aws-chunked');
        return false;
      },
    });
    expect((await fetchAll(store.url)).bytes.equals(body)).toBe(true);
  });

  it('refuses at once if the announced size differs from the manifest, or exceeds the limit', async () => {
    const store = await storeOf({ body });
    const read: number[] = [];
    const onProgress = (bytes: number) => void read.push(bytes);
    await expect(fetchAll(store.url, {}, { expectedSize: 299_999, onProgress })).rejects.toMatchObject({
      message: 'has 300000 bytes (300 kB) on the server, but the manifest says 299999',
      mismatch: true,
    });
    await expect(fetchAll(store.url, {}, { maxSize: 299_999, onProgress })).rejects.toMatchObject({
      message: 'has 300000 bytes (300 kB), more than the 300 kB of --max-size',
      mismatch: false,
    });
    expect(read).toEqual([]);
    const stated = await fetchAll(store.url, {}, { expectedSize: 300_000, maxSize: 10 });
    expect(stated.bytes.equals(body)).toBe(true);
  });

  it.each([
    [{ expectedSize: 200_000 }, 'has more than the 200000 bytes that the manifest states'],
    [{ maxSize: 200_000 }, 'has more than the 200 kB of --max-size'],
  ])('stops reading a server that never ends (%j)', async (limits, message) => {
    let sent = 0;
    const store = await storeOf({
      body,
      before(_request, response) {
        const piece = Buffer.alloc(65_536);
        const more = () => {
          while (!response.destroyed && response.write(piece)) sent += piece.length;
        };
        response.on('drain', more);
        more();
        return true;
      },
    });
    await expect(fetchAll(store.url, {}, limits)).rejects.toThrow(message);
    expect(store.asked).toHaveLength(1);
    // Only what the buffers of two sockets hold.
    expect(sent).toBeLessThan(20_000_000);
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

  // As most servers send it; few encode it. Node's own test server takes one character for each byte.
  it.each([
    ['/固件/M4T 17.02 ü.zip', '/%E5%9B%BA%E4%BB%B6/M4T%2017.02%20%C3%BC.zip'],
    ['./a%20b;c.zip?x=ü#part', '/store/a%20b;c.zip?x=%C3%BC'],
    ['?sig=1', '/store/firmware.zip?sig=1'],
    ['\\back\\slash.zip', '/back/slash.zip'],
  ])('to %s are followed as browsers do', async (location, path) => {
    const store = await storeOf({
      body,
      before: (_request, response, count) =>
        count === 0 && text(response, 302, { location: Buffer.from(location).toString('latin1') }),
    });
    expect((await fetchAll(store.url)).bytes.equals(body)).toBe(true);
    expect(store.asked[1]?.path).toBe(path);
  });

  it('to bytes that are no UTF-8 are followed with those bytes', async () => {
    const store = await storeOf({
      body,
      before: (_request, response, count) => count === 0 && text(response, 302, { location: '/fw-\xfc.zip' }),
    });
    await fetchAll(store.url);
    expect(store.asked[1]?.path).toBe('/fw-%FC.zip');
  });

  it('are named where they led to an error, without their secrets', async () => {
    const store = await storeOf({
      body,
      before: (_request, response, count) =>
        count === 0 ? text(response, 302, { location: '/login/?next=secret' }) : text(response, 404),
    });
    const { origin } = new URL(store.url);
    await expect(fetchAll(store.url)).rejects.toThrow(
      `the server answered 404 Not Found: there is no such file (after a redirect to ${origin}/login/?***)`,
    );
    const away = await storeOf({ body });
    await away.close();
    const other = await storeOf({
      body,
      before: (_request, response) => text(response, 302, { location: away.url.replace('//', '//me:secret@') }),
    });
    await expect(fetchAll(other.url)).rejects.toThrow(
      `connection refused (after a redirect to ${away.url.replace('//', '//***@')}) (given up after 3 attempts)`,
    );
  });

  it('without a target are an answer like any other', async () => {
    const store = await storeOf({ body, before: (_request, response) => text(response, 302, { location: '' }) });
    await expect(fetchAll(store.url)).rejects.toThrow('the server answered 302 Found');
  });

  it.each([
    ['in a circle', '/again', /redirected more than 20 times, the last time to http:\S+\/again$/],
    ['to another kind of address', 'file:///etc/passwd', 'redirected to a file: address'],
    ['to no address', 'http://[', 'redirected to something that is not a URL'],
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
    ['clientUse', /^the server's certificate is not made for a server\. /],
    ['weak', /^the server's certificate or one in its chain is signed with an outdated algorithm/],
    ['expired', /^the server's certificate has expired/],
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
});
