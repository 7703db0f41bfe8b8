/** `config set`: converts the user's arguments to checked values of a profile. */
import path from 'node:path';
import { OtaError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { quoted } from '../../text.js';
import { redactUrls } from '../../url.js';
import { expandHome } from '../state-folders.js';
import {
  NO_PROFILE,
  optionName,
  PASSWORD_KEYS,
  PATH_KEYS,
  PROFILE_KEYS,
  type Profile,
  type ProfileKey,
  profileKeyOf,
  profileNameProblem,
  type Settings,
} from './profile.js';
import { profileProblems } from './settings-schema.js';

/** A key and its new value; null removes the value. */
type Assignment = [key: ProfileKey, value: string | null];

/**
 * Parses `key value`, or any number of `key=value`. An empty value removes the key.
 * @throws OtaError `usage` for an unknown key, a key without a value, or a password among the arguments
 */
export function parseAssignments(args: readonly string[]): Assignment[] {
  const [first, second] = args;
  const pairs =
    args.length === 2 && first !== undefined && !first.includes('=')
      ? [[first, second ?? ''] as const]
      : args.map((arg) => {
          const at = arg.indexOf('=');
          if (at < 0) {
            if (keyOf(arg) === 'password') throw passwordInArguments();
            throw new OtaError('usage', `${quoted(redactUrls(arg))} has no value`, {
              hint: 'Give key=value, or one key and its value: config set broker mqtts://broker.example.com',
            });
          }
          return [arg.slice(0, at), arg.slice(at + 1)] as const;
        });
  return pairs.map(([name, value]) => {
    const key = keyOf(name);
    if (key === 'password' && value !== '') throw passwordInArguments();
    return [key, value === '' ? null : value];
  });
}

/** The key for a name, which may be `clientId` or the option `client-id`. @throws OtaError `usage` */
export function keyOf(name: string): ProfileKey {
  const key = profileKeyOf(name.replace(/^--/, ''));
  if (key) return key;
  const near = nearest(name.replace(/[-_]/g, ''), PROFILE_KEYS);
  const meant = near === null ? null : profileKeyOf(near);
  throw new OtaError('usage', `unknown setting ${quoted(redactUrls(name))}`, {
    hint: meant ? `Did you mean ${optionName(meant)}?` : `There are: ${PROFILE_KEYS.map(optionName).join(', ')}.`,
  });
}

function passwordInArguments(): OtaError {
  return new OtaError('usage', 'a password in a command line can be read by other users of this machine', {
    hint: 'Use config set --ask-password, or --password-stdin; or store where to find it: password-file=PATH, password-command=COMMAND.',
  });
}

/**
 * The profile with the assignments applied. Paths become absolute, relative to `cwd`, so that the profile does not depend on
 * the current folder.
 * @throws OtaError `usage`, with all bad values
 */
export function assign(profile: Profile, assignments: readonly Assignment[], cwd: string): Profile {
  const next: Record<string, unknown> = { ...profile };
  for (const [key, value] of assignments) {
    // A profile has one source of the password: the last one wins.
    if (value !== null && PASSWORD_KEYS.some((one) => one === key))
      for (const other of PASSWORD_KEYS) delete next[other];
    if (value === null) delete next[key];
    else if (key === 'passwordCommand') next[key] = commandOf(value);
    else if (key === 'models') next[key] = modelsOf(value);
    else if (key === 'insecure') next[key] = booleanOf(value);
    else next[key] = (PATH_KEYS as readonly string[]).includes(key) ? path.resolve(cwd, expandHome(value)) : value;
  }
  // Name the key as the user typed it, or could have.
  const details = profileProblems(next).map((problem) =>
    problem.replace(/^\w+/, (key) => optionName(key as ProfileKey)),
  );
  if (details.length > 0) {
    throw new OtaError('usage', details.length === 1 ? (details[0] as string) : 'nothing was set', {
      details: details.length === 1 ? [] : details,
    });
  }
  return next as Profile;
}

/** The profile `name`, or an empty one. @throws OtaError `usage` if no profile can have that name */
export function keptProfile(settings: Settings, name: string): Profile {
  const problem = name === NO_PROFILE ? 'means that no profile is used' : profileNameProblem(name);
  if (problem) throw new OtaError('usage', `the profile name ${quoted(name)} ${problem}`);
  return (Object.hasOwn(settings.profiles, name) ? settings.profiles[name] : undefined) ?? {};
}

/** Stores `profile` under `name`. The default profile becomes the current one if there is none. */
export function storeProfile(settings: Settings, name: string, profile: Profile): void {
  settings.profiles[name] = profile;
  if (name === DEFAULT_PROFILE) settings.current ??= name;
}

/** The profile that `config set` uses if none is named and none is current. */
export const DEFAULT_PROFILE = 'default';

function modelsOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new OtaError('usage', 'models: is no JSON', {
      hint: 'Write it like \'models={"ab123": "0-100-1"}\': model keys by product code.',
    });
  }
}

// `["pass", "show", "mqtt/site-a"]`: the form in the file.
function commandOf(value: string): unknown {
  if (!value.trimStart().startsWith('[')) return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new OtaError('usage', 'password-command: begins like a list, but is not valid JSON', {
      hint: 'Write it like \'password-command=["pass", "show", "mqtt/site-a"]\', or as one shell command.',
    });
  }
}

function booleanOf(value: string): boolean | string {
  if (/^(true|yes|on|1)$/i.test(value)) return true;
  if (/^(false|no|off|0)$/i.test(value)) return false;
  return value;
}
