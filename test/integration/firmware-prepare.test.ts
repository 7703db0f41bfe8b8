/** From a manifest's devices to the facts that are sent, over real files, threads and servers. */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OtaError } from '../../src/errors.js';
import { RISKS } from '../../src/risks.js';
import {
  configurationOf,
  djiPackage,
  entryOf,
  MODULES,
  type Module,
  xmlOf,
  type ZipEntry,
} from '../helpers/firmware-package.js';
import { fileStore, type Store, type StoreOptions } from '../helpers/firmware-server.js';
import { bytesOf, device, hastyClock, md5Of, prepare, temporaryFolder } from '../helpers/firmware-tools.js';

const folder = temporaryFolder();
const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function storeOf(options: StoreOptions): Promise<Store> {
  const store = await fileStore(options);
  stores.push(store);
  return store;
}

let count = 0;
function fileOf(bytes: Buffer, name = `file-${count++}.zip`): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const zip = djiPackage();
const md5 = md5Of(zip);
const ANY = new Set(RISKS);
const OLD = 'Mon, 01 Jan 2024 00:00:00 GMT';

describe('prepareFirmware', () => {
  it('reads a file once for all devices that use it, and returns the facts of each', async () => {
    const file = fileOf(zip);
    const result = await prepare([
      device({ sn: 'A', file }),
      device({ sn: 'B', file, md5: md5.toUpperCase(), file_size: zip.length, file_name: 'other.zip' }),
      device({ sn: 'C' }),
    ]);
    expect(result.error).toBeNull();
    expect([...(result.facts?.keys() ?? [])]).toEqual(['A', 'B']);
    const inside = { verdict: 'proven', version: '17.02.0501', release_date: '2026-05-29' };
    expect(result.facts?.get('A')).toMatchObject({ md5, file_size: zip.length, source: 'file', package: inside });
    expect(result.facts?.get('B')?.file_name).toBe('other.zip');
    expect(result.ready).toHaveLength(1);
    expect(result.ready[0]).toMatchObject({
      ...{ md5, devices: ['A', 'B'], source: 'file', sha256: null },
      ...{ package: 'proven', modules: { proven: 4, total: 4 } },
    });
    expect(result.warnings).toEqual([]);
    const last = result.readings.at(-1);
    expect(last).toHaveLength(1);
    expect(last?.[0]).toMatchObject({ read: zip.length, total: zip.length, done: true });
  });

  it('digests large files and downloads side by side on threads', async () => {
    const big = [1, 2, 3].map((seed) => bytesOf(5_000_000 + seed, seed));
    const store = await storeOf({ body: bytesOf(7_000_003, 9), cutAfter: (get) => (get < 3 ? 2_000_001 : null) });
    const devices = big.map((bytes, index) => device({ sn: `F${index}`, file: fileOf(bytes) }));
    const result = await prepare([...devices, device({ sn: 'U', file_url: store.url })], { allow: ANY });
    expect(result.error).toBeNull();
    expect(devices.map(({ sn }) => result.facts?.get(sn)?.md5)).toEqual(big.map(md5Of));
    expect(result.facts?.get('U')).toMatchObject({ md5: md5Of(bytesOf(7_000_003, 9)), source: 'url' });
    expect(result.readings.at(-1)?.every((reading) => reading.done && reading.read === reading.total)).toBe(true);
    expect(result.warnings.map(([code]) => code)).toEqual(Array(4).fill('bad_package'));
  });

  it('looks into a package as it passes, without a further request', async () => {
    const store = await storeOf({ body: zip, ranges: false });
    const result = await prepare([device({ file_url: store.url })], { probeUrls: false });
    expect(result.facts?.get('DRONE1')?.package).toMatchObject({
      verdict: 'proven',
      version: '17.02.0501',
      release_date: '2026-05-29',
    });
    expect(store.asked).toHaveLength(1);
  });

  it('reports everything that is wrong at once, with file, key and device', async () => {
    const gone = await storeOf({
      body: zip,
      before: (_request, response) => !response.writeHead(404).end('x') || true,
    });
    const wrong = fileOf(zip, 'wrong.zip');
    const result = await prepare([
      device({ sn: 'A', file: join(folder, 'missing.zip') }),
      device({ sn: 'B', file: wrong, md5: '0'.repeat(32), file_size: 5, product_version: '1.0.0' }),
      device({ sn: 'C', file: folder }),
      device({ sn: 'D', file: fileOf(Buffer.alloc(0), 'empty.zip') }),
      device({ sn: 'E', file_url: gone.url }),
    ]);
    expect(result.error?.code).toBe('firmware_unreadable');
    expect(result.facts).toBeNull();
    expect(result.error?.details).toEqual([
      `${join(folder, 'missing.zip')} (device A) cannot be read: no such file`,
      `${wrong}: file_size is ${zip.length}, but the manifest says 5 for device B`,
      `${wrong}: md5 is ${md5}, but the manifest says ${'0'.repeat(32)} for device B`,
      `${wrong} is version 17.02.0501 (released 2026-05-29), but product_version of device B is 1.0.0 (--allow version-mismatch accepts that)`,
      `${folder} (device C) is a folder, not a file`,
      `${join(folder, 'empty.zip')} (device D) is empty (--allow bad-package accepts that)`,
      `${gone.url} (device E) cannot be read: the server answered 404 Not Found: there is no such file`,
    ]);
    expect(result.ready).toEqual([]);
  });

  it('reports a mismatch if the bytes can be read', async () => {
    const result = await prepare([device({ file: fileOf(zip), md5: '0'.repeat(32) })]);
    expect(result.error?.code).toBe('firmware_mismatch');
    expect(result.error?.message).toContain(`md5 is ${md5}, but the manifest says`);
  });

  it('compares versions in both spellings, and can be told to only warn', async () => {
    const file = fileOf(zip);
    for (const product_version of ['17.02.05.01', '17.02.0501']) {
      expect((await prepare([device({ file, product_version })])).error).toBeNull();
    }
    const other = [device({ file, product_version: '17.02.05.02' })];
    expect((await prepare(other)).error?.code).toBe('firmware_mismatch');
    const allowed = await prepare(other, { allow: new Set(['version-mismatch']) });
    expect(allowed.error).toBeNull();
    expect(allowed.warnings).toEqual([['package_version', expect.stringContaining('17.02.05.02')]]);
  });

  it('notices a file that is written to, or replaced, while it is read', async () => {
    // The clock leaps, so that every piece is reported, and not only one in a tenth of a second.
    const leaping = () => {
      let now = 0;
      return { ...hastyClock(), now: () => (now += 1000) };
    };
    const grown = fileOf(bytesOf(3_000_000));
    const onGrown = await prepare([device({ file: grown })], {
      allow: ANY,
      clock: leaping(),
      onReading: () => appendFileSync(grown, 'more'),
    });
    expect(onGrown.error?.message).toContain('changed while it was read');
    const replaced = fileOf(bytesOf(3_000_000));
    const onReplaced = await prepare([device({ file: replaced })], {
      allow: ANY,
      clock: leaping(),
      onReading: () => renameSync(fileOf(bytesOf(3_000_000, 2)), replaced),
    });
    expect(onReplaced.error?.message).toContain('changed while it was read');
  });

  it('trusts the manifest only on request, and only if it has everything', async () => {
    const file = join(folder, 'not-there.zip');
    const complete = device({ sn: 'A', file, md5: '1'.repeat(32), file_size: 7 });
    const trusted = await prepare([complete, { ...complete, sn: 'B' }], { trustManifest: true });
    expect(trusted.facts?.get('B')).toMatchObject({
      md5: '1'.repeat(32),
      file_size: 7,
      source: 'manifest',
      package: null,
    });
    expect(trusted.ready).toEqual([
      expect.objectContaining({ source: 'manifest', devices: ['A', 'B'], package: 'not checked', modules: null }),
    ]);
    expect(trusted.readings).toEqual([]);
    const torn = await prepare([complete, { ...complete, sn: 'B', file_size: 8 }], { trustManifest: true });
    expect(torn.error?.code).toBe('firmware_mismatch');
    const partial = await prepare([{ ...complete, md5: null }], { trustManifest: true });
    expect(partial.error?.code).toBe('firmware_unreadable');
  });

  it('ends at once when it is interrupted, also on threads', async () => {
    const stop = new AbortController();
    const files = [1, 2].map((seed) => fileOf(bytesOf(8_000_000, seed)));
    const devices = files.map((file, index) => device({ sn: `S${index}`, file }));
    const result = await prepare(devices, { signal: stop.signal, onReading: () => stop.abort() });
    expect(result.error?.code).toBe('interrupted');
    const reason = new OtaError('usage', 'over');
    expect((await prepare(devices, { signal: AbortSignal.abort(reason) })).error).toBe(reason);
  });
});

describe('a file that is a broken package', () => {
  const junk = bytesOf(5000);
  const page = Buffer.from('<!doctype html><title>Sign in</title>');
  const cut = zip.subarray(0, 60_000);
  const wrong = Buffer.from(zip);
  wrong[1000] = (wrong[1000] ?? 0) ^ 1;

  it.each<[string, Buffer, string]>([
    ['no ZIP', junk, 'is not a ZIP file'],
    ['a page', page, 'is not a ZIP file but an HTML page titled "Sign in"'],
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['a ZIP that is cut off', cut, 'is a ZIP file that is cut off'],
    ['a module that differs', wrong, `has a module ${entryOf(MODULES[0] as Module)} whose MD5 is`],
  ])('is refused, or a warning where it is allowed: %s', async (_name, bytes, reason) => {
    const file = fileOf(bytes);
    const store = await storeOf({ body: bytes });
    for (const one of [device({ file }), device({ file_url: store.url })]) {
      const { error, ready } = await prepare([one]);
      expect(error).toMatchObject({ code: 'firmware_broken', hint: expect.stringContaining('dji-ota inspect') });
      expect(error?.message).toContain(`(device DRONE1) ${reason}`);
      expect(error?.message).toContain('(--allow bad-package accepts that)');
      expect(ready).toEqual([]);
      const allowed = await prepare([one], { allow: new Set(['bad-package']) });
      expect(allowed.error).toBeNull();
      expect(allowed.warnings).toEqual([['bad_package', expect.stringContaining(reason)]]);
      expect(allowed.ready).toMatchObject([{ package: 'broken', md5: md5Of(bytes) }]);
    }
  });

  it('is sent with a warning where it is no ZIP and the manifest has its MD5, and refused where it is a bad one', async () => {
    for (const bytes of [junk, page]) {
      const sent = await prepare([device({ file: fileOf(bytes), md5: md5Of(bytes) })]);
      expect(sent.error).toBeNull();
      expect(sent.warnings).toEqual([['bad_package', expect.stringContaining('its MD5 is the one in the manifest')]]);
    }
    for (const bytes of [cut, wrong, Buffer.alloc(0)]) {
      const refused = await prepare([device({ file: fileOf(bytes), md5: md5Of(bytes) })]);
      expect(refused.error?.code).toBe('firmware_broken');
    }
    // A wrong MD5 proves nothing.
    const other = await prepare([device({ file: fileOf(junk), md5: md5 })]);
    expect(other.error).toMatchObject({ code: 'firmware_broken', details: [expect.anything(), expect.anything()] });
  });

  it('may be anything for a payload, but no page and no broken ZIP', async () => {
    const psdk = (bytes: Buffer) => prepare([device({ file: fileOf(bytes), firmware_upgrade_type: 4 })]);
    const sent = await psdk(junk);
    expect([sent.error, sent.warnings]).toEqual([null, []]);
    expect(sent.ready).toMatchObject([{ package: 'not checked' }]);
    for (const bytes of [page, cut, Buffer.alloc(0)]) expect((await psdk(bytes)).error?.code).toBe('firmware_broken');
    const file = fileOf(junk);
    const both = await prepare([
      device({ file, firmware_upgrade_type: 4 }),
      device({ file, sn: 'OTHER', firmware_upgrade_type: 3 }),
    ]);
    expect(both.error?.code).toBe('firmware_broken');
  });

  it('is not an error if it cannot be checked', async () => {
    const result = await prepare([device({ file: fileOf(djiPackage({ configuration: configurationOf('none') })) })]);
    expect(result.error).toBeNull();
    expect(result.ready).toMatchObject([{ package: 'not checked', modules: { proven: 0, total: 0 } }]);
    const said = expect.stringMatching(/holds no readable XML: its modules are not checked$/);
    expect(result.warnings).toEqual([['package_unreadable', said]]);
    const plain = await prepare([device({ file: fileOf(djiPackage({ configuration: null })) })]);
    expect(plain.warnings).toEqual([
      ['package_unreadable', expect.stringMatching(/not a DJI package.*: its version and modules are not checked$/)],
    ]);
  });
});

describe('a SHA-256', () => {
  const sha256 = createHash('sha256').update(zip).digest('hex');
  it('is computed for the file of a device that has one, and checked', async () => {
    const [file, other] = [fileOf(zip), fileOf(djiPackage({ modules: [] }))];
    const store = await storeOf({ body: zip });
    const result = await prepare([
      device({ sn: 'A', file }),
      device({ sn: 'B', file, sha256: sha256.toUpperCase() }),
      device({ sn: 'C', file: other }),
      device({ sn: 'D', file_url: store.url, sha256 }),
    ]);
    expect(result.error).toBeNull();
    expect(result.ready.map((ready) => [ready.devices, ready.sha256]).sort()).toEqual([
      [['A', 'B'], sha256],
      [['C'], null],
      [['D'], sha256],
    ]);
    const bad = await prepare([device({ file, sha256: '0'.repeat(64) })]);
    expect(bad.error?.code).toBe('firmware_mismatch');
    expect(bad.error?.message).toContain(
      `sha256 is ${sha256}, but the manifest says ${'0'.repeat(64)} for device DRONE1`,
    );
  });

  it('is never taken from a cache that has none', async () => {
    const options = { clock: hastyClock(10_000), cacheFile: join(folder, `cache-${count++}`, 'firmware.json') };
    const file = fileOf(zip);
    await prepare([device({ file })], options);
    const bad = await prepare([device({ file, sha256: '0'.repeat(64) })], options);
    expect(bad.error?.message).toContain('sha256 is');
    expect((await prepare([device({ file, sha256 })], options)).ready).toMatchObject([{ source: 'cache', sha256 }]);
  });
});

describe('a package of another model', () => {
  const dock = (change: Parameters<typeof device>[0]) => device({ sn: 'DOCK1', ...change });
  const named = (product: string, name: string) => {
    const entries = (all: ZipEntry[]) => all.map((one) => ({ ...one, name: one.name.replace('wa345t', product) }));
    const modules = MODULES.map((module) => ({ ...module, text: null }));
    return fileOf(djiPackage({ modules, configuration: configurationOf(xmlOf(modules)), entries }), name);
  };

  it.each<[string, Parameters<typeof prepare>[0], RegExp]>([
    [
      'an aircraft’s for a dock, by its product code',
      [dock({ file: named('wa345t', 'any.zip') })],
      /is for M4T by its product code wa345t, but device DOCK1 is a dock/,
    ],
    [
      'an aircraft’s for a dock, by its name',
      [dock({ file: named('new1', 'M4TD_1_pro.zip') })],
      /is for M4TD by its file name \(M4TD\), but device DOCK1 is a dock/,
    ],
    [
      'a dock’s for an aircraft',
      [device({ file: named('new1', 'Dock3_1_pro.zip') })],
      /is for Dock 3 by its file name \(Dock3\), but device DRONE1 is an aircraft/,
    ],
    [
      'a remote controller’s',
      [dock({ file: named('rm700', 'rc.zip') })],
      /is for RC Plus by its product code rm700, but device DOCK1 is a dock/,
    ],
    [
      'one for both',
      [dock({ file: named('new1', 'one.zip') }), device({ file: named('new1', 'one.zip') })],
      /is one package for a dock \(device DOCK1\) and an aircraft \(device DRONE1\)/,
    ],
    [
      'one for both under two names',
      [dock({ file: named('new1', 'a.zip') }), device({ file: named('new1', 'b.zip') })],
      /(?:a\.zip and \S+b|b\.zip and \S+a)\.zip is one package for a dock/,
    ],
  ])('is refused: %s', async (_name, devices, message) => {
    const { error } = await prepare(devices);
    expect(error?.code).toBe('firmware_mismatch');
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain('(--allow model-mismatch accepts that)');
    const allowed = await prepare(devices, { allow: new Set(['model-mismatch']) });
    expect(allowed.error).toBeNull();
    expect(allowed.warnings).toEqual([['model_mismatch', expect.stringMatching(message)]]);
  });

  it('is known by what a profile says, too', async () => {
    const products = { new1: { key: '0-100-1', source: 'the profile fleet' } };
    const { error } = await prepare([dock({ file: named('new1', 'x.zip') })], { products });
    expect(error?.message).toContain(
      'is for M4TD by its product code new1 (the profile fleet), but device DOCK1 is a dock',
    );
  });

  it('is nothing that an unknown product, a payload or a trusted manifest shows', async () => {
    const file = named('new1', 'pack.zip');
    expect((await prepare([dock({ file })])).error).toBeNull();
    expect((await prepare([dock({ file, firmware_upgrade_type: 4 }), device({ file })])).error).toBeNull();
  });

  it('is a warning where file name and product code speak of two aircraft', async () => {
    const { error, warnings } = await prepare([device({ file: named('wa345t', 'M4TD_17_pro.zip') })]);
    expect(error).toBeNull();
    expect(warnings).toEqual([
      [
        'model_mismatch',
        expect.stringContaining('is for M4T by its product code wa345t, and is for M4TD by its file name (M4TD)'),
      ],
    ]);
  });
});

describe('a file with a URL', () => {
  const both = (file: string, file_url: string) => [device({ file, file_url })];

  it('is compared with what the store has', async () => {
    const store = await storeOf({ body: zip });
    const file = fileOf(zip);
    const good = await prepare(both(file, store.url));
    expect(good.error).toBeNull();
    expect(good.warnings).toEqual([]);
    expect(good.facts?.get('DRONE1')?.source).toBe('file');
    expect(store.asked.map((asked) => [asked.method, asked.range])).toEqual([['GET', 'bytes=0-0']]);
    const shorter = await storeOf({ body: zip.subarray(0, 1000) });
    const bad = await prepare(both(file, shorter.url));
    expect(bad.error?.code).toBe('firmware_mismatch');
    expect(bad.error?.message).toMatch(
      /file_url http:\S+ of device DRONE1 has 1000 bytes \(1\.0 kB\), but its file has \d+/,
    );
    expect((await prepare(both(file, shorter.url), { probeUrls: false })).error).toBeNull();
  });

  it.each([401, 403, 404])('is refused where the store answers %i', async (status) => {
    const store = await storeOf({
      body: zip,
      before: (_request, response) => Boolean(response.writeHead(status).end()),
    });
    const result = await prepare(both(fileOf(zip), store.url));
    expect(result.error?.code).toBe('firmware_unreadable');
    expect(result.error?.message).toContain(`the server answered ${status}`);
  });

  it('is only warned of where the store cannot be reached or is in trouble', async () => {
    const store = await storeOf({ body: zip, before: (_request, response) => Boolean(response.writeHead(503).end()) });
    const busy = await prepare(both(fileOf(zip), store.url));
    expect(busy.error).toBeNull();
    expect(busy.warnings).toEqual([['url_unchecked', expect.stringContaining('503')]]);
    await store.close();
    const away = await prepare(both(fileOf(zip), store.url));
    expect(away.error).toBeNull();
    expect(away.warnings).toEqual([['url_unchecked', expect.stringContaining('connection refused')]]);
  });
});

describe('a signed URL', () => {
  const signed = (url: string, epoch: number) => `${url}?AWSAccessKeyId=AK&Expires=${epoch}&Signature=topsecret`;

  it('is refused once it has expired, and warned of where it will expire too soon', async () => {
    const store = await storeOf({ body: zip });
    const now = Math.floor(Date.now() / 1000);
    const past = await prepare([device({ file_url: signed(store.url, 1_700_000_000) })]);
    expect(past.error?.code).toBe('firmware_unreadable');
    expect(past.error?.message).toContain('is a signed URL that expired at 2023-11-14T22:13:20Z');
    expect(store.asked).toEqual([]);
    const soon = await prepare([device({ file_url: signed(store.url, now + 600) })]);
    expect(soon.error).toBeNull();
    const time = new Date((now + 600) * 1000).toISOString().replace('.000Z', 'Z');
    expect(soon.warnings).toEqual([['url_expires', expect.stringContaining(time)]]);
    const expectedEnd = (now + 500) * 1000;
    expect((await prepare([device({ file_url: signed(store.url, now + 600) })], { expectedEnd })).warnings).toEqual([]);
    expect((await prepare([device({ file_url: signed(store.url, now + 86_400) })])).warnings).toEqual([]);
  });
});

describe('the digest cache', () => {
  // Files of the tests are too new for the cache, so this clock is a little ahead.
  const later = () => ({ clock: hastyClock(10_000), cacheFile: join(folder, `cache-${count++}`, 'firmware.json') });

  it('knows an unchanged file, with what is inside it', async () => {
    const file = fileOf(zip);
    const options = later();
    expect((await prepare([device({ file })], options)).facts?.get('DRONE1')?.source).toBe('file');
    const again = await prepare([device({ file })], options);
    expect(again.facts?.get('DRONE1')).toMatchObject({ source: 'cache', md5, package: { version: '17.02.0501' } });
    expect(again.readings).toEqual([]);
    const wrong = await prepare([device({ file, product_version: '1.2.3' })], options);
    expect(wrong.error?.code).toBe('firmware_mismatch');
    const changed = djiPackage({ modules: MODULES.slice(1) });
    writeFileSync(file, changed);
    const fresh = await prepare([device({ file })], options);
    expect(fresh.facts?.get('DRONE1')).toMatchObject({ source: 'file', md5: md5Of(changed) });
    expect((await prepare([device({ file })], { ...options, cacheFile: null })).facts?.get('DRONE1')?.source).toBe(
      'file',
    );
  });

  it('does not cache a file that was written a moment ago', async () => {
    const file = fileOf(zip);
    const options = { ...later(), clock: hastyClock() };
    // The clock of the file system, as the program would see it at the moment of writing.
    const { mtimeMs } = statSync(file);
    options.clock.wall = () => mtimeMs;
    await prepare([device({ file })], options);
    expect((await prepare([device({ file })], options)).facts?.get('DRONE1')?.source).toBe('file');
  });

  it.each([
    ['a strong ETag', { etag: '"v1"' }],
    ['Last-Modified and length', { etag: null, lastModified: OLD }],
  ])('knows a URL by %s, and asks each time', async (_name, proof) => {
    const store = await storeOf({ body: zip, ...proof });
    const options = { ...later(), probeUrls: false };
    const url = `${store.url}?X-Amz-Signature=topsecret`;
    expect((await prepare([device({ file_url: url })], options)).facts?.get('DRONE1')?.source).toBe('url');
    expect((await prepare([device({ file_url: url })], options)).facts?.get('DRONE1')?.source).toBe('cache');
    expect(store.asked.map((asked) => asked.range)).toEqual([undefined, 'bytes=0-0']);
    expect(readFileSync(options.cacheFile, 'utf8')).not.toMatch(/topsecret|127\.0\.0\.1/);
  });

  it('reads a URL again that has changed, or proves nothing', async () => {
    let etag = '"v1"';
    const store = await storeOf({ body: zip, etag: () => etag });
    const options = later();
    await prepare([device({ file_url: store.url })], options);
    etag = '"v2"';
    expect((await prepare([device({ file_url: store.url })], options)).facts?.get('DRONE1')?.source).toBe('url');
    const silent = await storeOf({ body: zip, etag: 'W/"weak"' });
    await prepare([device({ file_url: silent.url })], options);
    expect((await prepare([device({ file_url: silent.url })], options)).facts?.get('DRONE1')?.source).toBe('url');
  });

  it('is no reason to fail', async () => {
    const options = later();
    mkdirSync(options.cacheFile, { recursive: true });
    const result = await prepare([device({ file: fileOf(zip) })], options);
    expect(result.error).toBeNull();
    expect(result.warnings).toEqual([['cache_unwritable', expect.stringContaining('digest cache')]]);
  });
});

describe('secrets in URLs', () => {
  const SECRETS = /hunter2|topsecret|frag-secret|me%3A|aHVudGVy/;
  const secretive = (url: string) =>
    url.replace('http://', 'http://me:hunter2@').concat('?sig=topsecret&a=b#frag-secret');

  it('are never shown or stored, and reach the server unchanged', async () => {
    const cacheFile = join(folder, `cache-${count++}`, 'firmware.json');
    const fine = await storeOf({ body: bytesOf(1000) });
    const gone = await storeOf({
      body: zip,
      before: (_request, response) => Boolean(response.writeHead(404).end('?')),
    });
    const away = await storeOf({ body: zip, before: (_request, response) => Boolean(response.destroy()) });
    const loop = await storeOf({
      body: zip,
      before: (request, response) => Boolean(response.writeHead(302, { location: `${request.url}x` }).end()),
    });
    const file = fileOf(zip);
    const results = await Promise.all([
      prepare([device({ file_url: secretive(fine.url), file_name: 'f' })], {
        ...{ cacheFile, clock: hastyClock(10_000), allow: ANY },
      }),
      prepare([device({ file_url: secretive(gone.url), file_name: 'f' })]),
      prepare([device({ file_url: secretive(away.url), file_name: 'f' })]),
      prepare([device({ file_url: secretive(loop.url), file_name: 'f' })]),
      prepare([device({ file, file_url: secretive(fine.url), file_name: 'f' })]),
      prepare([device({ file, file_url: secretive(away.url), file_name: 'f' })]),
      prepare([device({ file_url: secretive(fine.url).replace('?', '?OSSAccessKeyId=a&Expires=5&'), file_name: 'f' })]),
    ]);
    expect(results.map((result) => result.error?.code ?? null)).toEqual([
      null,
      'firmware_unreadable',
      'firmware_unreadable',
      'firmware_unreadable',
      'firmware_mismatch',
      null,
      'firmware_unreadable',
    ]);
    for (const result of results) expect(result.said).not.toMatch(SECRETS);
    expect(readFileSync(cacheFile, 'utf8')).not.toMatch(SECRETS);
    expect(fine.asked[0]?.path).toBe('/store/firmware.zip?sig=topsecret&a=b');
    expect(fine.asked[0]?.authorization).toBe(`Basic ${Buffer.from('me:hunter2').toString('base64')}`);
  });
});
