/** The settings as a zod schema: reports every error in a file, or in a profile that is to be stored. */
import * as z from 'zod/mini';
import type { OtaError } from '../../errors.js';
import { didYouMean } from '../../nearest.js';
import { safeText } from '../../text.js';
import { parseBrokerUrl } from '../connection/broker-url.js';
import { parseTimeout } from '../duration.js';
import {
  invalidSettings,
  isModels,
  isObject,
  isPasswordCommand,
  MAX_TEXT,
  MQTT_VERSIONS,
  type PasswordCommand,
  PROFILE_KEYS,
  type Profile,
  type ProfileKey,
  profileNameProblem,
  type Settings,
  SUBSCRIBE_BY,
  withOwnKeys,
} from './profile.js';

const text = z.string().check(z.minLength(1), z.maxLength(MAX_TEXT));

/** Wraps a check that throws an OtaError as a schema with the same message. */
function checkedBy(check: (value: string) => unknown) {
  return text.check(
    z.superRefine((value, context) => {
      try {
        check(value);
      } catch (error) {
        const { message, hint } = error as OtaError;
        context.addIssue({
          code: 'custom',
          message: `${message.replace(/^the value: /, '')}${hint ? `. ${hint}` : ''}`,
        });
      }
    }),
  );
}

const timeout = checkedBy((value) => parseTimeout(value, 'the value'));

/** The schema of a profile. */
export const profileSchema = z.strictObject({
  broker: z.optional(checkedBy((value) => parseBrokerUrl(value, 'the value'))),
  username: z.optional(text),
  password: z.optional(text),
  passwordFile: z.optional(text),
  passwordCommand: z.optional(
    z.custom<PasswordCommand>(isPasswordCommand, 'must be a shell command as text, or a list: program and arguments'),
  ),
  ca: z.optional(text),
  cert: z.optional(text),
  key: z.optional(text),
  insecure: z.optional(z.boolean()),
  clientId: z.optional(text),
  mqttVersion: z.optional(z.enum(MQTT_VERSIONS)),
  connectTimeout: z.optional(timeout),
  reconnectTimeout: z.optional(timeout),
  subscribe: z.optional(z.enum(SUBSCRIBE_BY)),
  models: z.optional(
    z.custom<Record<string, string>>(isModels, 'must be an object of model keys by product code: {"ab123": "0-100-1"}'),
  ),
}) satisfies z.ZodMiniType<Profile> & { shape: Record<ProfileKey, unknown> };

const settingsSchema = z.strictObject({
  current: z.optional(z.nullable(z.string())),
  profiles: z.optional(z.record(z.string(), profileSchema)),
});

/**
 * Parses the settings in `source`, the content of `file`.
 * @throws OtaError `settings_invalid`, which names the file and each bad key
 */
export function parseSettings(source: string, file: string): Settings {
  let json: unknown;
  try {
    // An empty file contains nothing that could be lost.
    json = source.trim() === '' ? {} : JSON.parse(source.replace(/^\ufeff/, ''));
  } catch (error) {
    // Without the parser's message, and without it as the cause: both quote the surrounding text, perhaps a password.
    throw invalidSettings(file, `is no valid JSON${placeOf(error, source)}`);
  }
  const { profiles } = isObject(json) ? json : {};
  const own = isObject(profiles) ? { ...(json as object), profiles: withOwnKeys(profiles) } : json;
  const parsed = settingsSchema.safeParse(own);
  const details = parsed.success ? nameProblems(parsed.data.profiles ?? {}) : parsed.error.issues.flatMap(describe);
  if (details.length > 0 || !parsed.success) {
    throw invalidSettings(file, `has ${details.length} ${details.length === 1 ? 'error' : 'errors'}`, { details });
  }
  return { current: parsed.data.current ?? null, profiles: parsed.data.profiles ?? {} };
}

/** The errors in a profile's values, one per line; empty = none. */
export function profileProblems(values: unknown): string[] {
  const parsed = profileSchema.safeParse(values);
  return parsed.success ? [] : parsed.error.issues.flatMap(describe);
}

function placeOf(error: unknown, source: string): string {
  const position = /at position (\d+)/.exec((error as Error).message)?.[1];
  if (position === undefined) return '';
  const before = source.slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}

function nameProblems(profiles: Record<string, unknown>): string[] {
  return Object.keys(profiles).flatMap((name) => {
    const problem = profileNameProblem(name);
    return problem ? [`profiles.${safeText(name, 64)}: the name ${problem}`] : [];
  });
}

function describe(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.map((part) => safeText(String(part), 64)).join('.') || 'the file';
  if (issue.code !== 'unrecognized_keys') return [`${at}: ${words(issue)}`];
  return issue.keys.map((key) => {
    const meant = issue.path.length === 2 ? didYouMean(key, PROFILE_KEYS) : '';
    return `${at === 'the file' ? '' : `${at}.`}${safeText(key, 64)}: unknown key${meant}`;
  });
}

const KINDS: Readonly<Record<string, string>> = { object: 'an object', record: 'an object', boolean: 'true or false' };

/** The error in words. Never the value, which may be a password. */
function words(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}`;
    case 'invalid_value':
      return `must be one of ${MQTT_VERSIONS.join(', ')}`;
    case 'too_small':
      return 'is empty';
    case 'too_big':
      return `is longer than ${issue.maximum} characters`;
    default:
      return safeText(issue.message, 400);
  }
}
