/** From docks and a folder of packages to a manifest and an upgrade, without typing a serial number. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { topicOf } from '../../src/protocol/topics.js';
import { startSimulator } from '../../src/simulator/fleet.js';
import { environment } from '../helpers/cli.js';
import { FAST } from '../helpers/cli-docks.js';
import { inside } from '../helpers/inside.js';

const EXAMPLES = path.resolve('examples/firmware');

let folder: string;
let broker: string[];
let close: () => Promise<void>;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-init-'));
  await mkdir(path.join(folder, 'firmware'));
  for (const name of await readdir(EXAMPLES)) {
    await copyFile(path.join(EXAMPLES, name), path.join(folder, 'firmware', name));
  }
  const docks = Array.from({ length: 4 }, (_, index) => ({
    pid: `7CTINIT0000${index}`,
    model: '3-3-0',
    firmware_version: '17.05.0102',
    aircraft: [{ sn: `1581INIT0000${index}`, model: '0-100-1', firmware_version: '17.05.0102' }],
  }));
  const scenario = { name: 'test', description: '', defaults: FAST, devices: {}, docks: [] };
  const simulator = await startSimulator({ port: 0, docks, scenario, telemetry: 100 });
  broker = ['--broker', simulator.url];
  // What a dock reports when its aircraft is switched on or off. Repeated, so that no test has to wait for it.
  const topology = setInterval(() => {
    for (const { pid, aircraft } of docks) {
      const sub_devices = aircraft.map(({ sn }) => ({ sn, domain: '0', type: 100, sub_type: 1 }));
      const payload = { method: 'update_topo', data: { domain: '3', type: 3, sub_type: 0, sub_devices } };
      simulator.broker.publish({
        topic: topicOf('status', pid),
        payload: JSON.stringify(payload),
        retain: false,
        qos: 0,
      });
    }
  }, 100);
  close = async () => {
    clearInterval(topology);
    await simulator.close();
  };
});
afterAll(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => path.join(folder, name);
const FIRMWARE = () => ['--firmware', at('firmware')];
const DOCKS = ['--pid', '7CTINIT00000,7CTINIT00001', '--pid', '7CTINIT00002', '--pid', '7CTINIT00003'];
const init = (...args: string[]) => inside(['init', ...broker, '--timeout', '60s', ...args], environment(folder)).ended;

const apart = (...args: string[]) => inside(args, environment(folder)).ended;

test.each(['json', 'yaml', 'csv'])('from init to push finished, by a manifest in %s', async (format) => {
  const manifest = at(`fleet.${format}`);
  const made = await init(...DOCKS, ...FIRMWARE(), '--label', 'Site=north', '--write', manifest);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stderr).toContain('8 devices on 4 gateways');
  expect(made.stderr).toMatch(/4 . Dock 3 .*17\.07\.0401/);
  const text = await readFile(manifest, 'utf8');
  expect(text.indexOf('7CTINIT00000')).toBeLessThan(text.indexOf('1581INIT00000'));
  const dry = ['push', manifest, '--serve', '127.0.0.1:1', '--dry-run'];
  const [one, two] = [await apart(...dry), await apart(...dry)];
  expect([one.code, one.stdout]).toEqual([0, two.stdout]);
  const pushed = await inside(
    ['push', manifest, ...broker, '--serve', '127.0.0.1:0', '--select', 'site=north'],
    environment(folder),
  ).ended;
  expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
  expect(pushed.stdout).toContain('8 ok');
});

test('the plan of a manifest is the same from run to run, but for what is named as made anew', async () => {
  const manifest = at('plan.json');
  await init(...DOCKS, ...FIRMWARE(), '--write', manifest);
  // As in a pull request: neither packages nor a broker.
  await mkdir(at('elsewhere'));
  await copyFile(manifest, at('elsewhere/plan.json'));
  const check = ['push', at('elsewhere/plan.json'), '--serve', '127.0.0.1:1', '--dry-run', '--trust-manifest'];
  const planned = async () => {
    const { code, stdout: out } = await apart(...check, '--output', 'json');
    expect(code).toBe(0);
    return out
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const { time: _, run: __, ...event } = JSON.parse(line);
        const { tid, bid, timestamp, ...message } = event.message ?? {};
        if (event.event === 'job_planned')
          expect([typeof tid, typeof bid, typeof timestamp]).toEqual(['string', 'string', 'number']);
        return { ...event, message };
      });
  };
  const [first, second] = [await planned(), await planned()];
  expect(first.filter(({ event }) => event === 'job_planned')).toHaveLength(4);
  expect(second).toEqual(first);
});

test('on standard output, every gateway of the broker, a package that is missing named', async () => {
  const only = path.join(EXAMPLES, 'Dock3_17.07.04.01_pro.zip');
  const args = ['init', ...broker, '--all', '--timeout', '3s', '--firmware', only];
  const { code, stdout: out, stderr: err } = await apart(...args);
  expect(code).toBe(3);
  const { devices } = JSON.parse(out);
  expect(devices.map(({ sn }: { sn: string }) => sn)).toEqual(
    DOCKS.flatMap((word) => word.split(',')).filter((word) => word.startsWith('7')),
  );
  expect(devices[0]).toMatchObject({
    file: path.relative('.', only),
    product_version: '17.07.0401',
    known: { version: expect.any(String) },
  });
  expect(err).toContain('has no package: no package is for M4TD:\n    1581INIT00000 on 7CTINIT00000\n');
});

test('a gateway that is not heard is named, and the others are written', async () => {
  const ended = await init(
    '--pid',
    '7CTINIT00000,7CTSILENT1',
    ...FIRMWARE(),
    '--timeout',
    '3s',
    '--write',
    at('some.yml'),
  );
  expect(ended, ended.stderr).toMatchObject({ code: 5 });
  expect(ended.stderr).toContain('was not heard:\n    7CTSILENT1\n');
  expect(await readFile(at('some.yml'), 'utf8')).toContain('1581INIT00000');
  const none = await init('--pid', '7CTSILENT1', ...FIRMWARE(), '--timeout', '300ms', '--write', at('none.yml'));
  expect(none).toMatchObject({ code: 5 });
  await expect(readFile(at('none.yml'))).rejects.toThrow('ENOENT');
});

test('what is there is not overwritten without --force', async () => {
  await writeFile(at('mine.json'), 'mine');
  const args = [...DOCKS, ...FIRMWARE(), '--write', at('mine.json')];
  const refused = await init(...args);
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain('exists and was not changed');
  expect(await readFile(at('mine.json'), 'utf8')).toBe('mine');
  expect(await init(...args, '--force')).toMatchObject({ code: 0 });
  expect(await readFile(at('mine.json'), 'utf8')).toContain('7CTINIT00003');
  expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a package that is broken, and two of one release that differ, are given to nobody', async () => {
  await mkdir(at('bad'));
  const dock = await readFile(path.join(EXAMPLES, 'Dock3_17.07.04.01_pro.zip'));
  const drone = await readFile(path.join(EXAMPLES, 'M4TD_17.07.04.01_pro.zip'));
  await writeFile(at('bad/Dock3_a.zip'), dock);
  // Change a byte of a module.
  dock[200] = (dock[200] ?? 0) ^ 1;
  await writeFile(at('bad/Dock3_b.zip'), dock);
  await writeFile(at('bad/M4TD_a.zip'), drone);
  await writeFile(at('bad/M4TD_b.zip'), Buffer.concat([drone.subarray(0, -2), Buffer.from([1, 0]), Buffer.from('x')]));
  const ended = await init(...DOCKS, '--firmware', at('bad'), '--write', at('bad.json'));
  expect(ended, ended.stderr).toMatchObject({ code: 3 });
  expect(ended.stderr).toContain('has no package: Dock3_b.zip');
  expect(ended.stderr).toContain('different files of one release are for M4TD: M4TD_a.zip, M4TD_b.zip');
  expect(ended.stderr).toContain('Nothing was written');
});

test.each([
  [['--all', '--pid', 'A1'], '--pid and --all exclude each other'],
  [[], 'no gateway is given'],
  [['--all', '--write', 'fleet.xlsx'], 'ends in .xlsx, which is not a manifest format'],
  [['--all', '--write', '/nowhere/fleet.json'], 'there is no such folder'],
  [['--all', '--label', 'north'], 'has no "="'],
  [['--all', '--label', 'site='], 'its value is empty'],
  [['--all', '--label', 'a=1', '--label', 'A=2'], 'twice'],
  [['--all', '--label', 'dock=1', '--write', 'fleet.csv'], 'is not a label'],
  [['--pid', 'A/1'], 'cannot be part of a serial number'],
])('%j is a usage error', async (args, message) => {
  const ended = await init(...args, ...FIRMWARE());
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.stderr).toContain(message);
});

test('a folder without a package is exit code 3, before anything is connected to', async () => {
  await mkdir(at('empty'));
  const ended = await inside(
    ['init', '--all', '--broker', 'mqtt://127.0.0.1:1', '--firmware', at('empty')],
    environment(folder),
  ).ended;
  expect(ended).toMatchObject({ code: 3 });
  expect(ended.stderr).toContain('no .zip file in');
});
