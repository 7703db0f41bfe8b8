/** Checks single values of a device. A problem is returned as words that follow `key: `. */

import { didYouMean } from '../../nearest.js';
import { showCharacter, unseenIn } from '../../protocol/topics.js';
import { UPGRADE_TYPES, type UpgradeType, upgradeTypeOf } from '../../protocol/upgrade-types.js';
import { quoted } from '../../text.js';
import { isFileName } from '../../url.js';
import type { KnownDevice } from '../model.js';
import { kindOf } from '../unreadable.js';
import { KNOWN_PARTS, MAX_TEXT } from './fields.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why `value` is not a text that a manifest may contain; null = it is. */
export function textProblem(value: unknown): string | null {
  if (typeof value === 'string') {
    if (value === '') return 'is empty; omit the key if there is no value';
    if (value.length > MAX_TEXT) return `is longer than ${MAX_TEXT} characters`;
    const control = CONTROL.exec(value);
    if (control) return `holds ${showCharacter(control[0])}`;
    if (value !== value.trim()) return 'begins or ends with white space';
    return value.isWellFormed() ? null : 'is not valid Unicode';
  }
  // As a number, 1.10 has become 1.1, and a long serial number has lost digits: the original text is lost.
  if (typeof value === 'number') return `is the number ${value}; quote it, because a number loses digits`;
  return `is ${kindOf(value)}; expected text`;
}

/** Why `md5` is not an MD5; null = it is. It must have passed {@link textProblem}. */
export function md5Problem(md5: string): string | null {
  return hexProblem(md5, 32, 'an MD5');
}

/** Like {@link md5Problem}. */
export function sha256Problem(sha256: string): string | null {
  return hexProblem(sha256, 64, 'a SHA-256');
}

function hexProblem(text: string, length: number, name: string): string | null {
  const count = text.length === 1 ? '1 character' : `${text.length} characters`;
  if (text.length !== length) return `has ${count}; ${name} has ${length} hexadecimal digits`;
  const bad = /[^0-9a-fA-F]/.exec(text);
  return bad ? `holds ${quoted(bad[0])}; ${name} has ${length} hexadecimal digits` : null;
}

/** Why `version` cannot be sent; null = it can. It must have passed {@link textProblem}. */
export function versionProblem(version: string): string | null {
  const bad = unseenIn(version.replaceAll(' ', ''));
  return bad === null ? null : `holds ${showCharacter(bad)}`;
}

/** ISO 8601 with a time zone. */
export const KNOWN_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** Reads `known`. All errors go to `bad`, by key. */
export function knownOf(raw: unknown, bad: (key: string, problem: string) => null): KnownDevice | null {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return bad('known', `is ${kindOf(raw)}; expected a mapping with ${KNOWN_PARTS.join(', ')}`);
  }
  const parts: Record<string, unknown> = { ...raw };
  for (const [part, value] of Object.entries(parts)) {
    const problem = value === null ? null : textProblem(value);
    if (!(KNOWN_PARTS as readonly string[]).includes(part)) {
      bad('known', `unknown key ${quoted(part)}${didYouMean(part, KNOWN_PARTS)}`);
    } else if (problem !== null) bad(`known.${part}`, problem);
    else if (part === 'heard_at' && value !== null && !isTime(value as string)) {
      bad('known.heard_at', `is ${kindOf(value)}; expected a time such as 2026-11-24T08:15:30Z`);
    }
  }
  const text = (part: string) => (typeof parts[part] === 'string' ? (parts[part] as string) : null);
  const heard = text('heard_at');
  return { version: text('version'), model: text('model'), heard_at: heard === null ? null : Date.parse(heard) };
}

function isTime(text: string): boolean {
  return KNOWN_TIME.test(text) && !Number.isNaN(Date.parse(text));
}

/** Why a dock could not download `url`; null = it can. It must have passed {@link textProblem}. */
export function urlProblem(url: string): string | null {
  if (/\s/.test(url)) return 'holds white space; write it as %20';
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https' && url.includes('://')) {
    return `uses ${quoted(`${scheme}:`)}; a dock downloads only over http or https`;
  }
  // The URL parser accepts `https:host` and backslashes; a dock may not.
  if (!/^https?:\/\/[^/\\]/i.test(url)) return 'is not a URL that starts with https:// or http://';
  return URL.canParse(url) ? null : 'is not a valid URL';
}

/** Why a dock may request something else than `url`; null = no doubt. It must have passed {@link urlProblem}. */
export function urlDoubt(url: string): string | null {
  return url.includes('#') ? 'holds "#": a server only sees the part before it; write %23 for a # in a name' : null;
}

/** A size in bytes, from a number or its decimal digits; null = not a size. */
export function sizeOf(value: unknown): number | null {
  const size = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : null;
}

/** The message if {@link sizeOf} returns null. */
export function sizeProblem(value: unknown): string {
  return `is ${kindOf(value)}; a size is a whole number of bytes, above 0`;
}

/** The upgrade type for a number or name of `firmware_upgrade_type`; null = not one. */
export function typeOf(value: unknown): UpgradeType | null {
  if (value === 2 || value === 3 || value === 4) return value;
  return typeof value === 'string' || typeof value === 'number' ? upgradeTypeOf(value) : null;
}

/** The message if {@link typeOf} returns null. */
export function typeProblem(value: unknown): string {
  const names = Object.values(UPGRADE_TYPES);
  const near = typeof value === 'string' ? didYouMean(value, names) : '';
  const all = Object.entries(UPGRADE_TYPES).map(([number, name]) => `${name} (${number})`);
  return `is ${kindOf(value)}${near || `; expected one of ${all.join(', ')}`}`;
}

/**
 * The last segment of a URL's or path's pathname, decoded if the result is a file name; null if there is none. A segment that
 * looks like a token is not used, because file names are shown and stored. `url` must have passed {@link urlProblem}.
 */
export function nameInUrl(url: string): string | null {
  const raw = new URL(url).pathname.split('/').at(-1) ?? '';
  let decoded = raw;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    // `100%.zip`: not percent-encoded.
  }
  if (!isFileName(raw)) return 'firmware.zip';
  if (nameProblem(decoded) === null) return decoded;
  return nameProblem(raw) === null ? raw : null;
}

/** Why `name` cannot be a file name on the dock; null = it can. */
export function nameProblem(name: string): string | null {
  const text = textProblem(name);
  if (text !== null) return text;
  if (/[/\\]/.test(name)) return `is ${quoted(name)}; a file name has no slash`;
  return name === '.' || name === '..' ? `is ${quoted(name)}, which is not a file name` : null;
}
