/** What the program does if other users can change its files. */
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Workplace, workplace } from '../helpers/cli.js';
import { jsonLines } from '../helpers/cli-events.js';

const hasCompileCache = Number.parseInt(process.versions.node, 10) >= 22;

describe.skipIf(process.platform === 'win32')('what is kept', { concurrent: true }, () => {
  let place: Workplace;
  beforeAll(async () => {
    place = await workplace();
  });
  afterAll(() => place.close());

  it('a settings file that others can change: not used, whatever needs it; the hint mends it', async () => {
    const env = { DJI_OTA_HOME: join(place.folder, 'settings') };
    const run = (...args: string[]) => place.run(args, { env });
    expect(await run('config', 'set', 'broker=mqtt://127.0.0.1:1')).toMatchObject({ code: 0 });
    const file = join(env.DJI_OTA_HOME, 'config.json');
    await chmod(file, 0o666);
    const refused = `error: the settings file ${file} is not used: everybody can write to it, mode 0666\n`;
    for (const args of [
      ['config', 'list'],
      ['config', 'set', 'username=u'],
      ['devices', '--pid', 'X'],
    ]) {
      const { code, stderr } = await run(...args);
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(refused) });
      expect(stderr).toContain(`then run: chmod go-w ${file}\n`);
    }
    const without = await run(
      'devices',
      '--pid',
      'X',
      '--profile',
      'none',
      '--broker',
      'mqtt://127.0.0.1:1',
      '--connect-timeout',
      '300ms',
    );
    expect(without.code).toBe(4);
    await chmod(file, 0o644);
    expect(await run('config', 'list')).toMatchObject({ code: 0, stderr: '' });
  });

  it('a folder that others can change: one warning, and the run goes on', async () => {
    const home = join(place.folder, 'open');
    await mkdir(join(home, 'state', 'runs'), { recursive: true });
    for (const folder of [home, join(home, 'state', 'runs')]) await chmod(folder, 0o2775);
    const manifest = await place.put('m.json', [{ sn: 'A1', product_version: '1.0.0', pid: 'A1', type: 4 }]);
    const push = ['push', manifest, '--simulate', 'refused', '--output', 'json'];
    const result = await place.run(push, { env: { DJI_OTA_HOME: home } });
    expect(result.code).toBe(1);
    const warnings = jsonLines(result).of('warning');
    expect(warnings).toMatchObject([{ code: 'folder_permissions' }]);
    expect(warnings[0]?.message).toContain(`${home} (its group can write to it, mode 2775)`);
    const runs = await place.run(['runs'], { env: { DJI_OTA_HOME: home } });
    expect(runs.stderr.match(/^warning: /gm)).toHaveLength(1);
    expect(runs.stdout).toContain('rejected');
  });

  it('the compiled program is in a folder of its own or nowhere, never in the shared temporary one', async () => {
    const own = join(place.folder, 'own');
    const open = join(place.folder, 'all');
    const temporary = join(place.folder, 'tmp');
    for (const folder of [own, open, temporary]) await mkdir(folder);
    await chmod(open, 0o777);
    for (const home of [own, open]) {
      const env = { HOME: home, DJI_OTA_HOME: undefined, TMPDIR: temporary };
      expect(await place.spawn(['--version'], { env }).ended).toMatchObject({ code: 0, stderr: '' });
    }
    const compiled = await readdir(join(own, '.cache/dji-ota/compiled')).catch(() => []);
    expect(compiled.length > 0).toBe(hasCompileCache);
    expect(await readdir(open)).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
  });
});
