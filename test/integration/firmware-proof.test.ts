/** The verdict on packages, read from files and downloads: the same bytes have the same verdict. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Inspection, inspectFirmware } from '../../src/firmware/inspect.js';
import { djiPackage, entryOf, MODULES, type Module, type ZipEntry } from '../helpers/firmware-package.js';
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

let count = 0;
function fileOf(bytes: Buffer): string {
  const path = join(folder, `file-${count++}.zip`);
  writeFileSync(path, bytes);
  return path;
}

async function inspect(...places: string[]): Promise<Inspection[]> {
  return inspectFirmware(places, { cacheFile: null, clock: hastyClock(), env: {} });
}

/** The verdict on the same bytes for each way of reading them. */
async function verdicts(bytes: Buffer): Promise<Inspection> {
  const [whole, breaking, plain] = await Promise.all([
    storeOf({ body: bytes }),
    storeOf({ body: bytes, cutAfter: (get) => (get < 2 ? Math.floor(bytes.length / 3) + get : null) }),
    storeOf({ body: bytes, ranges: false, etag: null }),
  ]);
  const [file, ...others] = await inspect(fileOf(bytes), whole.url, breaking.url, plain.url);
  for (const { source: _, file_name: __, modules, ...other } of others) {
    // Without ranges, entries after a false header cannot be found.
    expect(file).toMatchObject(file?.package === 'broken' ? other : { ...other, modules });
  }
  return file as Inspection;
}

const flipped = (data: Buffer, at = 100) => {
  const copy = Buffer.from(data);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
describe('a package that is proven', () => {
  it('tells all that it says of itself', async () => {
    const bytes = djiPackage();
    expect(await verdicts(bytes)).toMatchObject({
      md5: md5Of(bytes),
      sha256: null,
      file_size: bytes.length,
      package: 'proven',
      reasons: [],
      problem: null,
      product: 'wa345t',
      models: ['M4T'],
      version: '17.02.0501',
      formal_version: '17.02.05.01',
      release_date: '2026-05-29',
      from: '2026/05/29',
      expire: '2027/05/29',
      enforce: '0',
      antirollback: '2',
      antirollback_ext: 'cn:6',
      modules: MODULES.map((module) => ({
        id: module.id,
        name: module.name,
        version: module.version,
        type: module.type ?? null,
        size: module.data.length,
        md5: md5Of(module.data),
        entry: entryOf(module),
        proven: true,
      })),
      entries: [
        ...MODULES.map((module) => ({ name: entryOf(module), size: module.data.length })),
        { name: FACTS_NAME },
      ],
    });
  });

  it('with sizes behind the data, or gaps, where the server sends parts', async () => {
    for (const more of [{ descriptor: true }, { descriptor: true, packed: true }, { gap: 100 }]) {
      const bytes = djiPackage({ entries: (all) => all.map((entry) => ({ ...entry, ...more })) });
      const store = await storeOf({ body: bytes });
      const bare = await storeOf({ body: bytes, ranges: false });
      const [file, remote, without] = await inspect(fileOf(bytes), store.url, bare.url);
      expect([file?.package, remote?.package], JSON.stringify([more, file?.reasons, remote?.reasons])).toEqual([
        'proven',
        'proven',
      ]);
      expect(without).toMatchObject({ package: 'not checked', problem: null, md5: md5Of(bytes) });
      expect(without?.reasons[0]).toContain('the server sends no part of it');
    }
  });

  it('on threads, too', async () => {
    const large = MODULES.map((module, index) => ({ ...module, data: bytesOf(5_000_000 + index, index) }));
    const packed = { entries: (all: ZipEntry[]) => all.map((entry) => ({ ...entry, packed: true })) };
    const good = djiPackage({ modules: large });
    const bad = flipped(good, 12_000_000);
    const alone = [good, bad, djiPackage({ modules: large, ...packed })];
    for (const [index, verdict] of ['proven', 'broken', 'proven'].entries()) {
      const bytes = alone[index] as Buffer;
      const store = await storeOf({ body: bytes, cutAfter: (get) => (get < 2 ? 7_000_000 : null) });
      const [file] = await inspect(fileOf(bytes));
      const [remote] = await inspect(store.url);
      expect([file?.package, remote?.package]).toEqual([verdict, verdict]);
      expect([file?.md5, remote?.md5]).toEqual([md5Of(bytes), md5Of(bytes)]);
    }
    const several = await inspect(...alone.map(fileOf));
    expect(several.map((one) => one.package)).toEqual(['proven', 'broken', 'proven']);
    expect(several[1]?.reasons).toEqual([
      expect.stringContaining(`has a module ${entryOf(large[2] as Module)} whose MD5 is`),
    ]);
  });
});

describe('what is no proven package', () => {
  it.each<[string, Buffer, Inspection['package'], string]>([
    [
      'a flipped byte',
      flipped(djiPackage(), 1000),
      'broken',
      `has a module ${entryOf(MODULES[0] as Module)} whose MD5 is`,
    ],
    ['a ZIP that is cut off', djiPackage().subarray(0, 60_000), 'broken', 'is a ZIP file that is cut off'],
    [
      'a page',
      Buffer.from('<!doctype html><html><head><title>Sign in</title></head></html>'),
      'broken',
      'is not a ZIP file but an HTML page titled "Sign in"',
    ],
    ['an empty file', Buffer.alloc(0), 'broken', 'is empty'],
    ['no configuration', djiPackage({ configuration: null }), 'not checked', 'is not a DJI package'],
  ])('%s', async (_name, bytes, verdict, reason) => {
    const found = await verdicts(bytes);
    expect(found).toMatchObject({ package: verdict, md5: md5Of(bytes), file_size: bytes.length });
    expect(found.reasons.join('\n')).toContain(reason);
    expect(found.problem === null).toBe(verdict === 'not checked');
  });
});
