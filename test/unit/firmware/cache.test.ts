import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, openCache } from '../../../src/firmware/digest/cache.js';
import { aReport } from '../../helpers/firmware-proof.js';
import { temporaryFolder } from '../../helpers/firmware-tools.js';

const folder = temporaryFolder();
let count = 0;
const newPath = () => join(folder, `${count++}`, 'firmware.json');
const wall = () => 1000;

const digest: Digest = {
  md5: '0123456789abcdef0123456789abcdef',
  sha256: null,
  file_size: 5,
  package: aReport(),
};
const proof = { size: 5, mtime: '1', ctime: '2', ino: '3' };
const file = (path: string) => ({ kind: 'file', path }) as const;
const URL_SECRET = 'https://user:secret@store/f.zip?X-Amz-Signature=topsecret';

describe('openCache', () => {
  it('gives back what was put, in the next program, too', async () => {
    const path = newPath();
    const cache = await openCache(path, wall);
    cache.put(file('/fw/secret-customer.zip'), proof, digest);
    cache.put({ kind: 'url', url: URL_SECRET }, { size: 5, etag: '"e"', lastModified: null }, digest);
    await cache.save();
    const next = await openCache(path, wall);
    expect(next.file('/fw/secret-customer.zip', proof)).toEqual(digest);
    expect(next.url(URL_SECRET, { size: 5, etag: '"e"', lastModified: 'whenever' })).toEqual(digest);
    const text = readFileSync(path, 'utf8');
    for (const secret of ['secret', 'user', '//store', 'customer']) expect(text).not.toContain(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(path, '..'))).toEqual(['firmware.json']);
  });

  it('gives nothing where anything of the proof differs', async () => {
    const cache = await openCache(newPath(), wall);
    cache.put(file('/f'), proof, digest);
    for (const change of [{ size: 6 }, { mtime: '9' }, { ctime: '9' }, { ino: '9' }]) {
      expect(cache.file('/f', { ...proof, ...change })).toBeNull();
    }
    expect(cache.file('/g', proof)).toBeNull();
    cache.put({ kind: 'url', url: 'http://a' }, { size: 5, etag: '"e"', lastModified: 'x' }, digest);
    expect(cache.url('http://a', { size: 5, etag: null, lastModified: 'x' })).toBeNull();
    expect(cache.url('http://a', { size: 5, etag: '"f"', lastModified: 'x' })).toBeNull();
    expect(cache.url('http://a', { size: 6, etag: '"e"', lastModified: 'x' })).toBeNull();
    expect(cache.url('http://b', { size: 5, etag: '"e"', lastModified: 'x' })).toBeNull();
    cache.put({ kind: 'url', url: 'http://c' }, { size: 5, etag: null, lastModified: 'x' }, digest);
    expect(cache.url('http://c', { size: 5, etag: null, lastModified: 'x' })).toEqual(digest);
    expect(cache.url('http://c', { size: 5, etag: null, lastModified: 'y' })).toBeNull();
  });

  it('ignores and replaces a corrupt file', async () => {
    const path = newPath();
    mkdirSync(join(path, '..'));
    for (const corrupt of [
      '',
      '{',
      'null',
      '[]',
      '{"schema":1}',
      '{"schema":1,"entries":[1]}',
      '{"schema":2,"entries":{}}',
    ]) {
      writeFileSync(path, corrupt);
      const cache = await openCache(path, wall);
      expect(cache.file('/f', proof)).toBeNull();
      cache.put(file('/f'), proof, digest);
      await cache.save();
      expect((await openCache(path, wall)).file('/f', proof)).toEqual(digest);
    }
  });

  it('reads the entries of an earlier version again, which looked at no module', async () => {
    const path = newPath();
    mkdirSync(join(path, '..'));
    const { md5, file_size } = digest;
    const old = { md5, file_size, package: { version: '17.02.0501', releaseDate: '2026-05-29' } };
    const name = createHash('sha256').update('file:/f').digest('hex');
    writeFileSync(path, JSON.stringify({ schema: 1, entries: { [name]: { digest: old, stored: 1, file: proof } } }));
    const cache = await openCache(path, wall);
    expect(cache.has(file('/f'))).toBe(false);
    expect(cache.file('/f', proof)).toBeNull();
  });

  it('keeps the others where one entry is made to be huge', async () => {
    const path = newPath();
    const cache = await openCache(path, wall);
    const entries = Array.from({ length: 10_000 }, (_, size) => ({ name: 'x'.repeat(1000), size }));
    cache.put(file('/huge'), proof, { ...digest, package: aReport({ entries }) });
    cache.put(file('/f'), proof, digest);
    await cache.save();
    const next = await openCache(path, wall);
    expect(next.has(file('/huge'))).toBe(false);
    expect(next.file('/f', proof)).toEqual(digest);
  });

  it('never gives a digest out of a damaged file', async () => {
    const path = newPath();
    const cache = await openCache(path, wall);
    cache.put(file('/f'), proof, digest);
    await cache.save();
    const sound = readFileSync(path, 'utf8');
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.nat(sound.length), async (from, length) => {
        writeFileSync(path, sound.slice(0, from) + sound.slice(from + length));
        const found = (await openCache(path, wall)).file('/f', proof);
        if (found === null) return;
        expect(found.md5).toMatch(/^[0-9a-f]{32}$/);
        expect(found.file_size).toBe(5);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what another program has written meanwhile', async () => {
    const path = newPath();
    const [one, two] = await Promise.all([openCache(path, wall), openCache(path, wall)]);
    one.put(file('/one'), proof, digest);
    two.put(file('/two'), proof, digest);
    await one.save();
    await two.save();
    const both = await openCache(path, wall);
    expect(both.file('/one', proof)).toEqual(digest);
    expect(both.file('/two', proof)).toEqual(digest);
  });

  it('is whole after many programs wrote at once', async () => {
    const path = newPath();
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const cache = await openCache(path, wall);
        cache.put(file(`/${index}`), proof, digest);
        await cache.save();
      }),
    );
    const content = JSON.parse(readFileSync(path, 'utf8'));
    expect(Object.keys(content.entries).length).toBeGreaterThan(0);
    expect(readdirSync(join(path, '..'))).toEqual(['firmware.json']);
  });

  it('keeps the newest entries, and no more than it may', async () => {
    const path = newPath();
    let now = 0;
    const cache = await openCache(path, () => now++);
    for (let index = 0; index < 600; index++) cache.put(file(`/${index}`), proof, digest);
    await cache.save();
    const next = await openCache(path, wall);
    expect(next.has(file('/0'))).toBe(false);
    expect(next.has(file('/99'))).toBe(false);
    expect(next.has(file('/100'))).toBe(true);
    expect(next.has(file('/599'))).toBe(true);
  });

  it('says where it cannot be written, and leaves nothing behind', async () => {
    const path = newPath();
    mkdirSync(join(path, '..'));
    writeFileSync(join(path, '..', 'blocked'), '');
    const blocked = join(path, '..', 'blocked', 'firmware.json');
    const cache = await openCache(blocked, wall);
    cache.put(file('/f'), proof, digest);
    await expect(cache.save()).rejects.toThrow();
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(join(path, '..'))).toEqual(['blocked']);
  });
});
