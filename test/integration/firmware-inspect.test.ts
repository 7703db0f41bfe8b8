import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type InspectOptions, inspectFirmware } from '../../src/cli/commands/inspect/inspect.js';
import { inspectPackage } from '../../src/firmware/inspect.js';
import { fileStore, type Store, type StoreOptions } from '../helpers/firmware-server.js';
import { bytesOf, FACTS_NAME, hastyClock, md5Of, temporaryFolder, zipOf } from '../helpers/firmware-tools.js';

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

const zip = await zipOf(['a.bin', FACTS_NAME], { filler: 3_000_000 });

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
  const code = await inspectFirmware(sources, options, io);
  return { code, stdout, stderr, lines: stdout.trimEnd().split('\n') };
}

describe('inspectPackage', () => {
  it('reads nothing but the end of a file on a server', async () => {
    const store = await storeOf({ body: zip });
    const info = await inspectPackage(store.url, { env: {} });
    expect(info).toMatchObject({
      file_size: zip.length,
      version: '17.02.0501',
      releaseDate: '2026-05-29',
      problem: null,
    });
    expect(info.entries.map((entry) => entry.name)).toEqual(['wa345t_module.bin', 'a.bin', FACTS_NAME]);
    const [look, ...gets] = store.asked;
    expect(look).toMatchObject({ method: 'GET', range: 'bytes=0-0' });
    expect(gets.length).toBeLessThanOrEqual(2);
    for (const asked of gets) {
      expect(Number(/^bytes=(\d+)-/.exec(asked.range ?? '')?.[1])).toBeGreaterThan(zip.length - 100_000);
      expect(asked.ifRange).toBe('"v1"');
    }
  });

  it('says why it cannot', async () => {
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
    // Node gives each byte as a character.
    const etag = Buffer.from('"fw-固件-\u00fc"').toString('latin1');
    const store = await storeOf({ body: zip, etag });
    expect((await inspectPackage(store.url, { env: {} })).problem).toBeNull();
    expect(store.asked.slice(1).map((asked) => asked.ifRange)).toEqual(store.asked.slice(1).map(() => etag));
  });
});

describe('dji-ota inspect', () => {
  it('shows a table', async () => {
    const { code, lines, stderr } = await inspect([fileOf('M4T.zip', zip)]);
    expect(lines[0]).toMatch(/^FILE +SIZE +BYTES +MD5 +VERSION +RELEASED/);
    expect(lines[1]).toMatch(
      new RegExp(`^M4T\\.zip +3\\.0 MB +${zip.length} +${md5Of(zip)} +17\\.02\\.0501 +2026-05-29$`),
    );
    expect(lines).toHaveLength(2);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('lists what is inside', async () => {
    const { stdout } = await inspect([fileOf('M4T.zip', zip)], { entries: true });
    expect(stdout).toMatch(/ENTRIES OF M4T\.zip +BYTES\nwa345t_module\.bin +3000000\na\.bin +16\n/);
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
      version: null,
      release_date: null,
      problem: 'cannot be read: no such file',
      entries: [],
    });
    expect(local).toMatchObject({
      file_size: zip.length,
      md5: md5Of(zip),
      version: '17.02.0501',
      release_date: '2026-05-29',
    });
    expect(local.entries).toContainEqual({ name: 'a.bin', size: 16 });
    expect(broken).toMatchObject({
      md5: md5Of(zip.subarray(0, 2_000_000)),
      version: null,
      problem: 'is a ZIP file that is cut off',
    });
    expect(remote).toMatchObject({ source: `${store.url}?***`, md5: md5Of(zip), version: '17.02.0501', problem: null });
    expect(stdout).not.toContain('topsecret');
  });

  it('says on stderr what is wrong, and exits 3', async () => {
    const plain = await inspect([fileOf('plain.bin', bytesOf(5000)), fileOf('M4T.zip', zip)]);
    expect(plain.code).toBe(3);
    expect(plain.stdout).toMatch(/plain\.bin .* - +-\n/);
    expect(plain.stderr).toBe(`${join(folder, 'plain.bin')} is not a ZIP file\n`);
    const nothing = await inspect([join(folder, 'missing.zip')]);
    expect(nothing).toMatchObject({
      code: 3,
      stdout: '',
      stderr: `${join(folder, 'missing.zip')} cannot be read: no such file\n`,
    });
  });

  it('uses the cache', async () => {
    const cacheFile = join(folder, 'cache', 'firmware.json');
    const store = await storeOf({ body: zip });
    const [first, second] = [await inspect([store.url], { cacheFile }), await inspect([store.url], { cacheFile })];
    expect(second.stdout).toBe(first.stdout);
    expect(store.asked.map((asked) => asked.range)).toEqual([undefined, 'bytes=0-0']);
  });

  it('refuses to do nothing, and what is nearly a URL', async () => {
    await expect(inspect([])).rejects.toMatchObject({ code: 'usage' });
    await expect(inspect(['http://[?sig=topsecret'])).rejects.toMatchObject({
      code: 'usage',
      message: expect.not.stringContaining('topsecret'),
    });
  });
});
