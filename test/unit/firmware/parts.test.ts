import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferCollector } from '../../../src/firmware/http/collect-garbage.js';
import {
  contentRange,
  type RemoteFile,
  rangeGuard,
  remoteFile,
  sameRemoteFile,
} from '../../../src/firmware/http/remote-file.js';
import { retryAfter } from '../../../src/firmware/http/retry-after.js';
import { endsOf } from '../../../src/firmware/package/byte-source.js';
import { readingBoard } from '../../../src/firmware/read/progress-board.js';
import { provesUnchanged } from '../../../src/firmware/read/read-file.js';
import { parseServeAddress, serveBase } from '../../../src/firmware/serve/address.js';
import { rangeAnswer } from '../../../src/firmware/serve/range.js';
import { bytesOf } from '../../helpers/firmware-tools.js';
import { manualClock } from '../../helpers/manual-clock.js';

describe('waits between attempts', () => {
  it('follow Retry-After, in seconds or as a date, up to five minutes', () => {
    const wall = Date.parse('2026-11-24T08:00:00Z');
    expect(retryAfter({ 'retry-after': '7' }, wall)).toBe(7000);
    expect(retryAfter({ 'retry-after': 'Tue, 24 Nov 2026 08:00:09 GMT' }, wall)).toBe(9000);
    expect(retryAfter({ 'retry-after': 'Tue, 24 Nov 2026 07:00:00 GMT' }, wall)).toBe(0);
    expect(retryAfter({ 'retry-after': '86400' }, wall)).toBe(300_000);
    expect(retryAfter({ 'retry-after': 'soon' }, wall)).toBeNull();
    expect(retryAfter({}, wall)).toBeNull();
  });
});

describe('what a server says of a file', () => {
  const said = (headers: Record<string, string>, status = 200) => remoteFile({ status, headers });
  const date = 'Tue, 24 Nov 2026 08:00:00 GMT';
  const old = 'Mon, 23 Nov 2026 08:00:00 GMT';

  it('takes a strong ETag, and no weak or odd one', () => {
    expect(said({ etag: '"a"', 'content-length': '5' })).toMatchObject({ etag: '"a"', size: 5 });
    expect(said({ etag: 'W/"a"' }).etag).toBeNull();
    expect(said({ etag: 'a' }).etag).toBeNull();
    expect(said({ etag: `"${'a'.repeat(600)}"` }).etag).toBeNull();
  });

  it('takes the size of a part from Content-Range', () => {
    expect(said({ 'content-range': 'bytes 0-0/77', 'content-length': '1' }, 206).size).toBe(77);
    expect(said({ 'content-range': 'bytes */0' }, 416).size).toBe(0);
    expect(said({ 'content-range': 'bytes 0-0/*' }, 206).size).toBeNull();
    expect(contentRange({ 'content-range': 'bytes 5-9/10' })).toEqual({ start: 5, total: 10 });
    expect(contentRange({ 'content-range': 'lines 5-9/10' })).toBeNull();
  });

  it('guards a resumed download only with what proves something', () => {
    expect(rangeGuard(said({ etag: '"a"', 'last-modified': old, date }))).toBe('"a"');
    expect(rangeGuard(said({ etag: 'W/"a"', 'last-modified': old, date }))).toBe(old);
    expect(rangeGuard(said({ 'last-modified': date, date }))).toBeNull();
    expect(rangeGuard(said({ 'last-modified': old }))).toBeNull();
    expect(rangeGuard(said({}))).toBeNull();
  });

  it('distinguishes the same file, another one, and no proof', () => {
    const file = (change: Partial<RemoteFile>): RemoteFile => ({
      size: 5,
      etag: null,
      lastModified: null,
      settled: false,
      ...change,
    });
    expect(sameRemoteFile(file({ etag: '"a"' }), file({ etag: '"a"' }))).toBe(true);
    expect(sameRemoteFile(file({ etag: '"a"' }), file({ etag: '"b"' }))).toBe(false);
    expect(sameRemoteFile(file({ etag: '"a"' }), file({ etag: '"a"', size: 6 }))).toBe(false);
    expect(sameRemoteFile(file({ lastModified: old, settled: true }), file({ lastModified: old }))).toBe(true);
    expect(sameRemoteFile(file({ lastModified: old }), file({ lastModified: old }))).toBeNull();
    expect(sameRemoteFile(file({ lastModified: old }), file({ lastModified: date }))).toBe(false);
    expect(sameRemoteFile(file({ etag: '"a"' }), file({}))).toBeNull();
  });
});

describe('endsOf', () => {
  it('holds the first and last bytes of whatever passes, in whatever pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 64 }),
        fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1 }),
        async (length, pieces) => {
          const all = Buffer.concat(pieces);
          const tail = endsOf(8, length);
          tail.write(Buffer.from('what came before a restart'));
          tail.restart();
          for (const piece of pieces) tail.write(piece);
          const source = tail.source(all.length, null);
          for (let from = Math.max(0, all.length - length); from < all.length; from++) {
            const buffer = Buffer.alloc(all.length - from);
            await source.read(buffer, from);
            expect(buffer.equals(all.subarray(from))).toBe(true);
          }
          expect(tail.head().equals(all.subarray(0, 8))).toBe(true);
        },
      ),
    );
  });

  it('reads what lies before from the other source, where there is one', async () => {
    const all = bytesOf(100);
    const tail = endsOf(30, 10);
    tail.write(all.subarray(0, 7));
    tail.write(all.subarray(7));
    const buffer = Buffer.alloc(20);
    await tail.source(100, null).read(buffer, 5);
    expect(buffer.equals(all.subarray(5, 25))).toBe(true);
    await expect(tail.source(100, null).read(buffer, 20)).rejects.toThrow('part of a file');
    const before = {
      size: 100,
      close: async () => {},
      read: async (to: Buffer, at: number) => void all.copy(to, 0, at),
    };
    await tail.source(100, before).read(buffer, 80);
    expect(buffer.equals(all.subarray(80))).toBe(true);
  });
});

describe('rangeAnswer', () => {
  const ask = (range?: string, ifRange?: string) => rangeAnswer({ range, 'if-range': ifRange }, 10, '"e"', 'date');
  it.each([
    [undefined, { status: 200, start: 0, end: 9 }],
    ['bytes=0-', { status: 206, start: 0, end: 9 }],
    ['bytes=4-', { status: 206, start: 4, end: 9 }],
    ['bytes=4-4', { status: 206, start: 4, end: 4 }],
    ['bytes=4-99', { status: 206, start: 4, end: 9 }],
    ['bytes=-3', { status: 206, start: 7, end: 9 }],
    ['bytes=-99', { status: 206, start: 0, end: 9 }],
    ['bytes=10-', { status: 416 }],
    ['bytes=-0', { status: 416 }],
    ['bytes=5-4', { status: 200, start: 0, end: 9 }],
    ['bytes=0-1,3-4', { status: 200, start: 0, end: 9 }],
    ['bytes=-', { status: 200, start: 0, end: 9 }],
    ['lines=0-1', { status: 200, start: 0, end: 9 }],
    ['bytes=99999999999999999999-', { status: 200, start: 0, end: 9 }],
  ])('%s', (range, expected) => {
    expect(ask(range)).toEqual(expected);
  });

  it('follows If-Range', () => {
    expect(ask('bytes=4-', '"e"')).toMatchObject({ status: 206 });
    expect(ask('bytes=4-', 'date')).toMatchObject({ status: 206 });
    expect(ask('bytes=4-', '"other"')).toMatchObject({ status: 200 });
    expect(ask('bytes=4-', 'W/"e"')).toMatchObject({ status: 200 });
  });
});

describe('--serve', () => {
  it('reads host and port', () => {
    expect(parseServeAddress('10.0.0.1:8080')).toEqual({ host: '10.0.0.1', port: 8080 });
    expect(parseServeAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
    for (const bad of [
      '8080',
      'host',
      'host:',
      'host:70000',
      ':80',
      'http://host:80',
      '::1:80',
      '[host]:80',
      'a b:80',
    ]) {
      expect(() => parseServeAddress(bad), bad).toThrow(/not an address of the form host:port/);
    }
  });

  it('wants a base that a dock can reach', () => {
    expect(serveBase({ host: '10.0.0.1', port: 80 }, undefined)).toBe('http://10.0.0.1:80');
    expect(serveBase({ host: 'fe80::1', port: 80 }, undefined)).toBe('http://[fe80::1]:80');
    expect(serveBase({ host: '0.0.0.0', port: 80 }, 'https://fw.example/base/')).toBe('https://fw.example/base');
    for (const host of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) {
      expect(() => serveBase({ host, port: 80 }, undefined), host).toThrow(/--serve/);
    }
    expect(() => serveBase({ host: 'a', port: 80 }, 'ftp://a')).toThrow(/--serve-url/);
    expect(() => serveBase({ host: 'a', port: 80 }, 'http://a/?x=1')).toThrow(/--serve-url/);
  });
});

describe('provesUnchanged', () => {
  const at = (mtime: string, ctime = mtime) => ({ size: 1, mtime, ctime, ino: '1' });
  it('believes times with a fraction soon, and whole ones after two seconds', () => {
    expect(provesUnchanged(at('1000000123456'), 1_000_101)).toBe(true);
    expect(provesUnchanged(at('1000000123456'), 1_000_099)).toBe(false);
    expect(provesUnchanged(at('1000000000000'), 1_001_900)).toBe(false);
    expect(provesUnchanged(at('1000000000000'), 1_002_001)).toBe(true);
    // An old mtime that was set a moment ago proves nothing.
    expect(provesUnchanged(at('1000', '5000000000123'), 5_000_050)).toBe(false);
  });
});

describe('readingBoard', () => {
  it('tells at most ten times a second, and the end', () => {
    const clock = manualClock();
    const told: number[] = [];
    const board = readingBoard(clock, (files) => told.push(files[0]?.read ?? -1));
    const line = board.add('f.zip', 1000);
    for (let read = 1; read <= 1000; read++) {
      clock.advance(1);
      line.at(read, 1000);
    }
    expect(told).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    clock.advance(1);
    line.done(1000);
    board.close();
    board.close();
    expect(told).toHaveLength(12);
  });
});

describe('bufferCollector', () => {
  it('collects the garbage of downloads every eight megabytes', () => {
    const calls: number[] = [];
    let sum = 0;
    const collect = bufferCollector(() => calls.push(sum));
    for (let count = 1; count <= 256; count++) {
      sum = count * 65_536;
      collect(65_536);
    }
    expect(calls).toEqual([8 * 1024 * 1024, 16 * 1024 * 1024]);
  });

  it('gives back what is young and not used any more', async () => {
    const collect = bufferCollector();
    // After a collection of the young generation, V8 does not collect by itself in between.
    collect(8 * 1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    let sum = 0;
    for (let count = 0; count < 128; count++) sum += new ArrayBuffer(65_536).byteLength;
    collect(sum);
    await expect.poll(() => process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});
