import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { clientIdOf } from '../../src/settings/connection/load-connection.js';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { BIN, type CliResult, environment, type Workplace, workplace } from '../helpers/cli.js';
import { type Client, type DockOptions, docksFor, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';

const JSON_OUT = ['--output', 'json'];
const DOWNLOADING = /"step_key":"download_firmware"/;
const SECRET = 's3cr3t';

describe('resume', { concurrent: true }, () => {
  let broker: AedesServer;
  beforeAll(async () => {
    broker = await startAedes();
  });
  afterAll(() => broker?.stop());

  /** A separate workplace for each test, so that it finds only its own runs. */
  interface Scene extends Workplace {
    ends: (() => Promise<void>)[];
    theRun(): Promise<string>;
    journal(): Promise<string>;
    /** Docks for `devices`, and a client that sees what is sent to them. */
    fleet(devices: ReturnType<typeof someDevices>, options?: DockOptions): Promise<Client>;
    /** A push of `devices` that ends while the first dock downloads. Later devices have not begun. */
    brokenPush(devices: object[], by: 'SIGINT' | 'SIGKILL', ...more: string[]): Promise<void>;
  }

  const it = test.extend<{ place: Scene }>({
    // biome-ignore lint/correctness/noEmptyPattern: what a fixture needs is told by its parameters.
    place: async ({}, use) => {
      const place = await workplace();
      const ends: Scene['ends'] = [];
      const runs = path.join(place.folder, 'home', 'state', 'runs');
      const theRun = async () =>
        ((await readdir(runs)).find((name) => name.endsWith('.jsonl')) ?? '').replace('.jsonl', '');
      await use({
        ...place,
        ends,
        theRun,
        journal: async () => path.join(runs, `${await theRun()}.jsonl`),
        async fleet(devices, options = {}) {
          const topics = devices.flatMap(({ pid }) => [`thing/product/${pid}/services`, `thing/product/${pid}/events`]);
          const seen = await listen(broker.url, topics);
          ends.push(await docksFor(broker.url, devices, options), seen.close);
          return seen;
        },
        async brokenPush(devices, by, ...more) {
          const manifest = await place.put('fleet.json', devices);
          const args = ['push', manifest, '--broker', broker.url, '--concurrency', '1', ...JSON_OUT, ...more];
          const program = by === 'SIGKILL' ? place.spawn(args) : place.start(args);
          await program.said(DOWNLOADING);
          if ('child' in program) program.child.kill(by);
          else program.kill('SIGINT');
          await program.ended;
        },
      });
      for (const end of ends) await end();
      await place.close();
    },
  });

  const failure = ({ stdout }: CliResult) =>
    stdout
      .split('\n')
      .filter((line) => line.includes('"event":"error"'))
      .map((line) => JSON.parse(line))[0];

  it('goes on with the rest after the first: each is published once, the end is as if it had never stopped', async ({
    place,
  }) => {
    const devices = someDevices(3);
    const seen = await place.fleet(devices);
    await place.brokenPush(devices, 'SIGKILL');
    const lines = jsonLines(await place.run(['resume', ...JSON_OUT]));
    expect(lines.all[0]).toMatchObject({
      event: 'run_started',
      command: 'resume',
      run: await place.theRun(),
      devices: 3,
    });
    expect(lines.last).toMatchObject({ exit_code: 0, totals: { ok: 3 } });
    for (const { sn } of devices) expect(seen.creates(sn)).toHaveLength(1);
    const again = await place.run(['resume', ...JSON_OUT]);
    expect(again.code).toBe(2);
    expect(failure(again)).toMatchObject({ code: 'run_not_found', message: 'there is no unfinished run' });
  });

  it('is refused while the run is alive, and leaves it alone', async ({ place }) => {
    const devices = someDevices(1);
    const seen = await place.fleet(devices, { behavior: { download_seconds: 60 } });
    const manifest = await place.put('fleet.json', devices);
    const program = place.start(['push', manifest, '--broker', broker.url, ...JSON_OUT]);
    await program.said(DOWNLOADING);
    const refused = await place.run(['resume', ...JSON_OUT]);
    expect(refused.code).toBe(2);
    expect(failure(refused)).toMatchObject({ code: 'run_alive', message: expect.stringContaining('still running') });
    const [create] = seen.creates();
    const event = { method: 'ota_progress', bid: create?.bid, tid: 'x', data: { result: 0, output: { status: 'ok' } } };
    await seen.mqtt.publishAsync(`thing/product/${devices[0]?.pid}/events`, JSON.stringify(event), { qos: 1 });
    expect(jsonLines(await program.ended).last).toMatchObject({ exit_code: 0 });
  });

  it('two at once: one takes the run up, the other is refused', async ({ place }) => {
    const devices = someDevices(2);
    const seen = await place.fleet(devices);
    await place.brokenPush(devices, 'SIGINT');
    const both = await Promise.all([place.run(['resume', ...JSON_OUT]), place.run(['resume', ...JSON_OUT])]);
    // The later process may also start after the other one has ended, and then has nothing to do.
    expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
    for (const { sn } of devices) expect(seen.creates(sn)).toHaveLength(1);
  });

  it('a broker that cannot be reached: exit 4, and the run stays unfinished', async ({ place }) => {
    const devices = someDevices(1);
    await place.fleet(devices);
    await place.brokenPush(devices, 'SIGINT');
    const args = ['resume', '--broker', 'mqtt://127.0.0.1:1', '--connect-timeout', '300ms'];
    expect((await place.run(args)).code).toBe(4);
    expect((await place.run(['resume'])).code).toBe(0);
  });

  it('by name; a name that is none', async ({ place }) => {
    for (const name of ['20200101-000000-abcdef', '../../etc/passwd', 'x'.repeat(80)]) {
      const result = await place.run(['resume', name, ...JSON_OUT]);
      expect(result.code).toBe(2);
      expect(failure(result)).toMatchObject({ code: 'run_not_found' });
    }
  });

  describe('a URL that holds a secret', () => {
    const withUrl = (devices: ReturnType<typeof someDevices>) =>
      devices.map((device) => ({
        ...device,
        file_url: `https://me:${SECRET}@firmware.example.com/fw.zip?X-Signature=${SECRET}`,
        md5: createHash('md5').update('x').digest('hex'),
        file_size: 1,
      }));

    it('is in no file, and comes from the manifest again', async ({ place }) => {
      const devices = withUrl(someDevices(2));
      const seen = await place.fleet(devices);
      await place.brokenPush(devices, 'SIGINT', '--trust-manifest');
      expect(await readFile(await place.journal(), 'utf8')).not.toContain(SECRET);
      const result = await place.run(['resume', '--verbose']);
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout + result.stderr).not.toContain(SECRET);
      const sent = devices.flatMap(({ sn }) => seen.creates(sn)).map((create) => JSON.stringify(create));
      expect(sent).toHaveLength(2);
      for (const create of sent) expect(create).toContain(devices[0]?.file_url);
    });

    it('manifest gone: what has begun is followed, the rest is not started and says why; with it, all is done', async ({
      place,
    }) => {
      const devices = withUrl(someDevices(2));
      const seen = await place.fleet(devices);
      await place.brokenPush(devices, 'SIGINT', '--trust-manifest');
      await rm(path.join(place.folder, 'fleet.json'));
      const lines = jsonLines(await place.run(['resume', ...JSON_OUT]));
      expect(lines.last).toMatchObject({ exit_code: 5, totals: { ok: 1, not_started: 1 } });
      expect(lines.last.devices[1]?.reason).toContain('--manifest');
      expect(seen.creates(devices[1]?.sn)).toEqual([]);
      const moved = await place.put('moved.json', devices);
      expect((await place.run(['resume', '--manifest', moved])).code).toBe(0);
      for (const { sn } of devices) expect(seen.creates(sn)).toHaveLength(1);
    });
  });

  it('a damaged journal: what may have been sent is followed, nothing new is published unless asked for', async ({
    place,
  }) => {
    const devices = someDevices(2);
    const seen = await place.fleet(devices);
    await place.brokenPush(devices, 'SIGINT');
    const lines = (await readFile(await place.journal(), 'utf8')).split('\n');
    // The acknowledgement of the first job, which might as well have been the record of another job.
    lines[3] = 'damaged';
    await writeFile(await place.journal(), lines.join('\n'));
    const result = jsonLines(await place.run(['resume', ...JSON_OUT]));
    expect(result.of('warning')).toMatchObject([{ code: 'journal_damaged' }]);
    expect(result.last).toMatchObject({ exit_code: 5, totals: { ok: 1, not_started: 1 } });
    expect(seen.creates(devices[1]?.sn)).toEqual([]);
    expect((await place.run(['resume', '--republish-uncertain'])).code).toBe(0);
    for (const { sn } of devices) expect(seen.creates(sn)).toHaveLength(1);
  });

  it('an upgrade that ended unknown is asked for again where the run is named, and `runs` shows how it ended', async ({
    place,
  }) => {
    const [device] = someDevices(1);
    const devices = device ? [device] : [];
    const stopDead = await docksFor(broker.url, devices, { behavior: { reply: 'none', upgrade: false } });
    const manifest = await place.put('fleet.json', devices);
    const push = await place.run(['push', manifest, '--broker', broker.url, '--reply-timeout', '300ms', ...JSON_OUT]);
    expect(jsonLines(push).last).toMatchObject({ exit_code: 5, totals: { unknown: 1 } });
    await stopDead();
    const run = await place.theRun();
    const resume = place.start(['resume', run, ...JSON_OUT, '--reply-timeout', '60s']);
    const topic = `thing/product/${device?.pid}/events`;
    await broker.subscribed(new RegExp(`^${clientIdOf(run)}$`), topic, 2);
    const bid = JSON.parse(push.stdout.split('\n').find((line) => line.includes('job_published')) ?? '').bid;
    const talk = await listen(broker.url, []);
    place.ends.push(talk.close);
    const event = { method: 'ota_progress', bid, tid: 'x', data: { result: 0, output: { status: 'ok' } } };
    await talk.mqtt.publishAsync(topic, JSON.stringify(event), { qos: 1 });
    expect((await resume.ended).code).toBe(0);
    const shown = await place.run(['runs', run, '--output', 'json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ state: 'finished', exit_code: 0, totals: { ok: 1, unknown: 0 } });
  });
});

describe('a disk that is full', () => {
  let broker: AedesServer;
  let place: Workplace;
  beforeAll(async () => {
    broker = await startAedes();
    place = await workplace();
  });
  afterAll(async () => {
    await place?.close();
    await broker?.stop();
  });

  /** Runs the program with a file size limit of this many blocks of 1024 bytes. */
  async function limited(blocks: number, args: string[]): Promise<CliResult> {
    const script = `ulimit -f ${blocks}; exec "$0" "$@"`;
    const child = spawn('bash', ['-c', script, process.execPath, BIN, ...args], {
      cwd: place.folder,
      env: environment(place.folder),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code, signal] = await once(child, 'close');
    return { code, signal, stdout, stderr };
  }

  it('from the start: the run is refused, nothing is published', async () => {
    const devices = someDevices(8);
    const seen = await listen(broker.url, ['thing/product/+/services']);
    const manifest = await place.put('full.json', devices);
    const result = await limited(1, ['push', manifest, '--broker', broker.url, ...JSON_OUT]);
    const lines = jsonLines(result);
    expect(lines.of('error')).toMatchObject([{ code: 'journal_unwritable', exit_code: 2 }]);
    expect(lines.last.totals).toMatchObject({ not_started: 8 });
    expect((await place.run(['runs', '--output', 'json'])).stdout).toBe('');
    expect(seen.seen).toEqual([]);
    await seen.close();
  });

  it('in the middle: the run says so, follows what it has begun, and begins nothing that it cannot record', async () => {
    const [first, second] = someDevices(2);
    if (!first || !second) throw new Error('no devices');
    const seen = await listen(broker.url, ['thing/product/+/services']);
    const end = await docksFor(broker.url, [first, second], { behavior: { interval_ms: 5 } });
    const manifest = await place.put('middle.json', [first, second]);
    const result = await limited(3, ['push', manifest, '--broker', broker.url, '--concurrency', '1', ...JSON_OUT]);
    const lines = jsonLines(result);
    expect(lines.of('warning').map(({ code }) => code)).toContain('journal_unwritable');
    expect(lines.of('error')).toMatchObject([{ code: 'journal_unwritable' }]);
    expect(lines.last.devices.map(({ status }) => status)).toEqual(['ok', 'not_started']);
    expect(lines.last.exit_code).not.toBe(0);
    expect(seen.creates(first.sn)).toHaveLength(1);
    expect(seen.creates(second.sn)).toEqual([]);
    // With free space again, the rest is upgraded, and nothing twice. The end of the first device was shown, but could not be
    // stored.
    const after = jsonLines(await place.run(['resume', ...JSON_OUT, '--stall-timeout', '3s']));
    // It is only recognized if its dock reports its version while the run still listens.
    const [told, rest] = after.last.devices.map(({ status }) => status);
    expect(['unknown', 'ok'], JSON.stringify(after.all)).toContain(told);
    expect(rest, JSON.stringify(after.all)).toBe('ok');
    expect(seen.creates(first.sn)).toHaveLength(1);
    expect(seen.creates(second.sn)).toHaveLength(1);
    await end();
    await seen.close();
  });

  it('a home that cannot be written: refused before anything is published', async () => {
    const devices = someDevices(1);
    const manifest = await place.put('home.json', devices);
    const home = await place.put('taken', '');
    const result = await place.run(['push', manifest, '--broker', broker.url, ...JSON_OUT], {
      env: { DJI_OTA_HOME: home },
    });
    expect(result.code).toBe(2);
    expect(jsonLines(result).of('error')).toMatchObject([{ code: 'journal_unwritable' }]);
  });

  it('files are for the user alone, however open the umask is', async () => {
    const home = path.join(place.folder, 'private');
    await mkdir(home, { mode: 0o755 });
    await chmod(home, 0o755);
    const devices = someDevices(1);
    const end = await docksFor(broker.url, devices);
    const manifest = await place.put('private.json', devices);
    const env = { DJI_OTA_HOME: home };
    expect((await place.run(['push', manifest, '--broker', broker.url], { env })).code).toBe(0);
    const mode = async (...parts: string[]) => (await stat(path.join(home, ...parts))).mode & 0o777;
    expect(await mode('state')).toBe(0o700);
    expect(await mode('state', 'runs')).toBe(0o700);
    const files = await readdir(path.join(home, 'state', 'runs'));
    expect(files).toHaveLength(1);
    for (const file of files) expect(await mode('state', 'runs', file)).toBe(0o600);
    await end();
  });
});
