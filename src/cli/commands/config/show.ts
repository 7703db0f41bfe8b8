/** What the settings file holds, as `config get`, `list` and `path` show it. */
import { OtaError } from '../../../errors.js';
import { type Column, renderTable } from '../../../render/table/table.js';
import { keyOf } from '../../../settings/profiles/assign.js';
import { optionName, PROFILE_KEYS, type Profile, type Settings } from '../../../settings/profiles/profile.js';
import { profileOf } from '../../../settings/profiles/read-settings.js';
import { safeText } from '../../../text.js';
import { type ConfigIo, type ConfigOptions, only, profileNameFor, wantsJson, writeLine } from './context.js';

export function showProfile(
  settings: Settings,
  file: string,
  args: readonly string[],
  options: ConfigOptions,
  io: ConfigIo,
): number {
  const name = profileNameFor(settings, options, io);
  const profile = profileOf(settings, name, file);
  if (args.length === 0) {
    if (wantsJson(options)) writeLine(io.stdout, JSON.stringify(masked(profile)));
    else
      for (const [key, value] of Object.entries(masked(profile)))
        writeLine(io.stdout, `${key}=${safeText(String(value), 4096)}`);
    return 0;
  }
  const key = keyOf(only(args, 'setting'));
  const value = masked(profile)[key];
  if (wantsJson(options)) writeLine(io.stdout, JSON.stringify({ [key]: value ?? null }));
  else if (value !== undefined) writeLine(io.stdout, safeText(String(value), 4096));
  else throw new OtaError('usage', `the profile "${name}" has no ${optionName(key)}`);
  return 0;
}

export function listProfiles(settings: Settings, file: string, options: ConfigOptions, io: ConfigIo): number {
  const entries = Object.entries(settings.profiles);
  if (wantsJson(options)) {
    const profiles = Object.fromEntries(entries.map(([name, profile]) => [name, masked(profile)]));
    writeLine(io.stdout, JSON.stringify({ path: file, current: settings.current, profiles }));
    return 0;
  }
  if (entries.length === 0) {
    writeLine(io.stderr, 'There are no profiles yet. Make one: dji-ota config set broker=mqtts://broker.example.com');
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
  writeLine(io.stdout, renderTable(columns, rows, io.stdout.isTTY ? (io.stdout.columns ?? 80) : null));
  return 0;
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
