/** A dry run judges firmware by the profile, like the push itself, but without the broker's password. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { environment } from '../../helpers/cli.js';
import { djiPackage } from '../../helpers/firmware-package.js';
import { inside } from '../../helpers/inside.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-dry-run-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) => inside(args, environment(folder)).ended;

async function manifestFor(package_: Buffer): Promise<string> {
  await writeFile(path.join(folder, 'release.zip'), package_);
  const file = path.join(folder, 'fleet.json');
  const device = {
    sn: '7CTDOCK00000001',
    pid: '7CTDOCK00000001',
    product_version: '17.02.0501',
    file: 'release.zip',
  };
  await writeFile(file, JSON.stringify([device]));
  return file;
}

it('models of the profile say what a package is for, also where they differ from what is public', async () => {
  const manifest = await manifestFor(djiPackage());
  const dry = ['push', manifest, '--dry-run', '--serve', '127.0.0.1:0'];
  const refused = await run(...dry);
  expect(refused, refused.stderr).toMatchObject({ code: 3 });
  expect(refused.stderr).toContain('is for M4T by its product code wa345t');
  // The password is not read: its file does not exist.
  const set = await run('config', 'set', 'models={"wa345t": "3-3-0"}', 'username=u', 'password-file=/nowhere');
  expect(set, set.stderr).toMatchObject({ code: 0 });
  const known = await run(...dry);
  expect(known, known.stderr).toMatchObject({ code: 0 });
  expect(await run(...dry, '--profile', 'none')).toMatchObject({ code: 3 });
  expect(await run(...dry, '--profile', 'nosuch')).toMatchObject({ code: 2 });
});
