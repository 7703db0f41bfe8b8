import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type InspectOptions, inspectAndShow } from '../../src/cli/commands/inspect/inspect.js';
import { inspectPackage } from '../../src/firmware/inspect.js';
import { NO_FACTS } from '../../src/firmware/package/report.js';
import { djiPackage, entryOf, MODULES, type Module } from '../helpers/firmware-package.js';
import { fileStore, type Store, type StoreOptions } from '../helpers/firmware-server.js';
import { bytesOf, FACTS_NAME, hastyClock, md5Of, temporaryFolder } from '../helpers/firmware-tools.js';

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

function fileOf(name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const filler: Module = { id: '0100', version: '17.02.05.01', data: bytesOf(3_000_000, 7), name: 'main' };
const radio = MODULES[3] as Module;
const modules = [filler, radio];
const zip = djiPackage({ modules });

async function inspect(sources: string[], options: InspectOptions = {}) {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: {
      write(text: string) {
        stdout += text;
        return true;
      },
    },
    stderr: {
      write(text: string) {
        stderr += text;
        return true;
      },
    },
    env: {},
    clock: hastyClock(10_000),
  };
  const code = await inspectAndShow(sources, options, io);
  return { code, stdout, stderr, lines: stdout.trimEnd().split('\n') };
}

describe('inspectPackage', () => {
  it('reads nothing but the end of a file on a server', async () => {
    const store = await storeOf({ body: zip });
    const info = await inspectPackage(store.url, { env: {} });
    expect(info).toMatchObject({
      file_size: zip.length,
      version: '17.02.0501',
      product: 'wa345t',
      release_date: '2026-05-29',
      problem: null,
      modules: modules.map((module) => ({ entry: entryOf(module), proven: null })),
    });
    expect(info.entries.map((entry) => entry.name)).toEqual([entryOf(filler), entryOf(radio), FACTS_NAME]);
    const [look, ...gets] = store.asked;
    expect(look).toMatchObject({ method: 'GET', range: 'bytes=0-0' });
    expect(gets.length).toBeLessThanOrEqual(2);
    for (const asked of gets) {
      expect(Number(/^bytes=(\d+)-/.exec(asked.range ?? '')?.[1])).toBeGreaterThan(zip.length - 100_000);
      expect(asked.ifRange).toBe('"v1"');
    }
  });

  it('gives the reason if it cannot', async () => {
    const whole = await storeOf({ body: zip, ranges: false });
    await expect(inspectPackage(whole.url, { env: {} })).rejects.toThrow('cannot send a part of a file');
    const gone = await storeOf({ body: zip, before: (_request, response) => Boolean(response.writeHead(404).end()) });
    await expect(inspectPackage(`${gone.url}?sig=topsecret`, { env: {} })).rejects.toThrow(
      /firmware\.zip\?\*\*\* cannot be read: the server answered 404/,
    );
    await expect(inspectPackage(join(folder, 'missing'))).rejects.toThrow('no such file');
    let etag = 1;
    const changing = await storeOf({ body: zip, etag: () => `"v${etag++}"` });
    await expect(inspectPackage(changing.url, { env: {} })).rejects.toThrow('changed on the server');
  });

  it('gives an ETag back byte for byte', async () => {
    // Node passes each byte as a character.
    const etag = Buffer.from('"fw-固件-\u00fc"').toString('latin1');
    const store = await storeOf({ body: zip, etag });
    expect((await inspectPackage(store.url, { env: {} })).problem).toBeNull();
    expect(store.asked.slice(1).map((asked) => asked.ifRange)).toEqual(store.asked.slice(1).map(() => etag));
  });
});

describe('dji-ota inspect', () => {
  it('shows a table', async () => {
    const { code, lines, stderr } = await inspect([fileOf('M4T.zip', zip)]);
    expect(lines[0]).toMatch(/^FILE +SIZE +BYTES +MD5 +VERSION +RELEASED +PRODUCT +PACKAGE +FORMAL +FROM +EXPIRE/);
    const [size, md5] = [String(zip.length), md5Of(zip)];
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      ...['M4T.zip', '3.0 MB', size, md5, '17.02.0501', '2026-05-29', 'wa345t (M4T)', 'proven: 2 of 2 modules'],
      ...['17.02.05.01', '2026/05/29', '2027/05/29', '0', '2 (cn:6)'],
    ]);
    expect(lines).toHaveLength(2);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('lists what is inside, and which of it is proven', async () => {
    const bytes = Buffer.from(zip);
    bytes[3_000_170] = (bytes[3_000_170] ?? 0) ^ 1;
    const { code, stdout, stderr } = await inspect([fileOf('M4T.zip', bytes)], { entries: true });
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows).toContainEqual([entryOf(filler), '3000000', '0100', 'main', '17.02.05.01', md5Of(filler.data), 'yes']);
    expect(rows).toContainEqual([entryOf(radio), '50', '2801', 'radio', '07.00.00.01', md5Of(radio.data), 'no']);
    expect(rows.find(([name]) => name === FACTS_NAME)?.at(-1)).toBe('-');
    expect(stdout).toContain('broken: 1 of 2 modules proven');
    expect(code).toBe(3);
    expect(stderr).toContain(`has a module ${entryOf(radio)} whose MD5 is`);
  });

  it('computes a SHA-256 where it is asked for one, and only there', async () => {
    const file = fileOf('sum.zip', zip);
    const sha256 = createHash('sha256').update(zip).digest('hex');
    const cacheFile = join(folder, 'sum-cache', 'firmware.json');
    const sum = async (options: InspectOptions) =>
      JSON.parse((await inspect([file], { ...options, output: 'json' })).stdout).sha256;
    expect(await sum({ cacheFile })).toBeNull();
    expect(await sum({ cacheFile, sha256: true })).toBe(sha256);
    expect(await sum({ cacheFile })).toBeNull();
    expect((await inspect([file], { cacheFile, sha256: true })).stdout).toContain(sha256);
  });

  it('writes a JSON object a line for each, in order, and shows the others where one fails', async () => {
    const store = await storeOf({ body: zip });
    const cut = fileOf('cut.zip', zip.subarray(0, 2_000_000));
    const sources = [join(folder, 'missing.zip'), fileOf('M4T.zip', zip), cut, `${store.url}?sig=topsecret`];
    const { code, lines, stdout, stderr } = await inspect(sources, { output: 'json', entries: true });
    expect([code, stderr]).toEqual([3, '']);
    const [missing, local, broken, remote] = lines.map((line) => JSON.parse(line));
    expect(missing).toEqual({
      schema: 1,
      source: join(folder, 'missing.zip'),
      file_name: 'missing.zip',
      file_size: null,
      md5: null,
      sha256: null,
      package: null,
      reasons: [],
      models: [],
      ...NO_FACTS,
      modules: [],
      problem: 'cannot be read: no such file',
      entries: [],
    });
    expect(local).toMatchObject({
      file_size: zip.length,
      md5: md5Of(zip),
      version: '17.02.0501',
      release_date: '2026-05-29',
      package: 'proven',
      models: ['M4T'],
      problem: null,
    });
    expect(Object.keys(local).sort()).toEqual(Object.keys(missing).sort());
    expect(local.modules[1]).toMatchObject({ id: '2801', entry: entryOf(radio), proven: true });
    expect(local.entries).toContainEqual({ name: entryOf(radio), size: 50 });
    expect(broken).toMatchObject({
      md5: md5Of(zip.subarray(0, 2_000_000)),
      version: null,
      package: 'broken',
      reasons: ['is a ZIP file that is cut off'],
      problem: 'is a ZIP file that is cut off',
    });
    expect(remote).toMatchObject({ source: `${store.url}?***`, md5: md5Of(zip), version: '17.02.0501', problem: null });
    expect(stdout).not.toContain('topsecret');
  });

  it('says on stderr what is wrong, and exits 3', async () => {
    const plain = await inspect([fileOf('plain.bin', bytesOf(5000)), fileOf('M4T.zip', zip)]);
    expect(plain.code).toBe(3);
    expect(plain.stdout).toMatch(/plain\.bin .* - +- +- +broken\n/);
    expect(plain.stderr).toBe(`error: ${join(folder, 'plain.bin')} is not a ZIP file\n`);
    const nothing = await inspect([join(folder, 'missing.zip')]);
    expect(nothing).toMatchObject({
      code: 3,
      stdout: '',
      stderr: `error: ${join(folder, 'missing.zip')} cannot be read: no such file\n`,
    });
  });

  it('says that a package is not checked, and exits 0', async () => {
    const other = fileOf('other.zip', djiPackage({ modules, configuration: null }));
    const found = await inspect([other]);
    expect(found).toMatchObject({
      code: 0,
      stderr: `${other} is not a DJI package: it has no *.cfg.sig entry at its top level: not checked\n`,
    });
    expect(found.stdout).toMatch(/ not checked\n/);
  });

  it('uses the cache', async () => {
    const cacheFile = join(folder, 'cache', 'firmware.json');
    const store = await storeOf({ body: zip });
    const [first, second] = [await inspect([store.url], { cacheFile }), await inspect([store.url], { cacheFile })];
    expect(second.stdout).toBe(first.stdout);
    expect(store.asked.map((asked) => asked.range)).toEqual([undefined, 'bytes=0-0']);
  });

  it('refuses an empty list, and an invalid URL', async () => {
    await expect(inspect([])).rejects.toMatchObject({ code: 'usage' });
    await expect(inspect(['http://[?sig=topsecret'])).rejects.toMatchObject({
      code: 'usage',
      message: expect.not.stringContaining('topsecret'),
    });
  });
});
