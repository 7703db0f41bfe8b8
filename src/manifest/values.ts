/** Single values of a device: each is read from what was written, or complained about in words that follow `key: `. */

import { didYouMean } from '../nearest.js';
import { UPGRADE_TYPES, type UpgradeType, upgradeTypeOf } from '../protocol/upgrade-types.js';
import { isFileName } from '../url.js';
import { MAX_TEXT } from './fields.js';
import { kindOf, quote } from './problem.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why `value` is no text for a manifest, or null where it is. */
export function textProblem(value: unknown): string | null {
  if (typeof value === 'string') {
    if (value === '') return 'is empty; leave the key out where there is nothing to say';
    if (value.length > MAX_TEXT) return `is longer than ${MAX_TEXT} characters`;
    if (CONTROL.test(value)) return 'holds a control character';
    if (value !== value.trim()) return 'begins or ends with white space';
    return value.isWellFormed() ? null : 'is not valid Unicode';
  }
  // As a number, 1.10 has become 1.1 and a long serial number has lost digits: what was written is not known any more.
  if (typeof value === 'number') return `is the number ${value}; write it in quotes, because a number loses digits`;
  return `is ${kindOf(value)}; text is wanted`;
}

/** Why `md5`, which {@link textProblem} has passed, is none, or null where it is one. */
export function md5Problem(md5: string): string | null {
  if (/^[0-9a-fA-F]{32}$/.test(md5)) return null;
  const count = md5.length === 1 ? '1 character' : `${md5.length} characters`;
  if (md5.length !== 32) return `has ${count}; an MD5 has 32 hexadecimal digits`;
  return `holds ${quote(/[^0-9a-fA-F]/.exec(md5)?.[0] ?? '')}; an MD5 has 32 hexadecimal digits`;
}

/** Why the dock could not download `url`, which {@link textProblem} has passed, or null. */
export function urlProblem(url: string): string | null {
  if (/\s/.test(url)) return 'holds white space; write it as %20';
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https' && url.includes('://')) {
    return `uses ${quote(`${scheme}:`)}; a dock downloads over http or https alone`;
  }
  // The parser would forgive `https:host` and backslashes; a dock's may not.
  if (!/^https?:\/\/[^/\\]/i.test(url)) return 'is not a URL that starts with https:// or http://';
  return URL.canParse(url) ? null : 'is not a valid URL';
}

/** Bytes, from a number or its decimal digits; null where it is no size. */
export function sizeOf(value: unknown): number | null {
  const size = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof size === 'number' && Number.isSafeInteger(size) && size > 0 ? size : null;
}

/** What to say where {@link sizeOf} found none. */
export function sizeProblem(value: unknown): string {
  return `is ${kindOf(value)}; a size is a whole number of bytes, above 0`;
}

export function typeOf(value: unknown): UpgradeType | null {
  if (value === 2 || value === 3 || value === 4) return value;
  return typeof value === 'string' || typeof value === 'number' ? upgradeTypeOf(value) : null;
}

/** What to say where {@link typeOf} found none. */
export function typeProblem(value: unknown): string {
  const names = Object.values(UPGRADE_TYPES);
  const near = typeof value === 'string' ? didYouMean(value, names) : '';
  const all = Object.entries(UPGRADE_TYPES).map(([number, name]) => `${name} (${number})`);
  return `is ${kindOf(value)}${near || `; one of ${all.join(', ')} is wanted`}`;
}

/**
 * The last part of a URL's or path's way, decoded where that gives a name; null where it has none. A part that looks like
 * a token is no name: file names are shown and kept.
 * `url` has to have passed {@link urlProblem}.
 */
export function nameInUrl(url: string): string | null {
  const raw = new URL(url).pathname.split('/').at(-1) ?? '';
  let decoded = raw;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    // `100%.zip`: no encoding, then.
  }
  if (!isFileName(raw)) return 'firmware.zip';
  if (nameProblem(decoded) === null) return decoded;
  return nameProblem(raw) === null ? raw : null;
}

/** Why `name` cannot be a file's name on the dock, or null where it can. */
export function nameProblem(name: string): string | null {
  const text = textProblem(name);
  if (text !== null) return text;
  if (/[/\\]/.test(name)) return `is ${quote(name)}; a file name holds no slash`;
  return name === '.' || name === '..' ? `is ${quote(name)}, which is no file name` : null;
}
