/** Recognizes valid settings without zod, because loading zod takes as long as everything else that reads them. */
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

/** The settings in `source`; null = anything is unusual, and settings-schema.ts reports what. A test compares the two. */
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

/** Throws for an invalid broker URL or duration. */
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
