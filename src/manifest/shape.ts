import { didYouMean, nearest } from '../nearest.js';
import { quoted } from '../text.js';
import type { Report } from './findings.js';
import { kindOf, unreadable } from './unreadable.js';

const OBJECT_KEYS = ['devices', '$schema'];
/** The keys of `ota_create` as the seed prints it, with its `timestamp:`. Only the devices matter here. */
const MESSAGE_KEYS = ['method', 'data', 'bid', 'tid', 'timestamp', 'timestamp:', 'gateway', 'need_reply', '$schema'];

/**
 * The devices of a parsed manifest in any of its three forms: a list, an object with `devices`, or a whole `ota_create`
 * message. Unknown keys around them go to `report`.
 * @throws OtaError `manifest_unreadable` if there is no list of devices
 */
export function devicesOf(source: string, value: unknown, report: Report): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null || value === undefined) throw unreadable(source, 'is empty', { hint: FORMS });
  if (typeof value !== 'object') throw unreadable(source, `is ${kindOf(value)}, not a manifest`, { hint: FORMS });
  const top = value as Record<string, unknown>;
  if (!Object.hasOwn(top, 'devices') && (Object.hasOwn(top, 'data') || Object.hasOwn(top, 'method'))) {
    return messageDevices(source, top, report);
  }
  if (!Object.hasOwn(top, 'devices')) {
    const one = Object.hasOwn(top, 'sn') || Object.hasOwn(top, 'product_version');
    const near = Object.keys(top)
      .slice(0, 50)
      .find((key) => nearest(key, ['devices']) !== null);
    const none = near === undefined ? 'has no "devices"' : `has ${quoted(near)}, but no "devices"`;
    throw unreadable(source, one ? 'is a single device, not a list of devices' : none, {
      hint: one ? 'Put it in a list: [ ... ] in JSON, "- " before it in YAML.' : FORMS,
    });
  }
  unknownKeys(top, OBJECT_KEYS, 'top level', report);
  return list(source, top.devices, '"devices"');
}

const FORMS = 'A manifest is a list of devices, an object with "devices", or a whole ota_create message.';

function messageDevices(source: string, message: Record<string, unknown>, report: Report): readonly unknown[] {
  unknownKeys(message, MESSAGE_KEYS, 'top level', report);
  const { method, data } = message;
  if (method !== undefined && method !== 'ota_create')
    report('top level', 'method', `is ${kindOf(method)}, not ota_create`);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw unreadable(source, `"data" is ${kindOf(data)}, not a mapping with "devices"`, { hint: FORMS });
  }
  unknownKeys(data as Record<string, unknown>, ['devices'], 'data', report);
  return list(source, (data as Record<string, unknown>).devices, '"data.devices"');
}

function list(source: string, value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(source, `${name} is ${kindOf(value)}, not a list`, { hint: FORMS });
}

function unknownKeys(value: Record<string, unknown>, known: readonly string[], where: string, report: Report): void {
  // A few of them are enough to see the problem.
  for (const key of Object.keys(value).slice(0, 50)) {
    if (!known.includes(key)) report(where, null, `unknown key ${quoted(key)}${didYouMean(key, known)}`);
  }
}
