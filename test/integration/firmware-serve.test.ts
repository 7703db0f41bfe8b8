/** The served files as docks, curl and strangers see them. */
import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock, systemClock } from '../../src/clock.js';
import {
  type FirmwareServer,
  type ServedFile,
  type ServeOptions,
  serveFirmware,
  type Transfer,
} from '../../src/firmware/serve/server.js';
import { bytesOf, device, md5Of, prepare, temporaryFolder } from '../helpers/firmware-tools.js';

const run = promisify(execFile);
const folder = temporaryFolder();
const servers: FirmwareServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

let count = 0;
function served(bytes: Buffer, file_name = 'firmware.zip'): ServedFile {
  const file = join(folder, `served-${count++}`);
  writeFileSync(file, bytes);
  return { file, file_name, file_size: bytes.length, md5: md5Of(bytes) };
}

async function serve(files: ServedFile[], options: Partial<ServeOptions> = {}): Promise<FirmwareServer> {
  const server = await serveFirmware(files, { host: '127.0.0.1', port: 0, clock: systemClock, ...options });
  servers.push(server);
  return server;
}

const bytes = bytesOf(1_000_003);

/** The answer to exactly these bytes on the wire, as text. */
function raw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

describe('serveFirmware', () => {
  it('gives the file, its length and its ETag', async () => {
    const file = served(bytes, 'M4T 17.02 ü.zip');
    const url = (await serve([file])).urlOf(file.file);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/0\/M4T%2017\.02%20%C3%BC\.zip$/);
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe(String(bytes.length));
    expect(answer.headers.get('etag')).toBe(`"${file.md5}"`);
    expect(answer.headers.get('accept-ranges')).toBe('bytes');
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    expect(await head.text()).toBe('');
  });

  it('gives parts', async () => {
    const file = served(bytes);
    const url = (await serve([file])).urlOf(file.file);
    const part = async (range: string, ifRange?: string) => {
      const answer = await fetch(url, { headers: { range, ...(ifRange ? { 'if-range': ifRange } : {}) } });
      return {
        status: answer.status,
        range: answer.headers.get('content-range'),
        body: Buffer.from(await answer.arrayBuffer()),
      };
    };
    const middle = await part('bytes=500000-500009', `"${file.md5}"`);
    expect(middle).toMatchObject({ status: 206, range: 'bytes 500000-500009/1000003' });
    expect(middle.body.equals(bytes.subarray(500_000, 500_010))).toBe(true);
    const end = await part('bytes=-5');
    expect(end.body.equals(bytes.subarray(-5))).toBe(true);
    expect(await part('bytes=1000003-')).toMatchObject({ status: 416, range: 'bytes */1000003' });
    expect((await part('bytes=500000-', '"another"')).body.equals(bytes)).toBe(true);
  });

  it('lets curl continue where it was cut off', async () => {
    const file = served(bytes);
    const url = (await serve([file])).urlOf(file.file);
    const target = join(folder, 'continued');
    writeFileSync(target, bytes);
    truncateSync(target, 333_333);
    await run('curl', ['--silent', '--show-error', '--fail', '--continue-at', '-', '--output', target, url]);
    expect(readFileSync(target).equals(bytes)).toBe(true);
  });

  it('serves fifty at once', async () => {
    const files = [served(bytes), served(bytesOf(900_000, 2))];
    const server = await serve(files);
    const sums = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const file = files[index % 2] as ServedFile;
        const answer = await fetch(server.urlOf(file.file));
        return md5Of(Buffer.from(await answer.arrayBuffer())) === file.md5;
      }),
    );
    expect(sums).toEqual(Array(50).fill(true));
  });

  it('is what the reader of URLs wants', async () => {
    const file = served(bytes);
    const server = await serve([file]);
    const result = await prepare([device({ file_url: server.urlOf(file.file) })]);
    expect(result.facts?.get('DRONE1')).toMatchObject({ md5: file.md5, file_size: bytes.length, source: 'url' });
  });

  it('refuses everything else', async () => {
    const file = served(bytes);
    const other = served(bytesOf(1000), 'secret.txt');
    const url = new URL((await serve([file])).urlOf(file.file));
    const [, token] = url.pathname.split('/');
    const statusOf = async (path: string, method = 'GET') => {
      const answer = await raw(url.href, `${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      return answer.slice(9, 12);
    };
    expect(await statusOf(url.pathname)).toBe('200');
    for (const path of [
      '/',
      '/firmware.zip',
      '/0/firmware.zip',
      `/${token}`,
      `/${token}/`,
      `/${token}/1/firmware.zip`,
      `/${token}/0/secret.txt`,
      `/${token}/0/`,
      `/${token}/0/../../../../../../etc/passwd`,
      `/${token}/0/..%2f..%2f..%2fetc%2fpasswd`,
      `/${token}/0/%2e%2e/%2e%2e/etc/passwd`,
      `/${token}/0/..\\..\\etc\\passwd`,
      `/${token}/0/firmware.zip/../firmware.zip`,
      `/${token}/0/firmware.zip%00`,
      `//${token}/0/firmware.zip`,
      other.file,
      encodeURIComponent(other.file),
      file.file,
      '/etc/passwd',
      'file:///etc/passwd',
      'http://127.0.0.1/etc/passwd',
      `/${'A'.repeat(22)}/0/firmware.zip`,
    ]) {
      // What does not begin with a slash is refused by Node's parser or by us, but never answered with a file.
      expect(['400', '404'], path).toContain(await statusOf(path));
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      expect(await statusOf(url.pathname, method), method).toBe('405');
      expect(await statusOf('/', method), method).toBe('405');
    }
  });

  it('has other paths in every run', async () => {
    const file = served(bytes);
    const paths = [await serve([file]), await serve([file])].map((server) => new URL(server.urlOf(file.file)).pathname);
    expect(paths[0]).not.toBe(paths[1]);
  });

  it('does not give out a file that has changed since it was digested', async () => {
    const file = served(bytes);
    const url = (await serve([file])).urlOf(file.file);
    appendFileSync(file.file, 'x');
    expect((await fetch(url)).status).toBe(410);
    await expect(serve([file])).rejects.toMatchObject({ code: 'firmware_mismatch' });
    await expect(serve([{ ...file, file: join(folder, 'gone') }])).rejects.toMatchObject({
      code: 'firmware_unreadable',
    });
  });

  it('cuts a download off before its end where the file changes meanwhile', async () => {
    const file = served(Buffer.alloc(20_000_000, 'x'));
    const url = (await serve([file])).urlOf(file.file);
    const got = await new Promise<number>((resolve) => {
      httpGet(url, (answer) => {
        let length = 0;
        answer.once('readable', () => {
          // The answer has begun, and most of it is still to come.
          appendFileSync(file.file, 'x');
          answer.on('data', (chunk) => {
            length += chunk.length;
          });
        });
        answer.on('error', () => {});
        answer.on('close', () => resolve(length));
      });
    });
    expect(got).toBeLessThan(file.file_size);
  });

  it('gives each device a URL of its own where it is named, and tells whose transfer it is', async () => {
    const file = served(bytes);
    const told: Transfer[] = [];
    const server = await serve(
      [
        { ...file, sn: 'A' },
        { ...file, sn: 'B' },
      ],
      {
        onTransfer: (transfer) => told.push(transfer),
      },
    );
    expect(server.urlOf(file.file, 'A')).not.toBe(server.urlOf(file.file, 'B'));
    await (await fetch(server.urlOf(file.file, 'B'))).arrayBuffer();
    await expect.poll(() => told.at(-1)).toMatchObject({ sn: 'B', bytes: bytes.length, done: true });
    expect(told.every(({ sn }) => sn === 'B')).toBe(true);
  });

  it('tells of each transfer, how far it is and when it is over', async () => {
    const file = served(bytes);
    const told: Transfer[] = [];
    const server = await serve([file], { onTransfer: (transfer) => told.push(transfer), clock: manualClock() });
    const url = server.urlOf(file.file);
    await (await fetch(url, { headers: { range: 'bytes=400000-' } })).arrayBuffer();
    await (await fetch(url, { method: 'HEAD' })).text();
    const one = { file: file.file, sn: null, remote: '127.0.0.1', id: 0, total: bytes.length };
    await expect
      .poll(() => told)
      .toEqual([
        { ...one, bytes: 400_000, done: false },
        { ...one, bytes: bytes.length, done: true },
      ]);
  });

  it('tells of a transfer that breaks off, too', async () => {
    const file = served(Buffer.alloc(20_000_000, 'x'));
    const told: Transfer[] = [];
    const server = await serve([file], { onTransfer: (transfer) => told.push(transfer) });
    httpGet(server.urlOf(file.file), (answer) => answer.once('data', () => answer.destroy())).on('error', () => {});
    await expect.poll(() => told.at(-1)?.done).toBe(true);
    expect(told.at(-1)?.bytes).toBeLessThan(file.file_size);
  });

  it('does not wait for ever for those who say nothing, or take nothing', async () => {
    const file = served(Buffer.alloc(20_000_000, 'x'));
    const told: Transfer[] = [];
    const limits = { request: 200, idle: 300 };
    const server = await serve([file], { limits, onTransfer: (transfer) => told.push(transfer) });
    const url = server.urlOf(file.file);
    expect(await raw(url, 'GET / HTTP/1.1\r\nhost: x\r\n')).toMatch(/^(HTTP\/1\.1 408 |$)/);
    const { hostname, port, pathname } = new URL(url);
    const lazy = connect(Number(port), hostname, () => lazy.write(`GET ${pathname} HTTP/1.1\r\nhost: x\r\n\r\n`));
    lazy.pause();
    lazy.on('error', () => {});
    await expect.poll(() => told.at(-1)?.done, { timeout: 20_000 }).toBe(true);
    lazy.destroy();
  });

  it('ends with everything that is under way', async () => {
    const file = served(Buffer.alloc(20_000_000, 'x'));
    const server = await serve([file]);
    const url = server.urlOf(file.file);
    const broken = new Promise<boolean>((resolve) => {
      httpGet(url, (answer) => {
        answer.once('readable', () => {
          void server.close();
          answer.resume();
        });
        answer.on('error', () => {});
        answer.on('close', () => resolve(!answer.complete));
      });
    });
    expect(await broken).toBe(true);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('says what is wrong with an address, and tells the base that it was given', async () => {
    const file = served(bytes);
    const first = await serve([file]);
    const port = Number(new URL(first.urlOf(file.file)).port);
    await expect(serve([file], { port })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/in use/),
    });
    await expect(serve([file], { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'usage' });
    const based = await serve([file], { host: '0.0.0.0', baseUrl: 'https://fw.example/base/' });
    expect(based.urlOf(file.file)).toMatch(/^https:\/\/fw\.example\/base\/[\w-]{22}\/0\/firmware\.zip$/);
  });
});
