/** Where settings, run journals and caches are kept. Imports nothing heavy: every command asks this. */
import os from 'node:os';
import path from 'node:path';
import { type Disk, systemDisk } from '../disk.js';
import { type ErrorCode, OtaError, systemReason } from '../errors.js';
import { safeText } from '../text.js';

/** Absolute paths; none of them need exist. */
interface StateFolders {
  /** Settings: `config.json`. */
  config: string;
  /** What must not be lost: run journals. */
  state: string;
  /** What can be made again: digests. */
  cache: string;
}

const NAME = 'dji-ota';

/**
 * The folders of `env`: all under `DJI_OTA_HOME` where it is set, else the platform's usual places (XDG base
 * directories on Linux, `~/Library` on macOS, `APPDATA` and `LOCALAPPDATA` on Windows). Creates nothing.
 * @throws OtaError `settings_invalid` from the folder that is asked for, where it would be in a home that nobody knows.
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
  // The XDG base directory specification: a relative path is invalid and has to be ignored.
  const xdg = (value: string | undefined, ...rest: string[]) =>
    join(value?.startsWith('/') ? value : join(home(), ...rest), NAME);
  return whenAsked({
    config: () => xdg(env.XDG_CONFIG_HOME, '.config'),
    state: () => xdg(env.XDG_STATE_HOME, '.local', 'state'),
    cache: () => xdg(env.XDG_CACHE_HOME, '.cache'),
  });
}

// A container's user may have no home; whoever needs only one of the folders must not fail for another.
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

/** @throws OtaError `settings_invalid` where neither `HOME` nor the system's list of users has one. */
function homeFolder(): string {
  for (const ask of [os.homedir, () => os.userInfo().homedir]) {
    try {
      const home = ask();
      if (path.isAbsolute(home)) return home;
    } catch {
      // Without HOME both ask the system, which does not know every user: uv_os_homedir throws.
    }
  }
  throw new OtaError('settings_invalid', 'this user has no home folder for settings and run journals', {
    hint: 'Set DJI_OTA_HOME (or HOME) to the absolute path of a folder that you can write to.',
  });
}

/** Where digests of firmware are kept; null where no folder for them is known: a cache can be done without. */
export function digestCacheFile(env: NodeJS.ProcessEnv): string | null {
  try {
    return path.join(stateFolders(env).cache, 'digests.json');
  } catch {
    return null;
  }
}

/** Whether there can be profiles: a user whom the system does not know has nowhere to keep them. */
export function hasSettings(env: NodeJS.ProcessEnv): boolean {
  try {
    return settingsFile(env) !== '';
  } catch {
    return false;
  }
}

/** The file that holds the profiles. */
export function settingsFile(env: NodeJS.ProcessEnv): string {
  return path.join(stateFolders(env).config, 'config.json');
}

/**
 * Creates `folder`, and what is missing above it, for the user alone (0700). One that exists keeps its mode: it may be
 * a place that the user shares on purpose.
 * @throws OtaError with `code` where it cannot be created.
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
 * `~` and `~/...` (on Windows also `~\\...`) as the user's home folder, for paths that no shell has seen.
 * @throws OtaError `settings_invalid` where there is none.
 */
export function expandHome(file: string, platform = process.platform, home: () => string = homeFolder): string {
  const { join } = platform === 'win32' ? path.win32 : path.posix;
  const isHome = file === '~' || file.startsWith('~/') || (platform === 'win32' && file.startsWith('~\\'));
  return isHome ? join(home(), file.slice(1)) : file;
}
