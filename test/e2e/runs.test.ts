import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalFile } from '../../src/journal/read.js';
import { lineOf } from '../../src/journal/record.js';
import { type AedesServer, startAedes } from '../helpers/aedes.js';
import { type Workplace, workplace } from '../helpers/cli.js';
import { docksFor, FAST, listen, someDevices } from '../helpers/cli-docks.js';
import { jsonLines } from '../helpers/cli-events.js';
import { header } from '../helpers/journals.js';
import { coreOptions, device } from '../helpers/upgrade-run.js';

describe('runs', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await workplace();
  });
  afterAll(() => place?.close());

  const folder = () => path.join(place.folder, 'home', 'state', 'runs');
  const list = async () =>
    (await place.run(['runs', '--output', 'json'])).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  it('none yet', async () => {
    const result = await place.run(['runs']);
    expect(result).toMatchObject({ code: 0, stdout: '' });
    expect(result.stderr).toContain('no runs yet');
    expect((await place.run(['runs', 'prune'])).stderr).toContain('0 runs removed');
  });

  it('a journal with escapes in its id, its name or its texts: nothing of it reaches the terminal as it is', async () => {
    const own = await workplace();
    const runs = path.join(own.folder, 'home', 'state', 'runs');
    await mkdir(runs, { recursive: true });
    const evil = '\u001b]0;pwned\u0007\u009b31m\n::set-output name=a::b';
    const put = async (name: string, more: object) => {
      const first = { kind: 'run', schema: 1, ...header({ run: name, manifest: `/x${evil}`, ...more }) };
      const plan = { kind: 'plan', options: coreOptions(), devices: [device(`S${evil}`, 'P')] };
      await writeFile(
        journalFile(runs, name),
        [first, plan].map((record, index) => lineOf(record, index + 1)).join(''),
      );
    };
    await put('good', { connection: { broker: `mqtt://x${evil}` } });
    await put('bad-id', { run: `bad${evil}` });
    await put('renamed', { run: 'good' });
    await put(`name\u001b[31m`, {});
    await put('-dash', {});
    await put('connected', { connection: { broker: { toString: 1 } } });
    const shown: string[] = [];
    const run = async (...args: string[]) => {
      const { stdout, stderr, code } = await own.run(args);
      shown.push(stdout, stderr);
      return { stdout, stderr, code };
    };
    expect((await run('runs')).stdout.match(/^\S+/gm)).toEqual(['RUN', 'good']);
    expect((await run('runs', 'good')).stdout).toContain('pwned');
    expect((await run('complete', '--', 'resume', '')).stdout).toContain('good');
    expect((await run('runs', 'renamed')).stderr).toContain('is a copy of the journal of run good');
    expect((await run('resume', 'bad-id')).code).toBe(2);
    expect((await run('report', `bad${evil}`, '--report', 'x.md')).code).toBe(2);
    expect((await run('resume', `bad${evil}`)).stderr).toContain('is no run');
    await run('runs', '--output', 'json');
    await run('runs', 'prune', '--keep', '0');
    for (const text of shown) expect(text).not.toMatch(/[\u001b\u0007\u009b]|^::/m);
    // Files that are not journals are not removed.
    expect(await readdir(runs)).toEqual(['-dash.jsonl', 'name\u001b[31m.jsonl']);
    await own.close();
  });

  it('lists a run, shows its devices, and does not suggest a resume that is not needed', async () => {
    const devices = someDevices(2);
    const manifest = await place.put('fleet.json', devices);
    const scenario = await place.put('quick.json', { defaults: FAST });
    const push = await place.run(['push', manifest, '--simulate', scenario]);
    expect(push.code, push.stderr).toBe(0);
    const [run, ...rest] = await list();
    expect(rest).toEqual([]);
    expect(run).toMatchObject({
      schema: 1,
      command: 'push',
      manifest,
      device_count: 2,
      gateways: 2,
      simulated: true,
      state: 'finished',
      exit_code: 0,
      totals: { ok: 2 },
    });
    const table = await place.run(['runs']);
    expect(table.stdout).toMatch(/^RUN +STARTED +DEVICES +STATE +OUTCOME +MANIFEST/);
    expect(table.stdout).toContain('2 ok (exit 0)');
    const shown = await place.run(['runs', run.run]);
    for (const { sn } of devices) expect(shown.stdout).toContain(sn);
    expect(shown.stderr).toBe('');
    const detail = JSON.parse((await place.run(['runs', run.run, '--output', 'json'])).stdout);
    expect(detail.devices.map(({ sn, status }: { sn: string; status: string }) => [sn, status])).toEqual(
      devices.map(({ sn }) => [sn, 'ok']),
    );
    expect(detail.jobs).toHaveLength(2);
    const resume = await place.run(['resume', run.run]);
    expect(resume.code).toBe(2);
    expect(resume.stderr).toContain('simulated');
  });

  it('one that there is not, and one whose name is a path', async () => {
    for (const name of ['20200101-000000-abcdef', '../config']) {
      expect((await place.run(['runs', name])).code).toBe(2);
    }
  });

  it('what stands in a journal cannot write to the terminal', async () => {
    const run = '20250101-000000-aaaaaa';
    const hostile = `/tmp/\u001b[2J\u202eevil.json`;
    const record = { kind: 'run', schema: 1, ...header({ run, manifest: hostile, time: Date.UTC(2025, 0, 1) }) };
    await writeFile(journalFile(folder(), run), lineOf(record, 1));
    const { stdout } = await place.run(['runs']);
    expect(stdout).toContain('evil.json');
    expect(stdout).not.toMatch(/\u001b\[2J|\u202e/);
  });

  it('prune removes what is older than --keep, and nothing else', async () => {
    const before = (await list()).map(({ run }) => run);
    expect(before).toHaveLength(2);
    const pruned = await place.run(['runs', 'prune', '--keep', '24h']);
    expect(pruned).toMatchObject({ code: 0, stdout: '20250101-000000-aaaaaa\n' });
    expect((await list()).map(({ run }) => run)).toEqual(before.slice(0, 1));
    expect((await place.run(['runs', 'prune', '--keep', 'soon'])).code).toBe(2);
    expect((await readdir(folder())).length).toBe(1);
  });
});

describe('watch', () => {
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

  it('names the devices of a job that a run of this machine has published', async () => {
    const [dock] = someDevices(1);
    if (!dock) throw new Error('no device');
    const devices = [dock, { ...dock, sn: `${dock.sn}A` }];
    const end = await docksFor(broker.url, devices, { behavior: { download_seconds: 60 } });
    const manifest = await place.put('fleet.json', devices);
    const push = place.start(['push', manifest, '--broker', broker.url, '--output', 'json']);
    await push.said('"step_key":"download_firmware"');
    // The request itself is not visible to watch from here on.
    const watch = place.start(['watch', '--pid', dock.pid, '--broker', broker.url, '--output', 'json']);
    await watch.said('"step_key":"download_firmware"');
    const bid = JSON.parse(push.stdout.split('\n').find((line) => line.includes('job_published')) ?? '').bid;
    const talk = await listen(broker.url, []);
    const event = { method: 'ota_progress', bid, tid: 'x', data: { result: 0, output: { status: 'ok' } } };
    await talk.mqtt.publishAsync(`thing/product/${dock.pid}/events`, JSON.stringify(event), { qos: 1 });
    const lines = jsonLines(await watch.ended);
    expect(lines.of('device_finished').map(({ sn, status }) => [sn, status])).toEqual(
      devices.map(({ sn }) => [sn, 'ok']),
    );
    expect((await push.ended).code).toBe(0);
    await talk.close();
    await end();
  });
});
