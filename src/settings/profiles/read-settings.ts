/**
 * The settings file: read here, written by write-settings.ts. Reading never changes or creates anything, and loads no
 * zod for a file that is as it should be: every command that connects reads it.
 */
import type { Stats } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { BrokerUrl } from '../../broker-url.js';
import { OtaError, systemReason } from '../../errors.js';
import { meantHint } from '../../nearest.js';
import { quoted, safeText } from '../../text.js';
import { checkPrivate, type Warn } from '../connection/credential-files.js';
import { loosenessOf, shellWord } from '../file-trust.js';
import { expandHome } from '../state-folders.js';
import { validSettings } from './check-without-zod.js';
import { invalidSettings, type NamedProfile, NO_PROFILE, PATH_KEYS, type Profile, type Settings } from './profile.js';

/** More than a thousand profiles; what is larger is not our file. */
const MAX_BYTES = 1 << 20;

/**
 * The settings in `file`; empty ones where there is no such file.
 * @throws OtaError `settings_invalid`, naming the file and each bad key, or why it is not used: whoever can change it chooses
 * where passwords go, and which command prints them. The file is left as it is.
 */
export async function readSettings(file: string): Promise<Settings> {
  const source = await readTrusted(file);
  if (source === null) return { current: null, profiles: {} };
  const valid = validSettings(source);
  if (valid) return valid;
  const { parseSettings } = await import('./settings-schema.js');
  return parseSettings(source, file);
}

async function readTrusted(file: string): Promise<string | null> {
  let opened: FileHandle | undefined;
  try {
    // Opening a pipe would wait for its writer.
    opened = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = await opened.stat();
    checkTrust(file, status);
    if (!status.isFile()) throw new Error(status.isDirectory() ? 'is a folder, not a file' : 'is no file');
    if (status.size > MAX_BYTES) throw new Error('larger than 1 MiB');
    return await opened.readFile('utf8');
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (error instanceof OtaError) throw error;
    if (code === 'ENOENT') return null;
    const closed = code === 'EACCES' && process.geteuid !== undefined;
    if (closed)
      await stat(file).then(
        (status) => checkTrust(file, status),
        () => {},
      );
    throw invalidSettings(file, `cannot be read: ${systemReason(error)}`, {
      cause: error,
      // What sudo has written belongs to root.
      hint: closed
        ? `Change its owner: sudo chown ${process.geteuid?.()} ${shellWord(file)}`
        : 'Make it readable, or set DJI_OTA_HOME to another folder.',
    });
  } finally {
    await opened?.close();
  }
}

function checkTrust(file: string, status: Stats): void {
  const loose = loosenessOf(file, status);
  if (loose === null) return;
  throw invalidSettings(file, `is not used: ${loose.who}`, {
    hint: `Check its content; then run: ${loose.mend}`,
  });
}

/**
 * The profile `name` of `file`, or its current one for null; null where there is no current one. Relative paths in it
 * count from the file's folder.
 * @throws OtaError `usage` for an unknown name, `settings_invalid` for a broken file.
 */
export async function readProfile(file: string, name: string | null, warn: Warn): Promise<NamedProfile | null> {
  const settings = await readSettings(file);
  const wanted = name ?? settings.current;
  if (wanted === null) return null;
  // Of an earlier version: it goes on to be used, but can be asked for no more.
  if (wanted === NO_PROFILE) {
    warn(
      'profile_name',
      `the current profile is called "${NO_PROFILE}", which now means no profile: rename it in ${safeText(file)}`,
    );
  }
  const kept = profileOf(settings, wanted, file);
  const values = { ...kept };
  for (const key of PATH_KEYS) {
    const value = values[key];
    if (value !== undefined) values[key] = path.resolve(path.dirname(file), expandHome(value));
  }
  const hasToken = values.broker !== undefined && BrokerUrl.parse(values.broker)?.hasSecret === true;
  if ((values.password !== undefined || hasToken) && process.platform !== 'win32') {
    const what = values.password === undefined ? 'a broker URL that may contain a secret' : 'a password';
    checkPrivate(file, (await stat(file)).mode & 0o777, `settings file, which holds ${what},`, warn);
  }
  return { name: wanted, values, folder: path.dirname(file) };
}

/** The profile `name` as it is kept. @throws OtaError `usage` where there is none, with the nearest name. */
export function profileOf(settings: Settings, name: string, file: string): Profile {
  const found = Object.hasOwn(settings.profiles, name) ? settings.profiles[name] : undefined;
  if (found) return found;
  const names = Object.keys(settings.profiles);
  const otherwise =
    names.length > 0
      ? `There are: ${names.slice(0, 20).join(', ')}.`
      : `Create it with: dji-ota config set --profile ${safeText(name, 64)} broker=mqtt://HOST`;
  throw new OtaError('usage', `there is no profile ${quoted(name)} in ${safeText(file)}`, {
    hint: meantHint(name, names, otherwise, (near) => `"${near}"`),
  });
}
