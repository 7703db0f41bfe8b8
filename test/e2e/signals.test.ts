/** Ctrl-C and SIGTERM at every stage of a push, and readers that go away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { BIN, type CliRun, environment, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, type DockOptions, docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { fileStore } from '../helpers/firmware-server.js';
import { ptyAvailable, spawnPty } from '../helpers/pty.js';
import { startTcpProxy } from '../helpers/tcp-proxy.js';

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

describe('signals', () => {
  let broker: AedesServer;
  let observer: Client;
  let place: Workplace;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = await startAedes();
    observer = await listen(broker.url, ['thing/product/+/services']);
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await observer?.close();
    await broker?.stop();
    await place?.close();
  });

  async function push(devices: object[], ...more: string[]): Promise<CliRun> {
    return place.start(await wordsOf(devices, more));
  }

  async function wordsOf(devices: object[], more: string[] = []): Promise<string[]> {
    const manifest = await place.put(`${(devices[0] as { sn: string }).sn}.json`, devices);
    return ['push', manifest, '--broker', broker.url, ...more];
  }

  async function fleet(gateways: number, options: DockOptions = {}) {
    const devices = someDevices(gateways);
    ends.push(await docksFor(broker.url, devices, options));
    return devices;
  }

  it.each(SIGNALS)('%s while the firmware is read from a slow server', async (signal, code) => {
    let asked = () => {};
    const reached = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const store = await fileStore({
      body: Buffer.alloc(10),
      before: (request, response) => {
        if (request.method === 'HEAD') return false;
        response.writeHead(200, { 'content-length': 1000 });
        response.write('some', asked);
        return true;
      },
    });
    ends.push(store.close);
    const devices = someDevices(1, { file_url: store.url });
    const run = await push(devices, '--output', 'json');
    await reached;
    run.kill(signal);
    const { last, of } = jsonLines(await run.ended);
    expect(last).toMatchObject({ exit_code: code, totals: { not_started: 1 } });
    expect(of('error')[0]).toMatchObject({ code: 'interrupted', exit_code: code });
    expect(observer.creates(devices[0]?.pid)).toEqual([]);
  });

  it.each(SIGNALS)('%s while a broker is reached that says nothing', async (signal, code) => {
    let reached = () => {};
    const mute = createServer(() => reached());
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    ends.push(async () => void mute.close());
    const { port } = mute.address() as { port: number };
    const connected = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const broker = ['--broker', `mqtt://127.0.0.1:${port}`, '--connect-timeout', '60s', '--output', 'json'];
    const run = await push(someDevices(1), ...broker);
    await connected;
    run.kill(signal);
    expect(jsonLines(await run.ended).last).toMatchObject({ exit_code: code, totals: { not_started: 1 } });
  });

  it.each(SIGNALS)('%s while replies are waited for: the run can be taken up', async (signal, code) => {
    const devices = await fleet(2, { behavior: { reply: 'none', upgrade: false } });
    const run = await push(devices, '--output', 'json', '--concurrency', '1');
    await run.said('job_published');
    run.kill(signal);
    const result = await run.ended;
    const { all, last } = jsonLines(result);
    expect(last).toMatchObject({ exit_code: code, totals: { unknown: 1, not_started: 1 } });
    expect(result.stderr).toContain(`dji-ota resume ${all[0]?.run}`);
    expect(result.stderr).toMatch(/docks continue their upgrades/);
    expect(observer.creates(devices[1]?.pid)).toEqual([]);
  });

  it.each(SIGNALS)('%s during the upgrade: the run is named', async (signal, code) => {
    const run = place.spawn(await wordsOf(await fleet(1, { behavior: { download_seconds: 60 } })));
    await run.said(/download/);
    run.kill(signal);
    const result = await run.ended;
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(/docks continue their upgrades\.\n.*Continue with: dji-ota resume \d{8}-\d{6}-\w+$/m);
    expect(result.stderr).not.toMatch(/^\s*at /m);
  });

  it('ends at once at the second Ctrl-C', async () => {
    const proxy = await startTcpProxy(broker.port);
    ends.push(() => proxy.stop());
    const url = ['--broker', `mqtt://127.0.0.1:${proxy.port}`];
    const devices = await fleet(1, { behavior: { download_seconds: 60 } });
    const run = place.spawn(await wordsOf(devices, ['--output', 'json', ...url]));
    await run.said('device_progress');
    // A broker that does not answer the DISCONNECT.
    proxy.blackHole(true);
    run.child.kill('SIGINT');
    await run.said('device_finished');
    const impatience = setInterval(() => run.child.kill('SIGINT'), 100);
    const { code, signal } = await run.ended;
    clearInterval(impatience);
    // Another signal may arrive when the handlers have just been removed.
    expect(code ?? signal).toBe(code === null ? 'SIGINT' : 130);
  });

  it('takes a signal that comes twice at once, as from npx and `timeout`, for one', async () => {
    const devices = await fleet(1, { behavior: { download_seconds: 60 } });
    const run = place.spawn(await wordsOf(devices, ['--output', 'json']));
    await run.said('device_progress');
    const twice = spawn('sh', ['-c', `kill -INT ${run.child.pid}; kill -INT ${run.child.pid}`]);
    await once(twice, 'exit');
    expect(jsonLines(await run.ended).last).toMatchObject({ event: 'run_finished', exit_code: 130 });
  });

  it('does not wait for a manifest on standard input after Ctrl-C', async () => {
    const child = spawn(process.execPath, [BIN, 'push', '-', '--broker', broker.url], {
      env: environment(place.folder),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    // More than a pipe can hold: when it is written, the program has begun to read.
    await new Promise<void>((resolve) => child.stdin.write(' '.repeat(8_000_000), () => resolve()));
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    child.stdin.destroy();
    expect([code, stderr]).toEqual([130, expect.stringMatching(/^error: interrupted/)]);
  });

  it.skipIf(!ptyAvailable())('leaves the terminal with its cursor after Ctrl-C', async () => {
    const devices = await fleet(2, { behavior: { download_seconds: 60 } });
    const manifest = await place.put('pty.json', devices);
    const args = ['push', manifest, '--broker', broker.url, '--yes'];
    const terminal = spawnPty(args, { env: environment(place.folder, { TERM: 'xterm-256color' }) });
    await terminal.said(/download/);
    terminal.write('\u0003');
    const { code, screen } = await terminal.ended;
    expect(screen).toContain('\u001b[?25l');
    expect(screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(screen.lastIndexOf('\u001b[?25l'));
    expect(screen).toMatch(/dji-ota resume \d{8}-\d{6}-\w+/);
    expect(code).toBe(130);
  });

  it('ends quietly where its reader has gone', async () => {
    const devices = await fleet(1, { behavior: { download_seconds: 60 } });
    const manifest = await place.put('pipe.json', devices);
    const line = `"$0" "$1" push "$2" --broker "$3" --output json | head -n 1`;
    const shell = spawn('sh', ['-c', line, process.execPath, BIN, manifest, broker.url], {
      env: environment(place.folder),
    });
    let stdout = '';
    let stderr = '';
    shell.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    shell.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    await once(shell, 'close');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ event: 'run_started' });
  });
});
