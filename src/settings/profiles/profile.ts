/** Broker profiles, which are named sets of connection options, and the settings file that contains them. */
import { OtaError } from '../../errors.js';
import type { SubscribeBy } from '../../mqtt/broker.js';
import { safeText } from '../../text.js';

/** Prints the password. A text is run by the shell, a list (program, arguments) without one. */
export type PasswordCommand = string | string[];

/** A broker profile. */
export interface Profile {
  broker?: string | undefined;
  username?: string | undefined;
  /** Stored only if the user asked for it. */
  password?: string | undefined;
  passwordFile?: string | undefined;
  passwordCommand?: PasswordCommand | undefined;
  /** Paths of PEM files. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  insecure?: boolean | undefined;
  clientId?: string | undefined;
  mqttVersion?: MqttVersion | undefined;
  /** As the user wrote it, for example `10s`. */
  connectTimeout?: string | undefined;
  reconnectTimeout?: string | undefined;
  subscribe?: SubscribeBy | undefined;
  /** Product codes that this program does not know, with model keys: `{"ab123": "0-100-1"}`. */
  models?: Record<string, string> | undefined;
}

/** The default settings of a connection. Milliseconds. */
export const CONNECTION_DEFAULTS = {
  broker: 'mqtt://localhost:1883',
  mqttVersion: 'auto',
  subscribe: 'auto',
  connectTimeout: 10_000,
  reconnectTimeout: 600_000,
} as const;

/** The values of `--mqtt-version`. */
export const MQTT_VERSIONS = ['auto', '5', '3.1.1'] as const;
/** A value of `--mqtt-version`. */
export type MqttVersion = (typeof MQTT_VERSIONS)[number];

/** The values of `--subscribe`. */
export const SUBSCRIBE_BY = ['auto', 'gateways', 'wildcard'] as const satisfies readonly SubscribeBy[];

/** The keys of a profile, in display order. The option for a key has the same name in kebab case. */
export const PROFILE_KEYS = [
  'broker',
  'username',
  'password',
  'passwordFile',
  'passwordCommand',
  'ca',
  'cert',
  'key',
  'insecure',
  'clientId',
  'mqttVersion',
  'connectTimeout',
  'reconnectTimeout',
  'subscribe',
  'models',
] as const satisfies readonly (keyof Profile)[];
/** A key of a profile. */
export type ProfileKey = (typeof PROFILE_KEYS)[number];

/** The most characters of a value. */
export const MAX_TEXT = 4096;

/** The keys whose values are paths. */
export const PATH_KEYS = ['passwordFile', 'ca', 'cert', 'key'] as const satisfies readonly ProfileKey[];

/** The value of `--profile` that uses no profile. A file of an earlier version may have a profile with that name. */
export const NO_PROFILE = 'none';

/** The keys that provide the password. A profile has at most one of them. */
export const PASSWORD_KEYS = ['password', 'passwordFile', 'passwordCommand'] as const satisfies readonly ProfileKey[];

/** A profile with its name. */
export interface NamedProfile {
  name: string;
  values: Profile;
  /** The folder of the settings file, in which its command is run. */
  folder?: string | undefined;
}

/** The content of `config.json`. */
export interface Settings {
  /** The profile that is used if none is named. */
  current: string | null;
  profiles: Record<string, Profile>;
}

/** The name of the option for a key: `client-id` for `clientId`. */
export function optionName(key: ProfileKey): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The key for a name: `passwordCommand`, `password-command` and `password_command` are the same. */
export function profileKeyOf(name: string): ProfileKey | null {
  const plain = (text: string) => text.replace(/[-_]/g, '').toLowerCase();
  return PROFILE_KEYS.find((key) => plain(key) === plain(name)) ?? null;
}

/** `profiles` of `config.json`, with keys in any spelling replaced by their own names. */
export function withOwnKeys(profiles: Readonly<Record<string, object>>): Record<string, object> {
  const renamed = (profile: object) =>
    Object.fromEntries(
      Object.entries(profile).map(([name, value]) => {
        const key = profileKeyOf(name);
        return [key === null || Object.hasOwn(profile, key) ? name : key, value];
      }),
    );
  return Object.fromEntries(
    Object.entries(profiles).map(([name, profile]) => [name, isObject(profile) ? renamed(profile) : profile]),
  );
}

/** Whether `value` is an object, and not an array or null. */
export function isObject(value: unknown): value is Record<string, object> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `value` has the form of a command. The program may not exist. */
export function isPasswordCommand(value: unknown): value is PasswordCommand {
  const isText = (text: unknown) => typeof text === 'string' && text.length <= MAX_TEXT && !text.includes('\0');
  if (!Array.isArray(value)) return isText(value) && value !== '';
  return value.length > 0 && value.length <= 100 && value[0] !== '' && value.every(isText);
}

/** Whether `value` maps product codes to model keys (`0-100-1`). */
export function isModels(value: unknown): value is Record<string, string> {
  const isOne = ([code, key]: [string, unknown]) =>
    /^[A-Za-z0-9-]{1,32}$/.test(code) && typeof key === 'string' && /^\d{1,5}-\d{1,5}-\d{1,5}$/.test(key);
  return isObject(value) && Object.keys(value).length <= 1000 && Object.entries(value).every(isOne);
}

/** Why `name` cannot be the name of a profile; null = it can. */
export function profileNameProblem(name: string): string | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return 'must begin with a letter or digit and contain only letters, digits, ".", "_" and "-" (at most 64)';
  }
  // Names that every JavaScript object inherits.
  return name in {} ? 'is a reserved word' : null;
}

/** An error that concerns the whole settings file. */
export function invalidSettings(
  file: string,
  what: string,
  options: { details?: string[]; cause?: unknown; hint?: string } = {},
): OtaError {
  return new OtaError('settings_invalid', `the settings file ${safeText(file)} ${what}`, {
    hint: 'Correct it in an editor, or move it away and create a new one with: dji-ota config set',
    ...options,
  });
}
