/** `dji-ota config`: broker profiles. Results go to stdout, confirmations to stderr. */
import { access } from 'node:fs/promises';
import { shownBrokerText, shownUser } from '../../../broker-url.js';
import { OtaError } from '../../../errors.js';
import { type Column, renderTable } from '../../../render/table/table.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import type { Warn } from '../../../settings/connection/credential-files.js';
import { mergeConnection, wantedProfile } from '../../../settings/connection/merge-connection.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import {
  assign,
  DEFAULT_PROFILE,
  keptProfile,
  keyOf,
  parseAssignments,
  storeProfile,
} from '../../../settings/profiles/assign.js';
import {
  NO_PROFILE,
  optionName,
  PATH_KEYS,
  PROFILE_KEYS,
  type Profile,
  type ProfileKey,
  type Settings,
} from '../../../settings/profiles/profile.js';
import { profileOf, readSettings } from '../../../settings/profiles/read-settings.js';
import { settingsFile } from '../../../settings/state-folders.js';
import { safeJson, safeText } from '../../../text.js';
import { redactUrl } from '../../../url.js';
import { type Io, isInteractive, warner } from '../../io.js';
import { askPassword, readPasswordInput } from '../../prompt.js';

interface Wanted {
  profile?: string | undefined;
}
interface Printed {
  output: 'text' | 'json';
}

/** `dji-ota config set`. @throws OtaError `usage`, `settings_invalid` */
export async function setProfile(
  args: readonly string[],
  options: Wanted & { passwordStdin?: true | undefined; askPassword?: true | undefined },
  io: Io,
): Promise<number> {
  const file = settingsOf(io);
  const assignments = parseAssignments(args);
  if (options.passwordStdin && options.askPassword) {
    throw new OtaError('usage', '--password-stdin and --ask-password exclude each other');
  }
  if (assignments.length === 0 && !options.passwordStdin && !options.askPassword) {
    throw new OtaError('usage', 'nothing to set', {
      hint: `Write key=value. The settings are: ${PROFILE_KEYS.map(optionName).join(', ')}.`,
    });
  }
  // Check everything before asking the user.
  const before = await readSettings(file);
  const name = nameFor(before, options, io);
  assign(keptProfile(before, name), assignments, '.');
  const password = await newPassword(options, io);
  if (password !== null) assignments.push(['password', password]);

  const { changeSettings } = await import('../../../settings/profiles/write-settings.js');
  const { profile, current } = await changeSettings(file, (settings) => {
    const profile = assign(keptProfile(settings, name), assignments, '.');
    storeProfile(settings, name, profile);
    return { profile, current: settings.current };
  });
  write(io.stderr, `Profile "${name}" is kept in ${safeText(file)}.`);
  if (current !== name) {
    write(io.stderr, `Use it with --profile ${name}, or make it the current profile with: dji-ota config use ${name}`);
  }
  await warnOfUnusable(name, profile, warner(io));
  return 0;
}

function settingsOf(io: Io): string {
  warnOfLooseFolders(io.env, warner(io));
  return settingsFile(io.env);
}

function nameFor(settings: Settings, options: Wanted, io: Io): string {
  return wantedProfile(options, io.env)?.value ?? settings.current ?? DEFAULT_PROFILE;
}

async function newPassword(options: Parameters<typeof setProfile>[1], io: Io) {
  const { stdin, stderr, signal } = io;
  if (options.passwordStdin) return readPasswordInput(stdin);
  if (!options.askPassword) return null;
  if (!isInteractive(io)) {
    throw new OtaError('usage', '--ask-password needs a terminal', {
      hint: 'Pipe the password in with --password-stdin instead.',
    });
  }
  const password = await askPassword('Password to keep: ', { input: stdin, output: stderr, signal });
  if (password === '') throw new OtaError('usage', 'no password was typed; nothing was changed');
  return password;
}

/** A profile is built up step by step, so contradicting settings are a warning, not an error. */
async function warnOfUnusable(name: string, profile: Profile, warn: Warn): Promise<void> {
  try {
    mergeConnection({}, {}, { name, values: profile });
  } catch (error) {
    warn('profile_incomplete', (error as Error).message);
  }
  for (const key of PATH_KEYS) {
    const value = profile[key];
    if (value === undefined) continue;
    await access(value).catch(() => warn('file_missing', `${optionName(key)}: ${safeText(value)} cannot be read now`));
  }
}

/** `dji-ota config get`; a password is shown as `***`. */
export async function showProfile(setting: string | undefined, options: Wanted & Printed, io: Io): Promise<number> {
  const file = settingsOf(io);
  const settings = await readSettings(file);
  const name = nameFor(settings, options, io);
  const profile = profileOf(settings, name, file);
  if (setting === undefined) {
    if (json(options)) write(io.stdout, safeJson(JSON.stringify(masked(profile))));
    else for (const [key, value] of Object.entries(masked(profile))) write(io.stdout, `${key}=${textOf(value)}`);
    return 0;
  }
  const key = keyOf(setting);
  const value = masked(profile)[key];
  if (json(options)) write(io.stdout, safeJson(JSON.stringify({ [key]: value ?? null })));
  else if (value !== undefined) write(io.stdout, textOf(value));
  else throw new OtaError('usage', `the profile "${name}" has no ${optionName(key)}`);
  return 0;
}

/** `dji-ota config list` */
export async function listProfiles(options: Printed, io: Io): Promise<number> {
  const file = settingsOf(io);
  const settings = await readSettings(file);
  const entries = Object.entries(settings.profiles);
  if (json(options)) {
    const profiles = Object.fromEntries(entries.map(([name, profile]) => [name, masked(profile)]));
    write(io.stdout, safeJson(JSON.stringify({ path: file, current: settings.current, profiles })));
    return 0;
  }
  if (entries.length === 0) {
    write(
      io.stderr,
      'There are no profiles yet. Create one with: dji-ota config set broker=mqtts://broker.example.com',
    );
    return 0;
  }
  const columns: Column[] = [
    { title: 'PROFILE' },
    { title: 'BROKER' },
    { title: 'USER' },
    { title: 'PASSWORD' },
    { title: 'MORE' },
  ];
  const rows = entries.map(([name, profile]) => {
    const { broker = '', username = '', password, passwordFile, passwordCommand, ...more } = masked(profile);
    const rest = Object.entries(more).map(([key, value]) => `${optionName(key as ProfileKey)}=${textOf(value)}`);
    const secret = password ?? passwordFile ?? (passwordCommand && `$(${textOf(passwordCommand)})`) ?? '';
    return [
      `${name === settings.current ? '*' : ' '} ${name}`,
      ...[broker, username, secret].map(textOf),
      rest.join(' '),
    ];
  });
  write(io.stdout, renderTable(columns, rows, terminalWidth(io.stdout)));
  return 0;
}

/** `dji-ota config use` */
export async function useProfile(name: string, io: Io): Promise<number> {
  const file = settingsOf(io);
  const none = name === NO_PROFILE;
  const settings = await readSettings(file);
  // Checked before conf is loaded, because a wrong name must not create a file.
  if (!none) profileOf(settings, name, file);
  if (!none || settings.current !== null) {
    const { changeSettings } = await import('../../../settings/profiles/write-settings.js');
    await changeSettings(file, (settings) => {
      if (!none) profileOf(settings, name, file);
      settings.current = none ? null : name;
    });
  }
  write(io.stderr, none ? 'There is no current profile now.' : `Profile "${name}" is now the current profile.`);
  return 0;
}

/** `dji-ota config remove` */
export async function removeProfile(name: string, io: Io): Promise<number> {
  const file = settingsOf(io);
  profileOf(await readSettings(file), name, file);
  const { changeSettings } = await import('../../../settings/profiles/write-settings.js');
  const wasCurrent = await changeSettings(file, (settings) => {
    delete settings.profiles[name];
    const current = settings.current === name;
    if (current) settings.current = null;
    return current;
  });
  write(io.stderr, `Profile "${name}" is removed.${wasCurrent ? ' There is no current profile now.' : ''}`);
  return 0;
}

/** `dji-ota config path` */
export async function showPath(options: Printed, io: Io): Promise<number> {
  const file = settingsFile(io.env);
  write(io.stdout, json(options) ? safeJson(JSON.stringify({ path: file })) : safeText(file, 4096));
  return 0;
}

type ShownValue = string | boolean | string[] | Record<string, string>;

/** The values in the documented order, with secrets masked. */
function masked(profile: Profile): Partial<Record<keyof Profile, ShownValue>> {
  const shown: Partial<Record<keyof Profile, ShownValue>> = {};
  for (const key of PROFILE_KEYS) {
    const value = profile[key];
    if (value !== undefined) shown[key] = shownValue(key, value);
  }
  return shown;
}

function shownValue(key: ProfileKey, value: ShownValue): ShownValue {
  if (key === 'password') return '***';
  if (key === 'broker') return shownBrokerText(String(value));
  if (key === 'username') return shownUser(String(value));
  if (key !== 'passwordCommand') return value;
  const shown = (text: string) => text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, redactUrl);
  return Array.isArray(value) ? value.map(shown) : shown(String(value));
}

/** A value on one line, in the form that `config set` accepts. */
function textOf(value: ShownValue): string {
  return safeText(typeof value === 'object' ? JSON.stringify(value) : String(value), 8192);
}

function json(options: Printed): boolean {
  return options.output === 'json';
}

function write(stream: { write(text: string): unknown }, line: string): void {
  stream.write(`${line}\n`);
}
