/** A broker URL with a user, and with tokens in its path and query: it works, but is never shown or stored. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type Workplace, workplace } from '../helpers/cli.js';
import { docksFor, FAST, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { type Mosquitto, mosquittoAvailable, startMosquitto } from '../helpers/mosquitto.js';

const SECRET = /us3r|p4th|s3cr3t/;

describe.skipIf(!mosquittoAvailable())('a broker URL with secrets', () => {
  let place: Workplace;
  let broker: Mosquitto;
  let url: string;
  let shown: string;
  const said: string[] = [];
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    place = await workplace();
    broker = (await startMosquitto({ websocket: true })) as Mosquitto;
    const { port } = new URL(broker.url);
    url = `ws://us3r@127.0.0.1:${port}/mqtt/p4th?token=s3cr3t`;
    shown = `ws://***@127.0.0.1:${port}/mqtt/***?***`;
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await broker?.stop();
    await place?.close();
  });

  async function run(args: string[], env: Record<string, string> = {}): Promise<CliResult> {
    const result = await place.run(args, { env });
    said.push(result.stdout, result.stderr);
    return result;
  }
  const folder = () => path.join(place.folder, 'home');

  /** Everything that the program has stored. */
  async function kept(): Promise<string> {
    const files = await readdir(folder(), { recursive: true, withFileTypes: true });
    const names = files.filter((file) => file.isFile()).map((file) => path.join(file.parentPath, file.name));
    return (await Promise.all(names.map((name) => readFile(name, 'utf8')))).join('\n');
  }

  it('is shown without them, and taken up again only with the URL', async () => {
    const devices = someDevices(1);
    ends.push(await docksFor(broker.url, devices, { behavior: { ...FAST, download_seconds: 60 } }));
    const manifest = await place.put('fleet.json', devices);
    const report = ['--report', path.join(place.folder, 'r.json'), '--report', path.join(place.folder, 'r.html')];
    const push = place.start(['push', manifest, '--broker', url, '--output', 'json', '--verbose', ...report]);
    await push.said(/"step_key":"download_firmware"/);
    push.kill('SIGINT');
    const interrupted = await push.ended;
    expect(interrupted.code).toBe(130);
    said.push(interrupted.stdout, interrupted.stderr);
    for (const name of ['r.json', 'r.html']) said.push(await readFile(path.join(place.folder, name), 'utf8'));
    expect(await kept()).toContain(shown);
    expect(await kept()).not.toMatch(SECRET);

    const id = jsonLines(interrupted).last.run;
    expect((await run(['runs', id])).stdout).toContain(shown);
    const refused = await run(['resume']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`was not stored, because it may contain a secret (${shown})`);
    const other = await run(['resume'], { DJI_OTA_BROKER: 'mqtt://127.0.0.1:1' });
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining(`used ${shown}, not mqtt://`) });
    for (const [args, env] of [
      [[], { DJI_OTA_BROKER: url }],
      [['--broker', url], {}],
    ] as const) {
      const resume = place.start(['resume', ...args, '--output', 'json'], { env });
      await resume.said('"event":"device_progress"');
      resume.kill('SIGINT');
      const resumed = await resume.ended;
      expect(resumed.code).toBe(130);
      said.push(resumed.stdout, resumed.stderr);
    }
    expect(await kept()).not.toMatch(SECRET);
  });

  it('is shown without them where a profile keeps it', async () => {
    expect((await run(['config', 'set', `broker=${url}`])).code).toBe(0);
    expect(await kept()).toContain(url);
    expect((await run(['config', 'get', 'broker'])).stdout).toBe(`${shown}\n`);
    for (const args of [['get'], ['list'], ['get', '--output', 'json'], ['list', '--output', 'json']]) {
      expect((await run(['config', ...args])).stdout).toContain(shown);
    }
    const test = await run(['config', 'test', '--pid', 'SIM0001']);
    expect(test).toMatchObject({ code: 0, stdout: expect.stringContaining(`Connected to ${shown}`) });
    expect(test.stdout).toContain('user *** (profile "default")');
    expect((await run(['complete', '--', 'config', 'use', ''])).stdout).toContain(`default\tcurrent, ${shown}`);
    const devices = await run(['devices', '--pid', 'SIM0001', '--timeout', '300ms', '--output', 'json']);
    expect(devices.stdout).toContain(shown);
  });

  it('is not repeated where it was typed in the wrong place', async () => {
    for (const args of [['push', url], ['push', `--brokr=${url}`], [url], ['config', 'set', url], ['help', url]]) {
      expect((await run(args)).code).toBe(2);
    }
    expect((await run(['watch', '--pid', 'SIM1', '--broker', url.replace('127.0.0.1', '127.0.0.1:x')])).code).toBe(2);
  });

  it('was never shown', () => {
    expect(said.length).toBeGreaterThan(30);
    for (const text of said) expect(text).not.toMatch(SECRET);
  });
});
