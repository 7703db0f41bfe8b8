/** A version is sent as the package spells it, whatever the manifest's spelling (PROTOCOL "ota_create"). */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { djiPackage } from '../helpers/firmware-package.js';
import { inside } from '../helpers/inside.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dji-ota-spelling-'));
  await writeFile(join(folder, 'M4T_UAV_17.02.05.01_pro.zip'), djiPackage());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function planned(version: string, ...more: string[]) {
  const manifest = join(folder, 'fleet.json');
  const file = 'M4T_UAV_17.02.05.01_pro.zip';
  await writeFile(manifest, JSON.stringify([{ sn: 'A1', pid: 'D1', product_version: version, file }]));
  const words = ['push', manifest, '--serve', '127.0.0.1:8099', '--dry-run', '--output', 'json', ...more];
  const { code, stdout } = await inside(words, { DJI_OTA_HOME: folder }).ended;
  const lines = stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  const plan = lines.find(({ event }) => event === 'job_planned');
  return { code, version: plan?.message.data.devices[0].product_version, warnings: lines.map(({ code: of }) => of) };
}

it.each(['17.02.05.01', '17.02.0501', 'v17.02.05.01'])('%s goes out as 17.02.0501', async (version) => {
  expect(await planned(version)).toMatchObject({ code: 0, version: '17.02.0501' });
});

it('another release than that of the package goes out as it is written, where that is allowed', async () => {
  const { code, version } = await planned('17.02.05.02', '--allow', 'version-mismatch');
  expect([code, version]).toEqual([0, '17.02.05.02']);
});
