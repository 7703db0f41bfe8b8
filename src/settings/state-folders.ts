/** The folders for settings, run journals and caches. No large imports, because every command uses this file. */
import os from 'node:os';
import path from 'node:path';
import { type Disk, systemDisk } from '../disk.js';
import { type ErrorCode, OtaError, systemReason } from '../errors.js';
import { safeText } from '../text.js';

/** Absolute paths. The folders need not exist. */
interface StateFolders {
  /** Settings: `config.json`. */
  config: string;
  /** Data that must not be lost: run journals. */
  state: string;
  /** Data that can be recreated: digests. */
  cache: string;
}

const NAME = 'dji-ota';

/**
 * The folders for `env`: all under `DJI_OTA_HOME` if it is set, otherwise in the platform's usual places (XDG base directories
 * on Linux, `~/Library` on macOS, `APPDATA` and `LOCALAPPDATA` on Windows). Creates nothing.
 * @throws OtaError `settings_invalid` when a folder is accessed whose home folder is not known
 */
export function stateFolders(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  home: () => string = homeFolder,
): StateFolders {
  const { join } = platform === 'win32' ? path.win32 : path.posix;
  if (env.DJI_OTA_HOME) {
    const own = path.resolve(expandHome(env.DJI_OTA_HOME));
    return { config: own, state: path.join(own, 'state'), cache: path.join(own, 'cache') };
  }
  if (platform === 'win32') {
    const local = () => join(env.LOCALAPPDATA || join(home(), 'AppData', 'Local'), NAME);
    return whenAsked({
      config: () => join(env.APPDATA || join(home(), 'AppData', 'Roaming'), NAME),
      state: () => join(local(), 'state'),
      cache: () => join(local(), 'cache'),
    });
  }
  if (platform === 'darwin') {
    const support = () => join(home(), 'Library', 'Application Support', NAME);
    return whenAsked({
      config: support,
      state: () => join(support(), 'state'),
      cache: () => join(home(), 'Library', 'Caches', NAME),
    });
  }
  // XDG base directory specification: relative paths are invalid and must be ignored.
  const xdg = (value: string | undefined, ...rest: string[]) =>
    join(value?.startsWith('/') ? value : join(home(), ...rest), NAME);
  return whenAsked({
    config: () => xdg(env.XDG_CONFIG_HOME, '.config'),
    state: () => xdg(env.XDG_STATE_HOME, '.local', 'state'),
    cache: () => xdg(env.XDG_CACHE_HOME, '.cache'),
  });
}

// A container's user may have no home folder. Resolve each folder when it is accessed, so that only the needed one can fail.
function whenAsked(folders: Record<keyof StateFolders, () => string>): StateFolders {
  return {
    get config() {
      return folders.config();
    },
    get state() {
      return folders.state();
    },
    get cache() {
      return folders.cache();
    },
  };
}

/** @throws OtaError `settings_invalid` if neither `HOME` nor the passwd entry has a home folder */
function homeFolder(): string {
  for (const ask of [os.homedir, () => os.userInfo().homedir]) {
    try {
      const home = ask();
      if (path.isAbsolute(home)) return home;
    } catch {
      // Without HOME both functions ask the system, which may not know the user: uv_os_homedir throws.
    }
  }
  throw new OtaError('settings_invalid', 'this user has no home folder for settings and run journals', {
    hint: 'Set DJI_OTA_HOME (or HOME) to the absolute path of a folder that you can write to.',
  });
}

/** The file for digests of firmware; null = its folder is not known. The program works without the cache. */
export function digestCacheFile(env: NodeJS.ProcessEnv): string | null {
  try {
    return path.join(stateFolders(env).cache, 'digests.json');
  } catch {
    return null;
  }
}

/** Whether there can be profiles. A user without a passwd entry has no folder for them. */
export function hasSettings(env: NodeJS.ProcessEnv): boolean {
  try {
    return settingsFile(env) !== '';
  } catch {
    return false;
  }
}

/** The file with the profiles. */
export function settingsFile(env: NodeJS.ProcessEnv): string {
  return path.join(stateFolders(env).config, 'config.json');
}

/**
 * Creates `folder` and its parents for the user only (0700). An existing folder keeps its mode, because it may be shared on
 * purpose.
 * @throws OtaError with `code` if it cannot be created
 */
export async function ensurePrivateFolder(
  folder: string,
  code: ErrorCode = 'settings_invalid',
  disk: Pick<Disk, 'makeFolders'> = systemDisk,
): Promise<void> {
  try {
    await disk.makeFolders(folder, 0o700);
  } catch (error) {
    throw new OtaError(code, `cannot create the folder ${safeText(folder)}: ${systemReason(error)}`, {
      hint: 'Set DJI_OTA_HOME to a folder that you can write to.',
      cause: error,
    });
  }
}

/**
 * Expands `~` and `~/...` (on Windows also `~\...`) to the user's home folder, for paths that no shell has expanded.
 * @throws OtaError `settings_invalid` if there is none
 */
export function expandHome(file: string, platform = process.platform, home: () => string = homeFolder): string {
  const { join } = platform === 'win32' ? path.win32 : path.posix;
  const isHome = file === '~' || file.startsWith('~/') || (platform === 'win32' && file.startsWith('~\\'));
  return isHome ? join(home(), file.slice(1)) : file;
}
