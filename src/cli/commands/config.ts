/** `dji-ota config`: broker profiles. Declared in config-declare.ts. */
import { access } from 'node:fs/promises';
import type { WriteStream } from 'node:tty';
import { OtaError } from '../../errors.js';
import { type Column, renderTable } from '../../render/table/table.js';
import { assign, DEFAULT_PROFILE, keptProfile, keyOf, parseAssignments, storeProfile } from '../../settings/assign.js';
import type { Warn } from '../../settings/files.js';
import { settingsFile } from '../../settings/home.js';
import { type ConnectionFlags, mergeConnection, wantedProfile } from '../../settings/merge.js';
import { optionName, PATH_KEYS, PROFILE_KEYS, type Profile } from '../../settings/profile.js';
import { profileOf, readSettings, type Settings } from '../../settings/profiles.js';
import { safeText } from '../../text.js';
import { askPassword, type PromptStreams, readPasswordInput } from '../prompt.js';

export type ConfigAction = 'set' | 'get' | 'list' | 'use' | 'remove' | 'path' | 'test';

export interface ConfigOptions extends ConnectionFlags {
  /** `json` for JSON on stdout; anything else is text. */
  output?: string | undefined;
  /** Keep the password that comes on standard input. */
  passwordStdin?: boolean | undefined;
  /** Keep a password that is asked for. */
  askPassword?: boolean | undefined;
  /** `test`: the gateways whose topics are tried. */
  pid?: readonly string[] | undefined;
}

export interface ConfigIo {
  stdout: Pick<WriteStream, 'write'> & { columns?: number | undefined; isTTY?: boolean | undefined };
  stderr: NodeJS.WritableStream;
  stdin: PromptStreams['input'];
  env: NodeJS.ProcessEnv;
  /** Both stdin and stderr are terminals. */
  isTerminal: boolean;
  warn: Warn;
  signal?: AbortSignal | undefined;
}

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
      return get(await readSettings(file), file, args, options, io);
    case 'list':
      return list(await readSettings(file), file, options, io);
    case 'use':
      await use(file, only(args, 'name of a profile'), io);
      return 0;
    case 'remove':
      await remove(file, only(args, 'name of a profile'), io);
      return 0;
    case 'path':
      write(io.stdout, json(options) ? JSON.stringify({ path: file }) : file);
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
  const name = nameFor(before, options, io);
  assign(keptProfile(before, name), assignments, process.cwd());
  const password = await newPassword(options, io);
  if (password !== null) assignments.push(['password', password]);

  const { changeSettings } = await import('../../settings/profile-store.js');
  const { profile, current } = await changeSettings(file, (settings) => {
    const profile = assign(keptProfile(settings, name), assignments, process.cwd());
    storeProfile(settings, name, profile);
    return { profile, current: settings.current };
  });
  write(io.stderr, `Profile "${name}" is kept in ${safeText(file)}.`);
  if (current !== name) {
    write(io.stderr, `Use it with --profile ${name}, or make it the current one: dji-ota config use ${name}`);
  }
  await warnOfUnusable(name, profile, io.warn);
}

function nameFor(settings: Settings, options: ConfigOptions, io: ConfigIo): string {
  return wantedProfile(options, io.env)?.value ?? settings.current ?? DEFAULT_PROFILE;
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

function get(settings: Settings, file: string, args: readonly string[], options: ConfigOptions, io: ConfigIo): number {
  const name = nameFor(settings, options, io);
  const profile = profileOf(settings, name, file);
  if (args.length === 0) {
    if (json(options)) write(io.stdout, JSON.stringify(masked(profile)));
    else
      for (const [key, value] of Object.entries(masked(profile)))
        write(io.stdout, `${key}=${safeText(String(value), 4096)}`);
    return 0;
  }
  const key = keyOf(only(args, 'setting'));
  const value = masked(profile)[key];
  if (json(options)) write(io.stdout, JSON.stringify({ [key]: value ?? null }));
  else if (value !== undefined) write(io.stdout, safeText(String(value), 4096));
  else throw new OtaError('usage', `the profile "${name}" has no ${optionName(key)}`);
  return 0;
}

function list(settings: Settings, file: string, options: ConfigOptions, io: ConfigIo): number {
  const entries = Object.entries(settings.profiles);
  if (json(options)) {
    const profiles = Object.fromEntries(entries.map(([name, profile]) => [name, masked(profile)]));
    write(io.stdout, JSON.stringify({ path: file, current: settings.current, profiles }));
    return 0;
  }
  if (entries.length === 0) {
    write(io.stderr, 'There are no profiles yet. Make one: dji-ota config set broker=mqtts://broker.example.com');
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
    const { broker, username, password, passwordFile, ...more } = masked(profile);
    const rest = Object.entries(more).map(([key, value]) => `${optionName(key as 'ca')}=${value}`);
    return [
      `${name === settings.current ? '*' : ' '} ${name}`,
      String(broker ?? ''),
      String(username ?? ''),
      String(password ?? passwordFile ?? ''),
      rest.join(' '),
    ];
  });
  write(io.stdout, renderTable(columns, rows, io.stdout.isTTY ? (io.stdout.columns ?? 80) : null));
  return 0;
}

async function use(file: string, name: string, io: ConfigIo): Promise<void> {
  // Before conf is loaded: a wrong name must not create a file.
  profileOf(await readSettings(file), name, file);
  const { changeSettings } = await import('../../settings/profile-store.js');
  await changeSettings(file, (settings) => {
    profileOf(settings, name, file);
    settings.current = name;
  });
  write(io.stderr, `Profile "${name}" is the current one.`);
}

async function remove(file: string, name: string, io: ConfigIo): Promise<void> {
  profileOf(await readSettings(file), name, file);
  const { changeSettings } = await import('../../settings/profile-store.js');
  const wasCurrent = await changeSettings(file, (settings) => {
    delete settings.profiles[name];
    const current = settings.current === name;
    if (current) settings.current = null;
    return current;
  });
  write(io.stderr, `Profile "${name}" is removed.${wasCurrent ? ' No profile is current now.' : ''}`);
}

/** The values in the order in which they are documented, less what is secret. */
function masked(profile: Profile): Partial<Record<keyof Profile, string | boolean>> {
  const shown: Partial<Record<keyof Profile, string | boolean>> = {};
  for (const key of PROFILE_KEYS) {
    const value = profile[key];
    if (value !== undefined) shown[key] = key === 'password' ? '***' : value;
  }
  return shown;
}

function only(args: readonly string[], what: string): string {
  const [first] = args;
  if (first === undefined) throw new OtaError('usage', `the ${what} is missing`);
  if (args.length > 1) throw new OtaError('usage', `one ${what} is wanted, ${args.length} were given`);
  return first;
}

function json(options: ConfigOptions): boolean {
  return options.output === 'json';
}

function write(stream: { write(text: string): unknown }, line: string): void {
  stream.write(`${line}\n`);
}
