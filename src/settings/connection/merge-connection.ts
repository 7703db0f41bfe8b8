/** Merges option, environment, profile and default (CONTRACT "Connection options"). No I/O, and no large imports. */
import { shownUser } from '../../broker-url.js';
import { OtaError } from '../../errors.js';
import { quoted } from '../../text.js';
import { parseTimeout } from '../duration.js';
import {
  CONNECTION_DEFAULTS,
  MQTT_VERSIONS,
  type NamedProfile,
  optionName,
  type PasswordCommand,
  type Profile,
  type ProfileKey,
  SUBSCRIBE_BY,
} from '../profiles/profile.js';
import { type BrokerAddress, parseBrokerUrl } from './broker-url.js';
import { checkLogin, checkPasswordGoesHome, checkTls } from './check-connection.js';
import type { Level, MergedConnection, Sourced } from './merged-connection.js';

/** The connection options of the command line; undefined = not given. */
export interface ConnectionFlags {
  broker?: string | undefined;
  username?: string | undefined;
  passwordFile?: string | undefined;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  insecure?: boolean | undefined;
  clientId?: string | undefined;
  mqttVersion?: string | undefined;
  connectTimeout?: string | undefined;
  reconnectTimeout?: string | undefined;
  subscribe?: string | undefined;
  profile?: string | undefined;
}

const ENVIRONMENT: Readonly<Partial<Record<ProfileKey, string>>> = {
  broker: 'DJI_OTA_BROKER',
  username: 'DJI_OTA_USERNAME',
  password: 'DJI_OTA_PASSWORD',
};

/** The name of the profile that the option or the environment requests; null = none. An empty variable counts as not set. */
export function wantedProfile(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Sourced<string> | null {
  if (flags.profile !== undefined) return { value: flags.profile, source: '--profile', level: 'option' };
  const value = env.DJI_OTA_PROFILE;
  return value ? { value, source: 'DJI_OTA_PROFILE', level: 'environment' } : null;
}

/** How settings are merged. */
export interface MergeOptions {
  /** `--ca` is also used for firmware over https, so it is allowed with a plain broker. */
  caForFirmware?: boolean | undefined;
  /** The options that come from an earlier run, for messages. */
  earlier?: { run: string; keys: ReadonlySet<string> } | undefined;
}

/**
 * Takes each setting from the first source that has it: option, environment, profile, default. Reads no file and asks nothing.
 * @throws OtaError `usage` for a bad value, or for contradicting options; the message names their source
 */
export function mergeConnection(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  profile: NamedProfile | null,
  options: MergeOptions = {},
): MergedConnection {
  const pick = <K extends ProfileKey>(key: K): Sourced<NonNullable<Profile[K]>> | null => {
    const picked = pickFrom(key, flags, env, profile);
    const earlier = picked?.level === 'option' && options.earlier?.keys.has(key);
    return earlier ? { ...picked, source: `${picked.source} of run ${options.earlier?.run}` } : picked;
  };

  const broker = pick('broker') ?? {
    value: CONNECTION_DEFAULTS.broker,
    source: 'the default',
    level: 'default' as const,
  };
  const address = parseBrokerUrl(broker.value, broker.source);
  const insecure = pick('insecure');
  const merged: MergedConnection = {
    broker: { ...broker, value: address.url },
    ...mergeUser(plain(pick('username'), 'user name'), broker, plainUser(address, broker)),
    ...mergePassword(pick('passwordFile'), pick('password'), pick('passwordCommand')),
    ca: pick('ca'),
    cert: pick('cert'),
    key: pick('key'),
    insecure: insecure?.value ? { ...insecure, value: true } : null,
    clientId: plain(pick('clientId'), 'client id')?.value ?? null,
    mqttVersion: choiceOf(pick('mqttVersion'), MQTT_VERSIONS, 'an MQTT version') ?? CONNECTION_DEFAULTS.mqttVersion,
    connectTimeout: timeoutOf(pick('connectTimeout'), 'connectTimeout') ?? CONNECTION_DEFAULTS.connectTimeout,
    reconnectTimeout: timeoutOf(pick('reconnectTimeout'), 'reconnectTimeout') ?? CONNECTION_DEFAULTS.reconnectTimeout,
    subscribe: choiceOf(pick('subscribe'), SUBSCRIBE_BY, 'a way to subscribe') ?? CONNECTION_DEFAULTS.subscribe,
  };
  if (profile) checkPasswordGoesHome(merged, profile);
  checkTls(merged, options.caForFirmware ?? false);
  checkLogin(merged);
  return merged;
}

function pickFrom<K extends ProfileKey>(
  key: K,
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  profile: NamedProfile | null,
): Sourced<NonNullable<Profile[K]>> | null {
  const from = (value: unknown, source: string, level: Level) => {
    // An empty value is usually an unset variable in a script, so it is an error, not the default.
    if (value === '') throw new OtaError('usage', `${level === 'option' ? source : `${source}: ${key}`} is empty`);
    return { value: value as NonNullable<Profile[K]>, source, level };
  };
  if (key !== 'password' && key !== 'passwordCommand' && key !== 'models') {
    const flag = flags[key as Exclude<ProfileKey, 'password' | 'passwordCommand' | 'models'>];
    if (flag !== undefined) return from(flag, `--${optionName(key)}`, 'option');
  }
  const variable = ENVIRONMENT[key];
  if (variable && env[variable]) return from(env[variable], variable, 'environment');
  const kept = profile?.values[key];
  return kept === undefined || !profile ? null : from(kept, `profile "${profile.name}"`, 'profile');
}

// A user name in the URL has the precedence of the URL. It is not shown, as it may be secret.
function mergeUser(
  username: Sourced<string> | null,
  broker: Sourced<string>,
  inUrl: string | null,
): Pick<MergedConnection, 'username' | 'userInUrl'> {
  if (inUrl === null) return { username, userInUrl: null };
  if (username === null || RANK[broker.level] < RANK[username.level]) {
    return { username: null, userInUrl: broker.source };
  }
  if (username.level === broker.level && username.value !== inUrl) {
    throw new OtaError(
      'usage',
      `${username.source} says user "${shownUser(username.value)}", the broker URL has another one`,
      { hint: 'Give the user name in one place only.' },
    );
  }
  return { username, userInUrl: null };
}

function plainUser({ username }: BrokerAddress, broker: Sourced<string>): string | null {
  return username === null ? null : (plain({ ...broker, value: username }, 'user name')?.value ?? null);
}

const RANK: Readonly<Record<Level, number>> = { option: 0, environment: 1, profile: 2, default: 3 };

function mergePassword(
  file: Sourced<string> | null,
  password: Sourced<string> | null,
  command: Sourced<PasswordCommand> | null,
): Pick<MergedConnection, 'password' | 'passwordFile' | 'passwordCommand'> {
  const given = Object.entries({ password, passwordFile: file, passwordCommand: command }).flatMap(([key, one]) =>
    one === null ? [] : [{ key, one }],
  );
  const [first, second] = given.sort((a, b) => RANK[a.one.level] - RANK[b.one.level]);
  if (first && second && first.one.level === second.one.level) {
    const { source } = first.one;
    throw new OtaError('usage', `${source} holds both ${first.key} and ${second.key}`, { hint: 'Remove one of them.' });
  }
  return { password: null, passwordFile: null, passwordCommand: null, ...(first && { [first.key]: first.one }) };
}

// Rejects texts that MQTT cannot transfer, or that no broker accepts [MQTT-1.5.3-2].
function plain(given: Sourced<string> | null, what: string): Sourced<string> | null {
  if (
    given &&
    (/[\u0000-\u001f\u007f]/.test(given.value) || !given.value.isWellFormed() || given.value.length > 1024)
  ) {
    throw new OtaError('usage', `${given.source}: the ${what} contains a control character or is too long`);
  }
  return given;
}

function choiceOf<T extends string>(given: Sourced<string> | null, choices: readonly T[], what: string): T | null {
  if (!given) return null;
  const known = choices.find((one) => one === given.value);
  if (known) return known;
  throw new OtaError('usage', `${given.source}: ${quoted(given.value, 40)} is not ${what}`, {
    hint: `It is one of ${choices.slice(0, -1).join(', ')} and ${choices.at(-1)}.`,
  });
}

function timeoutOf(given: Sourced<string> | null, key: ProfileKey): number | null {
  if (!given) return null;
  return parseTimeout(given.value, given.level === 'option' ? given.source : `${given.source}: ${key}`);
}
