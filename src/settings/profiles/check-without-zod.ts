/** Tells settings that are as they should be without zod, which takes as long to load as all else that reads them. */
import { parseBrokerUrl } from '../connection/broker-url.js';
import { parseTimeout } from '../duration.js';
import {
  isModels,
  isObject,
  isPasswordCommand,
  MAX_TEXT,
  MQTT_VERSIONS,
  PROFILE_KEYS,
  type ProfileKey,
  profileNameProblem,
  type Settings,
  SUBSCRIBE_BY,
  withOwnKeys,
} from './profile.js';

/** The settings in `source`, or null where anything is odd: then settings-schema.ts says what. A test holds the two together. */
export function validSettings(source: string): Settings | null {
  try {
    const json: unknown = JSON.parse(source);
    if (!isObject(json)) return null;
    const { current = null, profiles: kept = {}, ...more } = json as Record<string, unknown>;
    if (Object.keys(more).length > 0 || !isObject(kept)) return null;
    const profiles = withOwnKeys(kept);
    if (current !== null && typeof current !== 'string') return null;
    for (const [name, profile] of Object.entries(profiles)) {
      if (profileNameProblem(name) || !isObject(profile)) return null;
      for (const [key, value] of Object.entries(profile)) {
        if (!(PROFILE_KEYS as readonly string[]).includes(key) || !isValid(key as ProfileKey, value)) return null;
      }
    }
    return { current, profiles };
  } catch {
    return null;
  }
}

/** Throws for what is no broker URL and no duration. */
function isValid(key: ProfileKey, value: unknown): boolean {
  if (key === 'insecure') return typeof value === 'boolean';
  if (key === 'passwordCommand') return isPasswordCommand(value);
  if (key === 'models') return isModels(value);
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT) return false;
  if (key === 'broker') parseBrokerUrl(value, key);
  if (key === 'connectTimeout' || key === 'reconnectTimeout') parseTimeout(value, key);
  if (key === 'subscribe') return (SUBSCRIBE_BY as readonly string[]).includes(value);
  return key !== 'mqttVersion' || (MQTT_VERSIONS as readonly string[]).includes(value);
}
