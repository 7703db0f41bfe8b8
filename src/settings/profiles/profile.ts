/** A broker profile: the connection options that a user keeps under a name, and the settings file that holds them. */
import { OtaError } from '../../errors.js';
import type { SubscribeBy } from '../../mqtt/broker.js';
import { safeText } from '../../text.js';

/** Prints the password: a text is run by the shell, a list (program, arguments) without one. */
export type PasswordCommand = string | string[];

export interface Profile {
  broker?: string | undefined;
  username?: string | undefined;
  /** Kept only where the user asked for it. */
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
  /** As the user wrote it: `10s`. */
  connectTimeout?: string | undefined;
  reconnectTimeout?: string | undefined;
  subscribe?: SubscribeBy | undefined;
  /** Product codes of firmware packages that this program does not know: `{"ab123": "0-100-1"}`, with model keys. */
  models?: Record<string, string> | undefined;
}

/** Where nothing else is given. Milliseconds. */
export const CONNECTION_DEFAULTS = {
  broker: 'mqtt://localhost:1883',
  mqttVersion: 'auto',
  subscribe: 'auto',
  connectTimeout: 10_000,
  reconnectTimeout: 600_000,
} as const;

export const MQTT_VERSIONS = ['auto', '5', '3.1.1'] as const;
export type MqttVersion = (typeof MQTT_VERSIONS)[number];

export const SUBSCRIBE_BY = ['auto', 'gateways', 'wildcard'] as const satisfies readonly SubscribeBy[];

/** Every key of a profile, in the order in which they are shown; the option of the same name is its kebab-case form. */
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
export type ProfileKey = (typeof PROFILE_KEYS)[number];

/** The longest value. */
export const MAX_TEXT = 4096;

/** The keys whose values are paths. */
export const PATH_KEYS = ['passwordFile', 'ca', 'cert', 'key'] as const satisfies readonly ProfileKey[];

/** In place of a profile's name: use none. A file of an earlier version may hold a profile of that name. */
export const NO_PROFILE = 'none';

/** The keys that give the password, of which a profile has one. */
export const PASSWORD_KEYS = ['password', 'passwordFile', 'passwordCommand'] as const satisfies readonly ProfileKey[];

export interface NamedProfile {
  name: string;
  values: Profile;
  /** Of the settings file; where its command is run. */
  folder?: string | undefined;
}

/** What `config.json` holds. */
export interface Settings {
  /** The profile that is used where none is named. */
  current: string | null;
  profiles: Record<string, Profile>;
}

/** `clientId` as `client-id`: the option of that key. */
export function optionName(key: ProfileKey): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The key that `name` means: `passwordCommand`, `password-command` and `password_command` are one. */
export function profileKeyOf(name: string): ProfileKey | null {
  const plain = (text: string) => text.replace(/[-_]/g, '').toLowerCase();
  return PROFILE_KEYS.find((key) => plain(key) === plain(name)) ?? null;
}

/** `profiles` as `config.json` has them, with every key that means one of ours under its own name. */
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

export function isObject(value: unknown): value is Record<string, object> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A command that can be run, not one that exists. */
export function isPasswordCommand(value: unknown): value is PasswordCommand {
  const isText = (text: unknown) => typeof text === 'string' && text.length <= MAX_TEXT && !text.includes('\0');
  if (!Array.isArray(value)) return isText(value) && value !== '';
  return value.length > 0 && value.length <= 100 && value[0] !== '' && value.every(isText);
}

/** Model keys (`0-100-1`) by product code. */
export function isModels(value: unknown): value is Record<string, string> {
  const isOne = ([code, key]: [string, unknown]) =>
    /^[A-Za-z0-9-]{1,32}$/.test(code) && typeof key === 'string' && /^\d{1,5}-\d{1,5}-\d{1,5}$/.test(key);
  return isObject(value) && Object.keys(value).length <= 1000 && Object.entries(value).every(isOne);
}

/** Why `name` cannot name a profile, or null where it can. */
export function profileNameProblem(name: string): string | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return 'must begin with a letter or digit and contain only letters, digits, ".", "_" and "-" (at most 64)';
  }
  // Names that every JavaScript object has already.
  return name in {} ? 'is a reserved word' : null;
}

/** An error about the settings file as a whole. */
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
