/** The served files as docks, curl and strangers see them. */
import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { proofOf } from '../../src/firmware/digest/file.js';
import type { ServedFile, Transfer } from '../../src/firmware/serve/served-file.js';
import { type FirmwareServer, type ServeOptions, serveFirmware } from '../../src/firmware/serve/server.js';
import { bytesOf, device, md5Of, prepare, temporaryFolder } from '../helpers/firmware-tools.js';
import { manualClock } from '../helpers/manual-clock.js';

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

/** The response to exactly these bytes, as text. */
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
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/M4T%2017\.02%20%C3%BC\.zip$/);
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
    const docks = Array.from({ length: 50 }, (_, n) => ({ ...(files[n % 2] as ServedFile), sn: `SN${n}` }));
    const server = await serve(docks);
    const sums = await Promise.all(
      docks.map(async (file) => {
        const answer = await fetch(server.urlOf(file.file, file.sn));
        return md5Of(Buffer.from(await answer.arrayBuffer())) === file.md5;
      }),
    );
    expect(sums).toEqual(Array(50).fill(true));
  });

  it('is accepted by the reader of URLs', async () => {
    const file = served(bytes);
    const server = await serve([file]);
    const result = await prepare([device({ file_url: server.urlOf(file.file), md5: file.md5 })]);
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
      `/${token}/0/firmware.zip`,
      `/${token}/secret.txt`,
      `/${token}/`,
      `/${token}/../../../../../../etc/passwd`,
      `/${token}/..%2f..%2f..%2fetc%2fpasswd`,
      `/${token}/%2e%2e/%2e%2e/etc/passwd`,
      `/${token}/..\\..\\etc\\passwd`,
      `/${token}/firmware.zip/../firmware.zip`,
      `/${token}/firmware.zip%00`,
      `//${token}/firmware.zip`,
      other.file,
      encodeURIComponent(other.file),
      file.file,
      '/etc/passwd',
      'file:///etc/passwd',
      'http://127.0.0.1/etc/passwd',
      `/${'A'.repeat(22)}/firmware.zip`,
    ]) {
      // A target that does not begin with a slash is refused by Node's parser or by the server, but never answered with a file.
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

  it('notices another file that has size and times of the one before', async () => {
    const file = served(bytes);
    const url = (await serve([file])).urlOf(file.file);
    const { atime, mtime } = statSync(file.file);
    writeFileSync(file.file, bytesOf(bytes.length, 9));
    utimesSync(file.file, atime, mtime);
    expect((await fetch(url)).status).toBe(410);
  });

  it('does not start with a file that has changed since it was digested', async () => {
    const file = served(bytes);
    const proof = proofOf(statSync(file.file, { bigint: true }));
    const { atime, mtime } = statSync(file.file);
    await serve([{ ...file, proof }]);
    writeFileSync(file.file, bytesOf(bytes.length, 9));
    utimesSync(file.file, atime, mtime);
    await expect(serve([{ ...file, proof }])).rejects.toMatchObject({ code: 'firmware_mismatch' });
  });

  it('cuts a download off before its end where the file changes meanwhile', async () => {
    const file = served(Buffer.alloc(20_000_000, 'x'));
    const url = (await serve([file])).urlOf(file.file);
    const got = await new Promise<number>((resolve) => {
      httpGet(url, (answer) => {
        let length = 0;
        answer.once('readable', () => {
          // The response has begun, and most of it is still to come.
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
    const secretOf = (sn: string) => new URL(server.urlOf(file.file, sn)).pathname.split('/')[1];
    expect(secretOf('A')).not.toBe(secretOf('B'));
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

  it('does not wait forever for clients that send nothing, or read nothing', async () => {
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

  it('answers pipelined requests one after the other, and closes on a flood of them', async () => {
    const file = served(bytes.subarray(0, 1000));
    const url = new URL((await serve([file])).urlOf(file.file));
    const one = `GET ${url.pathname} HTTP/1.1\r\nhost: x\r\n\r\n`;
    const last = one.replace('host', 'connection: close\r\nhost');
    expect((await raw(url.href, one.repeat(3) + last)).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect((await raw(url.href, one.repeat(1000))).match(/HTTP\/1\.1 200 OK/g) ?? []).toHaveLength(0);
  });

  it('answers four requests at a time for each URL, and drops one that has stalled', async () => {
    const file = served(Buffer.alloc(30_000_000, 'x'));
    const clock = manualClock();
    const server = await serve(
      [
        { ...file, sn: 'A' },
        { ...file, sn: 'B' },
      ],
      { clock },
    );
    const urlA = server.urlOf(file.file, 'A');
    const { hostname, port, pathname } = new URL(urlA);
    // Clients that do not read.
    const greedy = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const socket = connect(Number(port), hostname, () =>
          socket.write(`GET ${pathname} HTTP/1.1\r\nhost: x\r\n\r\n`),
        );
        socket.on('error', () => {});
        await new Promise((resolve) => socket.once('readable', resolve));
        return socket;
      }),
    );
    const fifth = await fetch(urlA);
    expect([fifth.status, fifth.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await fetch(server.urlOf(file.file, 'B'), { method: 'HEAD' })).status).toBe(200);
    // The download is not stalled until the buffers on the way are full.
    await expect
      .poll(async () => {
        clock.advance(10_000);
        return (await fetch(urlA, { method: 'HEAD' })).status;
      })
      .toBe(200);
    for (const socket of greedy) socket.destroy();
  });

  it('closes connections without a download if new ones need the space', async () => {
    const file = served(bytes);
    const server = await serve([file], { limits: { connections: 3, stranger: 60_000 } });
    const url = new URL(server.urlOf(file.file));
    const ended: number[] = [];
    const silent = [0, 1, 2, 3, 4].map((n) =>
      connect(Number(url.port), url.hostname)
        .on('close', () => ended.push(n))
        .on('error', () => {}),
    );
    await expect.poll(() => ended).toEqual([0, 1]);
    expect((await fetch(url)).status).toBe(200);
    expect(ended).toEqual([0, 1, 2]);
    for (const socket of silent) socket.destroy();
  });

  it('closes a connection that asks for nothing it has', async () => {
    const file = served(bytes);
    const clock = manualClock();
    const url = new URL((await serve([file], { clock })).urlOf(file.file));
    const open = async (text: string) => {
      let isOpen = true;
      const socket = connect(Number(url.port), url.hostname, () => socket.write(text));
      socket.on('close', () => {
        isOpen = false;
      });
      socket.on('error', () => {}).resume();
      return () => isOpen;
    };
    const slow = await open('GET /');
    const strange = await open('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const known = await open(`HEAD ${url.pathname} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await expect.poll(strange).toBe(false);
    await expect
      .poll(() => {
        clock.advance(10_000);
        return slow();
      })
      .toBe(false);
    expect(known()).toBe(true);
  });

  it('shares --serve-rate among the docks, whatever connections each has', async () => {
    const file = served(Buffer.alloc(3_000_000, 'x'));
    const docks = ['A', 'B', 'C', 'D'].map((sn) => ({ ...file, sn }));
    const clock = manualClock();
    const server = await serve(docks, { rate: 1_000_000, clock });
    const got = new Map(docks.map(({ sn }) => [sn, 0]));
    const requests = docks.flatMap(({ sn }) =>
      Array.from({ length: sn === 'A' ? 4 : 1 }, () =>
        httpGet(server.urlOf(file.file, sn), (answer) => {
          answer.on('data', (chunk: Buffer) => got.set(sn, (got.get(sn) ?? 0) + chunk.length)).on('error', () => {});
        }).on('error', () => {}),
      ),
    );
    const most = () => Math.max(...got.values());
    while (most() < 1_000_000) {
      clock.advance(20);
      // For the data that may still be sent.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (const request of requests) request.destroy();
    const sum = [...got.values()].reduce((a, b) => a + b, 0);
    for (const share of got.values()) expect(Math.abs(share - sum / 4) / (sum / 4)).toBeLessThan(0.2);
    expect(sum).toBeLessThan(1_000_000 * (clock.now() / 1000 + 0.2));
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

  it('reports an invalid address, and uses the given base URL', async () => {
    const file = served(bytes);
    const first = await serve([file]);
    const port = Number(new URL(first.urlOf(file.file)).port);
    await expect(serve([file], { port })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/in use/),
    });
    await expect(serve([file], { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'usage' });
    const based = await serve([file], { host: '0.0.0.0', baseUrl: 'https://fw.example/base/' });
    expect(based.urlOf(file.file)).toMatch(/^https:\/\/fw\.example\/base\/[\w-]{22}\/firmware\.zip$/);
  });
});
