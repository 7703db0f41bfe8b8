import { chmod, chown, lchown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loosenessAbove, loosenessOf, shellWord } from '../../../src/settings/file-trust.js';
import { warnOfLooseFolders } from '../../../src/settings/loose-folders.js';
import { readSettings } from '../../../src/settings/profiles/read-settings.js';

const isRoot = process.getuid?.() === 0;
const STRANGER = 54_321;
const me = process.geteuid?.();

describe.skipIf(process.platform === 'win32')('files and folders that are kept', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'trust-'));
    file = path.join(folder, 'config.json');
    await writeFile(file, '{"current":"a","profiles":{"a":{}}}');
    await chmod(file, 0o644);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are accepted if only this user can change them, even if others can read them', async () => {
    for (const mode of [0o600, 0o644, 0o400, 0o755]) {
      await chmod(file, mode);
      expect(loosenessOf(file)).toBeNull();
    }
  });

  it.each([
    [0o664, 'its group can write to it, mode 0664'],
    [0o602, 'everybody can write to it, mode 0602'],
    [0o666, 'everybody can write to it, mode 0666'],
  ])('are not with mode %o; the settings are then not used', async (mode, who) => {
    await chmod(file, mode);
    const mend = `chmod go-w ${file}`;
    expect(loosenessOf(file)).toEqual({ path: file, who, mend });
    await expect(readSettings(file)).rejects.toMatchObject({
      code: 'settings_invalid',
      exitCode: 2,
      message: `the settings file ${file} is not used: ${who}`,
      hint: `Check its content; then run: ${mend}`,
    });
  });

  it.skipIf(!isRoot)('are not accepted if another user owns them; the suggested command fixes it', async () => {
    await chown(file, STRANGER, STRANGER);
    const loose = loosenessOf(file);
    expect(loose).toMatchObject({ who: `uid ${STRANGER} owns it`, mend: `chown ${me} ${file}` });
    await chmod(file, 0o666);
    expect(loosenessOf(file)?.mend).toBe(`chown ${me} ${file} && chmod go-w ${file}`);
    await expect(readSettings(file)).rejects.toThrow(`is not used: uid ${STRANGER} owns it`);
  });

  it.skipIf(!isRoot)('are fine where the user who became root by sudo owns them', async () => {
    await chown(file, STRANGER, STRANGER);
    process.env.SUDO_UID = String(STRANGER);
    try {
      expect(loosenessOf(file)).toBeNull();
    } finally {
      delete process.env.SUDO_UID;
    }
  });

  it.skipIf(!isRoot)('are not behind a symbolic link of somebody else', async () => {
    const link = path.join(folder, 'link.json');
    await symlink(file, link);
    expect(loosenessOf(link)).toBeNull();
    await lchown(link, STRANGER, STRANGER);
    expect(loosenessOf(link)).toMatchObject({ who: `uid ${STRANGER} owns the link`, mend: `chown -h ${me} ${link}` });
    await expect(readSettings(link)).rejects.toThrow('owns the link');
    expect(loosenessAbove(path.join(link, 'x'))).toContainEqual(expect.objectContaining({ path: link }));
  });

  it('are in danger where others can write to a folder above, but not in one like /tmp', async () => {
    expect(loosenessAbove(file)).toEqual([]);
    await chmod(folder, 0o1777);
    expect(loosenessAbove(file)).toEqual([]);
    await chmod(folder, 0o775);
    expect(loosenessAbove(file)).toMatchObject([{ path: folder, who: 'its group can write to it, mode 0775' }]);
    expect(loosenessAbove(path.join(file, 'below', 'a file'))).toMatchObject([{ path: folder }]);
    const far = path.join(folder, 'not', 'there', 'yet');
    expect(loosenessAbove(far)).toMatchObject([{ path: folder }]);
    const link = path.join(os.tmpdir(), `trust-link-${process.pid}`);
    await symlink(folder, link);
    expect(loosenessAbove(path.join(link, 'config.json'))).toMatchObject([{ path: link }, { path: folder }]);
    await rm(link);
  });

  it('bring one warning for all of them, with the commands, and the run goes on', async () => {
    const runs = path.join(folder, 'state', 'runs');
    await mkdir(runs, { recursive: true });
    await mkdir(path.join(folder, 'cache'));
    await writeFile(path.join(folder, 'cache', 'digests.json'), '{}');
    const env = { DJI_OTA_HOME: folder };
    const warnings: string[][] = [];
    const warn = (code: string, message: string) => void warnings.push([code, message]);
    warnOfLooseFolders({ ...env }, warn);
    expect(warnings).toEqual([]);
    for (const each of ['.', 'state/runs', 'cache', 'cache/digests.json']) await chmod(path.join(folder, each), 0o777);
    warnOfLooseFolders(env, warn);
    warnOfLooseFolders(env, warn);
    expect(warnings).toHaveLength(1);
    const [code, message] = warnings[0] ?? [];
    expect(code).toBe('folder_permissions');
    expect(message).toMatch(/^others on this machine can change settings, run journals or caches: /);
    expect(message).toContain(`${folder} (everybody can write to it, mode 0777)`);
    expect(message).toContain('and 1 more');
    expect(message).toContain(`run: chmod go-w ${folder} && chmod go-w ${runs}`);
  });

  it('are not waited for where there is a pipe', async () => {
    const pipe = path.join(folder, 'pipe.json');
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    await expect(readSettings(pipe)).rejects.toThrow('cannot be read: is no file');
  });
});

it('writes a path as one word of a shell', () => {
  expect(shellWord('/home/u/config.json')).toBe('/home/u/config.json');
  expect(shellWord("/a b/$(x)/'q'")).toBe("'/a b/$(x)/'\\''q'\\'''");
});
