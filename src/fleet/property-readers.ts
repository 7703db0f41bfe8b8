/** Readers for single property values. Each returns null for an unusable value, and none throws. */
import { number } from '../protocol/messages.js';
import type { DeviceKind } from './record.js';

type Fields = Record<string, unknown>;

/** `domain-type-sub_type` of a topology entry; null if a part is missing (older messages have no domain). */
export function modelKey(fields: Fields): string | null {
  const parts = [code(fields.domain), code(fields.type), code(fields.sub_type)];
  return parts.includes(null) ? null : parts.join('-');
}

/** The kind for DJI's domain: 0 = aircraft, 3 = dock; others (1 payload, 2 remote controller) are not upgraded this way. */
export function kindOf(model: string): DeviceKind {
  return model.startsWith('3-') ? 'dock' : model.startsWith('0-') ? 'aircraft' : 'other';
}

/** 0 or 1, also from a string or a boolean. */
export function flag(value: unknown): 0 | 1 | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const parsed = number(value);
  return parsed === 0 || parsed === 1 ? parsed : null;
}

/** A small number such as `mode_code`. */
export function code(value: unknown): number | null {
  const parsed = number(value);
  return parsed !== null && Number.isInteger(parsed) && parsed >= 0 && parsed < 1e6 ? parsed : null;
}

/** 0 to 100; -1 if the device does not know it (32767, PROTOCOL); null for anything else. */
export function percent(value: unknown): number | null {
  const parsed = number(value);
  if (parsed === 32767) return -1;
  return parsed !== null && parsed >= 0 && parsed <= 100 ? Math.floor(parsed) : null;
}

/** `used` of `total` (both in KB) in percent, rounded down; null = invalid. */
export function share(used: unknown, total: unknown): number | null {
  const [part, whole] = [number(used), number(total)];
  if (part === null || whole === null || whole <= 0 || part < 0 || part > whole) return null;
  return Math.floor((part / whole) * 100);
}
