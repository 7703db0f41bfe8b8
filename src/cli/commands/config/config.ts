/** `dji-ota config`: broker profiles. Declared in declare.ts. */
import { access } from 'node:fs/promises';
import { OtaError } from '../../../errors.js';
import { mergeConnection } from '../../../settings/connection/merge-connection.js';
import { assign, keptProfile, parseAssignments, storeProfile } from '../../../settings/profiles/assign.js';
import { optionName, PATH_KEYS, PROFILE_KEYS, type Profile } from '../../../settings/profiles/profile.js';
import { profileOf, readSettings } from '../../../settings/profiles/read-settings.js';
import { settingsFile } from '../../../settings/state-folders.js';
import { safeText } from '../../../text.js';
import { askPassword, readPasswordInput } from '../../prompt.js';
import {
  type ConfigAction,
  type ConfigIo,
  type ConfigOptions,
  only,
  profileNameFor,
  wantsJson,
  writeLine,
} from './context.js';
import { listProfiles, showProfile } from './show.js';

/**
 * Does `config <action>`. Results go to stdout, confirmations to stderr; a password is shown as `***`.
 * @returns the exit code.
 * @throws OtaError `usage`, `settings_invalid`; from `test` also those of a connection.
 */
export async function configCommand(
  action: ConfigAction,
  args: readonly string[],
  options: ConfigOptions,
  io: ConfigIo,
): Promise<number> {
  const file = settingsFile(io.env);
  switch (action) {
    case 'set':
      await set(file, args, options, io);
      return 0;
    case 'get':
      return showProfile(await readSettings(file), file, args, options, io);
    case 'list':
      return listProfiles(await readSettings(file), file, options, io);
    case 'use':
      await use(file, only(args, 'name of a profile'), io);
      return 0;
    case 'remove':
      await remove(file, only(args, 'name of a profile'), io);
      return 0;
    case 'path':
      writeLine(io.stdout, wantsJson(options) ? JSON.stringify({ path: file }) : file);
      return 0;
    case 'test': {
      const { configTest } = await import('./config-test.js');
      return configTest(options, io);
    }
  }
}

async function set(file: string, args: readonly string[], options: ConfigOptions, io: ConfigIo): Promise<void> {
  const assignments = parseAssignments(args);
  if (options.passwordStdin && options.askPassword) {
    throw new OtaError('usage', '--password-stdin and --ask-password do not go together');
  }
  if (assignments.length === 0 && !options.passwordStdin && !options.askPassword) {
    throw new OtaError('usage', 'nothing to set', {
      hint: `Write key=value. The settings are: ${PROFILE_KEYS.map(optionName).join(', ')}.`,
    });
  }
  // Everything is checked before the user is bothered with a question.
  const before = await readSettings(file);
  const name = profileNameFor(before, options, io);
  assign(keptProfile(before, name), assignments, process.cwd());
  const password = await newPassword(options, io);
  if (password !== null) assignments.push(['password', password]);

  const { changeSettings } = await import('../../../settings/profiles/write-settings.js');
  const { profile, current } = await changeSettings(file, (settings) => {
    const profile = assign(keptProfile(settings, name), assignments, process.cwd());
    storeProfile(settings, name, profile);
    return { profile, current: settings.current };
  });
  writeLine(io.stderr, `Profile "${name}" is kept in ${safeText(file)}.`);
  if (current !== name) {
    writeLine(io.stderr, `Use it with --profile ${name}, or make it the current one: dji-ota config use ${name}`);
  }
  await warnOfUnusable(name, profile, io.warn);
}

async function newPassword(options: ConfigOptions, { stdin, stderr, isTerminal, signal }: ConfigIo) {
  if (options.passwordStdin) return readPasswordInput(stdin);
  if (!options.askPassword) return null;
  if (!isTerminal) {
    throw new OtaError('usage', '--ask-password needs a terminal', {
      hint: 'Pipe the password in with --password-stdin instead.',
    });
  }
  const password = await askPassword('Password to keep: ', { input: stdin, output: stderr, signal });
  if (password === '') throw new OtaError('usage', 'no password was typed; nothing was changed');
  return password;
}

/** A profile is made step by step, so what does not go together yet is said, not refused. */
async function warnOfUnusable(name: string, profile: Profile, warn: ConfigIo['warn']): Promise<void> {
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

async function use(file: string, name: string, io: ConfigIo): Promise<void> {
  // Before conf is loaded: a wrong name must not create a file.
  profileOf(await readSettings(file), name, file);
  const { changeSettings } = await import('../../../settings/profiles/write-settings.js');
  await changeSettings(file, (settings) => {
    profileOf(settings, name, file);
    settings.current = name;
  });
  writeLine(io.stderr, `Profile "${name}" is the current one.`);
}

async function remove(file: string, name: string, io: ConfigIo): Promise<void> {
  profileOf(await readSettings(file), name, file);
  const { changeSettings } = await import('../../../settings/profiles/write-settings.js');
  const wasCurrent = await changeSettings(file, (settings) => {
    delete settings.profiles[name];
    const current = settings.current === name;
    if (current) settings.current = null;
    return current;
  });
  writeLine(io.stderr, `Profile "${name}" is removed.${wasCurrent ? ' No profile is current now.' : ''}`);
}
