import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePrivateFolder, expandHome, settingsFile, stateFolders } from '../../../src/settings/state-folders.js';

describe('stateFolders', () => {
  it('keeps everything under DJI_OTA_HOME where it is set', () => {
    const folders = stateFolders(
      { DJI_OTA_HOME: '/data/ota', XDG_CONFIG_HOME: '/elsewhere' },
      'linux',
      () => '/home/u',
    );
    expect(folders).toEqual({ config: '/data/ota', state: '/data/ota/state', cache: '/data/ota/cache' });
  });

  it('makes a relative DJI_OTA_HOME absolute, and takes an empty one as not set', () => {
    expect(stateFolders({ DJI_OTA_HOME: 'here' }).config).toBe(path.resolve('here'));
    expect(stateFolders({ DJI_OTA_HOME: '' }, 'linux', () => '/home/u').config).toBe('/home/u/.config/dji-ota');
  });

  it('follows the XDG base directories on Linux', () => {
    expect(stateFolders({}, 'linux', () => '/home/u')).toEqual({
      config: '/home/u/.config/dji-ota',
      state: '/home/u/.local/state/dji-ota',
      cache: '/home/u/.cache/dji-ota',
    });
    const env = { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/x' };
    expect(stateFolders(env, 'linux', () => '/home/u')).toEqual({
      config: '/c/dji-ota',
      state: '/s/dji-ota',
      cache: '/x/dji-ota',
    });
  });

  it('ignores a relative XDG path, as the specification demands', () => {
    expect(stateFolders({ XDG_CACHE_HOME: 'relative' }, 'linux', () => '/home/u').cache).toBe('/home/u/.cache/dji-ota');
  });

  it('uses the Library on macOS', () => {
    expect(stateFolders({}, 'darwin', () => '/Users/u')).toEqual({
      config: '/Users/u/Library/Application Support/dji-ota',
      state: '/Users/u/Library/Application Support/dji-ota/state',
      cache: '/Users/u/Library/Caches/dji-ota',
    });
  });

  it('uses APPDATA and LOCALAPPDATA on Windows', () => {
    const env = { APPDATA: 'C:\\R', LOCALAPPDATA: 'C:\\L' };
    expect(stateFolders(env, 'win32', () => 'C:\\Users\\u')).toEqual({
      config: 'C:\\R\\dji-ota',
      state: 'C:\\L\\dji-ota\\state',
      cache: 'C:\\L\\dji-ota\\cache',
    });
    expect(stateFolders({}, 'win32', () => 'C:\\Users\\u').cache).toBe('C:\\Users\\u\\AppData\\Local\\dji-ota\\cache');
  });

  it('names the settings file', () => {
    expect(settingsFile({ DJI_OTA_HOME: '/data/ota' })).toBe(path.resolve('/data/ota/config.json'));
  });
});

describe('ensurePrivateFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'settings-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.skipIf(process.platform === 'win32')('creates every level for the user alone', async () => {
    await ensurePrivateFolder(path.join(folder, 'a', 'b'));
    expect((await stat(path.join(folder, 'a'))).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(folder, 'a', 'b'))).mode & 0o777).toBe(0o700);
    await ensurePrivateFolder(path.join(folder, 'a', 'b'));
  });

  it('says what is in the way', async () => {
    await writeFile(path.join(folder, 'file'), '');
    await expect(ensurePrivateFolder(path.join(folder, 'file', 'sub'), 'journal_unwritable')).rejects.toMatchObject({
      code: 'journal_unwritable',
      message: expect.stringMatching(/cannot create the folder .*: part of the path is not a folder$/),
    });
  });
});

it('expands the home folder alone', () => {
  expect(expandHome('~/pem/ca.pem')).toBe(path.join(os.homedir(), 'pem/ca.pem'));
  expect(expandHome('~other/ca.pem')).toBe('~other/ca.pem');
  expect(expandHome('a/~/b')).toBe('a/~/b');
});
