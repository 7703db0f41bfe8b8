/** A dry run shows what the manifest and the inventory know about the devices, because it asks no dock. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inside } from '../helpers/inside.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dji-ota-known-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const HOUR = 3_600_000;
const known = (version: string, hours: number) => ({
  known: { version, model: '3-3-0', heard_at: new Date(Date.now() - hours * HOUR).toISOString() },
});
const TARGET = '17.07.0401';
const device = (sn: string, more: object = {}) => ({ sn, pid: 'D1', product_version: TARGET, ...more });

async function dry(devices: object[], ...more: string[]) {
  const manifest = join(folder, 'fleet.json');
  await writeFile(manifest, JSON.stringify(devices));
  return inside(['push', manifest, '--dry-run', ...more], { DJI_OTA_HOME: folder }).ended;
}

it('says that no dock was asked', async () => {
  const { code, stdout } = await dry([device('D1')]);
  expect(code).toBe(0);
  expect(stdout).toContain('docks not asked');
  expect(stdout).not.toContain('LAST HEARD');
});

it('shows what was last heard of a device with its age', async () => {
  const { stdout } = await dry([device('D1', known('17.05.0102', 72)), device('A1')]);
  expect(stdout).toMatch(/D1 .*17\.07\.0401 +17\.05\.0102, .* ago \(manifest\)/);
  expect(stdout).toMatch(/ 1 × Dock 3 +17\.05\.0102 → 17\.07\.0401 +\(heard 3d ago\)/);
  expect(stdout).toContain(' 1 × model not known, no file  version not known → 17.07.0401');
  const json = await dry([device('D1', known('17.05.0102', 72)), device('A1')], '--output', 'json');
  const last = JSON.parse(json.stdout.trim().split('\n').at(-1) ?? '');
  expect(last.devices).toMatchObject([
    { version_before: '17.05.0102', heard_at: expect.any(String), version_after: null },
    { version_before: null, heard_at: null },
  ]);
});

it('refuses a downgrade that the manifest tells of, as the push would', async () => {
  const { code, stdout, stderr } = await dry([device('D1', known('18.00.0003', 29 * 24))]);
  expect(code).toBe(7);
  expect(`${stdout}${stderr}`).toMatch(/D1 on gateway D1 runs 18\.00\.0003, by the manifest .*--allow downgrade/);
  const allowed = await dry([device('D1', known('18.00.0003', 29 * 24))], '--allow', 'downgrade');
  expect(allowed.code).toBe(0);
  expect(allowed.stderr).toContain('runs 18.00.0003');
  expect((await dry([device('D1', known('18.00.0003', 31 * 24))])).code).toBe(0);
});

it('leaves out what --skip-current would by the manifest, and names what is not known', async () => {
  const devices = [device('D1', known('17.07.04.01', 2)), device('A1')];
  const { code, stdout, stderr } = await dry(devices, '--skip-current');
  expect(code).toBe(0);
  expect(stdout).toMatch(/left out: D1: already at version 17\.07\.0401, as reported .* ago \(manifest\)/);
  expect(stdout).toContain('1 device on 1 gateway in 1 job');
  expect(stderr).toMatch(/is not known.*A1/);
  expect(stderr).toMatch(/only one of dock and aircraft is upgraded on 1 gateway: D1/);
  const json = await dry(devices, '--skip-current', '--output', 'json');
  const lines = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const planned = lines.filter(({ event }) => event === 'job_planned');
  expect(planned.map(({ message }) => message.data.devices.map(({ sn }: { sn: string }) => sn))).toEqual([['A1']]);
  expect(lines.at(-1)).toMatchObject({ totals: { skipped: 1, not_started: 1 } });
});

it('warns where one of a pair is chosen', async () => {
  const { stderr } = await dry([device('D1'), device('A1')], '--only', 'A1');
  expect(stderr).toMatch(/only one of dock and aircraft is chosen on 1 gateway: D1/);
});
