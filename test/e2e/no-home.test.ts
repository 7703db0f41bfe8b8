/** Users without a home folder, and removed folders, as in containers and cleaned-up CI jobs. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BIN, type Workplace, workplace } from '../helpers/cli.js';
import { FAST } from '../helpers/cli-docks.js';

const STRANGER = 54_321;
/** Only root can start a program as a user without a passwd entry, and that user must be able to read the program. */
const canBeStranger =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, [BIN, '--version'], { uid: STRANGER, gid: STRANGER }).status === 0;

let place: Workplace;
let manifest: string;
let quick: string;
beforeAll(async () => {
  place = await workplace();
  await chmod(place.folder, 0o755);
  quick = await place.put('quick.json', { defaults: FAST });
  manifest = await place.put('m.json', [{ sn: 'SIM0000001', product_version: '1.0.0', pid: 'SIM0000001', type: 4 }]);
});
afterAll(() => place.close());

describe('a user without a passwd entry, without HOME', { concurrent: true }, () => {
  const nobody = (home?: string) => ({ HOME: undefined, DJI_OTA_HOME: home });
  const run = (args: string[], home?: string) => place.run(args, { env: nobody(home) });
  beforeAll(async () => {
    // conf asks for the home folder when it is loaded; the built program delays that.
    await import('conf');
    // The system's error for such a user.
    const unknown = () => {
      throw Object.assign(new Error('no such user'), { code: 'ENOENT' });
    };
    vi.spyOn(os, 'homedir').mockImplementation(unknown);
    vi.spyOn(os, 'userInfo').mockImplementation(unknown);
  });
  afterAll(() => vi.restoreAllMocks());

  it.skipIf(!canBeStranger)('is one for the built program, and can push', async () => {
    const as = (home?: string) => ({ uid: STRANGER, env: nobody(home) });
    const push = ['push', manifest, '--simulate', quick, '--output', 'quiet'];
    expect((await place.spawn(push, as()).ended).stderr).toMatch(/^error: this user has no home folder/);
    const home = join(place.folder, 'theirs');
    await mkdir(home);
    await chown(home, STRANGER, STRANGER);
    expect(await place.spawn(push, as(home)).ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('keeps everything under DJI_OTA_HOME', async () => {
    const home = join(place.folder, 'own');
    await mkdir(home);
    expect(await run(['runs'], home)).toMatchObject({ code: 0, stderr: 'There are no runs yet.\n' });
    expect(await run(['config', 'set', 'broker=mqtt://127.0.0.1:1'], home)).toMatchObject({ code: 0 });
    expect(await run(['config', 'get', 'broker'], home)).toMatchObject({ code: 0, stdout: 'mqtt://127.0.0.1:1\n' });
    expect(await run(['push', manifest, '--simulate', quick, '--output', 'quiet'], home)).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await run(['runs', '--output', 'json'], home)).stdout).toContain('"state":"finished"');
    expect(await run(['devices', '--pid', 'SIM1', '--connect-timeout', '1s'], home)).toMatchObject({ code: 4 });
  });

  it.each([[['runs']], [['config', 'list']], [['push', '--simulate']], [['devices', '--pid', 'SIM1']]])(
    'is told what to set where nothing is set: %j',
    async (args) => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^error: this user has no home folder.*\nhint: Set DJI_OTA_HOME /m);
    },
  );

  it('needs no home where nothing is kept', async () => {
    expect(await run(['push', manifest, '--dry-run'])).toMatchObject({ code: 0 });
    expect(await run(['schema', 'events'])).toMatchObject({ code: 0, stderr: '' });
    expect(await run(['complete', '--', 'config', 'use', ''])).toMatchObject({ code: 0, stderr: '' });
  });
});

describe.skipIf(process.platform === 'win32')('a current folder that was removed', () => {
  const run = (args: string[]) => {
    const script = 'mkdir "$0/gone" && cd "$0/gone" && rmdir "$0/gone" && exec "$@"';
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script, place.folder, process.execPath, BIN, ...args], {
      env: { PATH: process.env.PATH, HOME: place.folder },
      encoding: 'utf8',
    });
    return { code: status, stdout, stderr };
  };

  it('matters to nothing that names no file in it', () => {
    expect(run(['push', manifest, '--simulate', quick, '--output', 'quiet'])).toMatchObject({ code: 0, stderr: '' });
    expect(run(['config', 'set', 'broker=mqtt://127.0.0.1'])).toMatchObject({ code: 0 });
  });

  it('is named where a path counts from it', () => {
    for (const args of [
      ['push', 'm.json', '--simulate'],
      ['config', 'set', 'ca=ca.pem'],
      ['push', manifest, '--simulate', '--report', 'r.json'],
    ]) {
      const { code, stderr } = run(args);
      expect(stderr).toMatch(/^error: the current folder was removed\nhint: Change to a folder that exists/);
      expect(code).toBe(2);
    }
  });
});
