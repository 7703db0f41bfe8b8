/** Strangers and compromised docks against `--serve` of the built program: what they can take from it and from others. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliProcess, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, listen, someDevices } from '../helpers/cli-docks.js';
import { bytesOf, md5Of } from '../helpers/firmware-tools.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';
import { descriptors, MEASURABLE, memory } from '../helpers/process-cost.js';

const body = bytesOf(20_000_000);

describe.skipIf(!mosquittoAvailable() || !MEASURABLE)('--serve', () => {
  let broker: Mosquitto;
  let place: Workplace;
  let seen: Client;
  let program: CliProcess;
  let urls: URL[];
  let before: { fds: number; mb: number };
  const sockets: Socket[] = [];

  beforeAll(async () => {
    broker = (await startMosquitto()) as Mosquitto;
  });
  afterAll(() => broker?.stop());

  beforeEach(async () => {
    place = await workplace();
    await place.put('firmware.zip', body);
    const fleet = someDevices(2, { file: 'firmware.zip', md5: md5Of(body) });
    const manifest = await place.put('fleet.json', fleet);
    seen = await listen(broker.url, ['thing/product/+/services']);
    // No dock answers, so the run waits and serves.
    const serve = ['--serve', '127.0.0.1:0', '--reply-timeout', '5m'];
    program = place.spawn(['push', manifest, '--broker', broker.url, ...serve]);
    await Promise.race([
      seen.until(() => seen.creates().length === 2),
      program.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ]);
    urls = seen.creates().map(({ data }) => new URL(String(data.devices[0]?.file_url)));
    await download(urls[0] as URL);
    before = { fds: descriptors(program.child.pid), mb: memory(program.child.pid) };
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await seen.close();
    await place.close();
  });

  async function download(url: URL): Promise<void> {
    const answer = await fetch(url, { headers: { connection: 'close' } });
    expect(answer.status).toBe(200);
    expect(md5Of(Buffer.from(await answer.arrayBuffer()))).toBe(md5Of(body));
  }

  async function open(url: URL, text: string): Promise<Socket> {
    const socket = connect(Number(url.port), url.hostname);
    sockets.push(socket);
    socket.on('error', () => {}).pause();
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    socket.write(text);
    return socket;
  }

  async function openAll(count: number, url: URL, text: string): Promise<void> {
    for (let n = 0; n < count; n += 50) await Promise.all(Array.from({ length: 50 }, () => open(url, text)));
  }

  const cost = () => ({ fds: descriptors(program.child.pid) - before.fds, mb: memory(program.child.pid) - before.mb });

  it('strangers with 1,200 connections that say nothing, or not all, keep no dock from its firmware', async () => {
    const [url, other] = urls as [URL, URL];
    await openAll(600, url, '');
    await openAll(600, url, 'GET /firmware.zip HTTP/1.1\r\nhost: x\r\n');
    expect(cost().fds).toBeLessThanOrEqual(260);
    await Promise.all([download(url), download(other)]);
    expect(cost().mb).toBeLessThan(150);
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect.poll(() => cost().fds).toBeLessThan(10);
  });

  it('a dock that pipelines 20 times 1,000 requests, and takes nothing, holds four files', async () => {
    const [url, other] = urls as [URL, URL];
    const request = `GET ${url.pathname} HTTP/1.1\r\nhost: x\r\n\r\n`;
    for (let n = 0; n < 20; n++) await open(url, request.repeat(1000));
    await download(other);
    for (let n = 0; n < 250; n++) await open(url, request);
    expect(cost().fds).toBeLessThanOrEqual(20);
    await download(other);
    expect(cost().mb).toBeLessThan(150);
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect.poll(() => cost().fds).toBeLessThan(10);
  });

  it('a dock cannot read what is for another: neither path can be made from the other', () => {
    const [one, other] = urls.map(({ pathname }) => pathname.split('/')[1]);
    expect(one).toMatch(/^[\w-]{22}$/);
    expect(other).toMatch(/^[\w-]{22}$/);
    expect(one).not.toBe(other);
  });
});
