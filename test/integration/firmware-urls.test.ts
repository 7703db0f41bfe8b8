/** Each `file_url` is requested like a dock does it, before anything is published. */
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificates } from '../helpers/certificates.js';
import { fileStore, type Store, type StoreOptions } from '../helpers/firmware-server.js';
import { device, md5Of, prepare, temporaryFolder, zipOf } from '../helpers/firmware-tools.js';

const folder = temporaryFolder();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function storeOf(options: Partial<StoreOptions>): Promise<Store> {
  const store = await fileStore({ body, ...options });
  closers.push(store.close);
  return store;
}

const body = await zipOf(['a.bin'], { filler: 50_000 });
const file = join(folder, 'firmware.bin');
writeFileSync(file, body);

const PAGE = '<!DOCTYPE html><html><head><title>Sign in to Example</title></head><body>'.padEnd(5000, ' ');
const reply = (response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}) =>
  Boolean(response.writeHead(status, headers).end(text));

/** Checks the URLs, and returns only the warnings about them. */
async function check(
  file_url: string,
  change: Parameters<typeof device>[0] = {},
  options: Parameters<typeof prepare>[1] = {},
) {
  const result = await prepare([device({ file, file_url, ...change })], options);
  return { ...result, warnings: result.warnings.filter(([code]) => code.startsWith('url_')) };
}

describe('a probe', () => {
  // Servers that answer HEAD wrongly, or compress everything.
  it.each([
    ['a length of 0', '0'],
    ['the length of a compressed body', String(gzipSync(body).length)],
  ])('is not HEAD, where servers say %s', async (_name, length) => {
    const store = await storeOf({
      before(request, response) {
        if (request.method !== 'HEAD') return false;
        response.writeHead(200, { 'content-length': length }).end();
        return true;
      },
    });
    const result = await check(store.url);
    expect([result.error, result.warnings]).toEqual([null, []]);
  });

  it('takes the length of the whole file where the server ignores ranges, and reads no more than its beginning', async () => {
    const store = await storeOf({ ranges: false });
    expect((await check(store.url)).warnings).toEqual([]);
    const other = await storeOf({ ranges: false, body: Buffer.concat([body, Buffer.alloc(1)]) });
    expect((await check(other.url)).error?.message).toContain(
      `has ${body.length + 1} bytes (50.3 kB), but its file has ${body.length} (50.3 kB)`,
    );
  });

  it('is a warning where the server tells no length', async () => {
    const store = await storeOf({ ranges: false, chunked: true });
    const result = await check(store.url);
    expect(result.error).toBeNull();
    expect(result.warnings).toEqual([
      ['url_unchecked', expect.stringContaining('does not state the size of the file')],
    ]);
  });

  it.each([400, 416, 501])('asks without a range where that is refused with %i', async (status) => {
    const store = await storeOf({
      before: (request, response) => request.headers.range !== undefined && reply(response, status, 'no ranges'),
    });
    expect(await check(store.url)).toMatchObject({ error: null, warnings: [] });
  });

  it('sends no credentials except those in the URL', async () => {
    const store = await storeOf({});
    await check(store.url, {}, { env: { HTTP_PROXY: '' } });
    expect(store.asked).toMatchObject([
      { method: 'GET', range: 'bytes=0-0', authorization: undefined, encodings: 'identity' },
    ]);
  });
});

describe('what a dock would get', () => {
  it('is named where it is a page in place of the file, with the redirect that led there', async () => {
    const store = await storeOf({
      before: (request, response) =>
        request.url?.startsWith('/login') === true
          ? reply(response, 200, PAGE, { 'content-type': 'text/html', 'transfer-encoding': 'chunked' })
          : reply(response, 302, '', { location: '/login?to=secret' }),
    });
    const { error } = await check(store.url);
    expect(error).toMatchObject({ code: 'firmware_broken' });
    expect(error?.message).toMatch(
      /^file_url http:\S+\.zip of device DRONE1 gives an HTML page titled "Sign in to Example" \(after a redirect to http:\S+\/login\?\*\*\*\) in place of the file \(--allow bad-package accepts that\)$/,
    );
    const allowed = await check(store.url, {}, { allow: new Set(['bad-package']) });
    expect(allowed).toMatchObject({
      error: null,
      warnings: [['url_contradicts', expect.stringContaining('HTML page')]],
    });
  });

  it.each([
    ['an HTML page titled "Sign in to Example"', 'text/html', PAGE],
    ['a JSON document that says "AccessDenied"', 'application/octet-stream', '{"error": "AccessDenied"}'],
    ['an XML document with the code "NoSuchKey"', 'application/xml', '<Error><Code>NoSuchKey</Code></Error>'],
  ])('is named beside its length: %s', async (name, type, text) => {
    const headers = { 'content-type': type, 'content-length': String(text.length) };
    const store = await storeOf({ before: (_request, response) => reply(response, 200, text, headers) });
    expect((await check(store.url)).error?.message).toContain(`has ${body.length} (50.3 kB); the server sent ${name}`);
  });

  it('is an empty body with 204', async () => {
    const store = await storeOf({ before: (_request, response) => Boolean(response.writeHead(204).end()) });
    expect((await check(store.url)).error).toMatchObject({
      code: 'firmware_broken',
      message: expect.stringContaining('gives an empty body in place of the file'),
    });
  });

  it('is named where a store refuses, with the code that it gives', async () => {
    const text = '<?xml version="1.0"?><Error><Code>ExpiredToken</Code></Error>';
    const store = await storeOf({ before: (_request, response) => reply(response, 403, text) });
    expect((await check(store.url)).error).toMatchObject({
      code: 'firmware_unreadable',
      message: expect.stringMatching(
        /403 Forbidden: .*; it sent an XML document with the code "ExpiredToken"; a dock could not/,
      ),
    });
  });

  it('is refused with a Content-Encoding', async () => {
    const packed = gzipSync(body);
    const store = await storeOf({
      before: (_request, response) => Boolean(response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed)),
    });
    expect((await check(store.url)).error).toMatchObject({
      code: 'firmware_unreadable',
      message: expect.stringContaining('it comes with Content-Encoding: gzip, which was not requested'),
    });
  });

  it('is looked at for a URL that was read here, too', async () => {
    let gets = 0;
    // A link that works only once.
    const store = await storeOf({
      before: (request, response) =>
        request.headers.range === 'bytes=0-0' && ++gets > 0 && reply(response, 410, 'used up'),
    });
    const result = await check(store.url, { file: null });
    expect(gets).toBe(1);
    expect(result.error?.message).toMatch(/410 Gone.*a dock could not download it either/);
  });

  it('is reported once for a whole store', async () => {
    const store = await storeOf({ before: (_request, response) => reply(response, 503, '') });
    const devices = Array.from({ length: 40 }, (_, n) =>
      device({ sn: `S${n}`, file, file_url: `${store.url}?n=${n}` }),
    );
    const { error, warnings } = await prepare(devices);
    expect(error).toBeNull();
    expect(warnings.filter(([code]) => code === 'url_unchecked')).toEqual([
      [
        'url_unchecked',
        expect.stringMatching(/\.zip\?\*\*\* and 39 more there of devices S0, S1, S2 and 37 more: .*503/),
      ],
    ]);
  });

  it('refuses nothing where the manifest is trusted, and cannot be asked for where it is out of reach', async () => {
    const facts = { file: null, md5: md5Of(body), file_size: 1234 };
    const store = await storeOf({});
    const other = await check(store.url, facts, { trustManifest: true });
    expect(other.error).toBeNull();
    expect(other.warnings).toEqual([['url_contradicts', expect.stringContaining(`has ${body.length} bytes`)]]);
    await store.close();
    expect(await check(store.url, facts, { trustManifest: true })).toMatchObject({ error: null, warnings: [] });
  });
});

describe('a certificate of a private authority', () => {
  const certificates = makeCertificates();

  it('is trusted here by --ca, and warned of, since docks have no such option', async () => {
    const { cert, key } = certificates.server;
    const server = createSecureServer({ cert, key }, (_request, response) => response.end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/f.zip`;
    const result = await check(url, { file: null }, { ca: certificates.ca.cert });
    expect(result.error).toBeNull();
    expect(result.facts?.get('DRONE1')?.source).toBe('url');
    expect(result.warnings).toEqual([
      ['url_certificate', expect.stringMatching(/a dock may trust only public authorities/)],
    ]);
  });
});
