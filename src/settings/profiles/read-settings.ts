/**
 * Reads the settings file; write-settings.ts writes it. Reading changes and creates nothing, and does not load zod for a valid
 * file, because every command that connects reads it.
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

/** More than a thousand profiles. A larger file was not written by this program. */
const MAX_BYTES = 1 << 20;

/**
 * Reads the settings in `file`; empty settings if it does not exist.
 * @throws OtaError `settings_invalid`, which names the file and each bad key, or says why the file is not used: a user who can
 * change it decides where passwords are sent, and which command prints them. The file is left unchanged.
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
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
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
      // A file that was written under sudo belongs to root.
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
 * The profile `name` of `file`, or the current one for null; null = there is no current one. Relative paths in it refer to the
 * file's folder.
 * @throws OtaError `usage` for an unknown name, `settings_invalid` for an invalid file
 */
export async function readProfile(file: string, name: string | null, warn: Warn): Promise<NamedProfile | null> {
  const settings = await readSettings(file);
  const wanted = name ?? settings.current;
  if (wanted === null) return null;
  // A profile of an earlier version. It is still used as the current one, but cannot be selected any more.
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

/** The profile `name` as stored. @throws OtaError `usage` if it does not exist, with a similar name */
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
