import { OtaError } from '../errors.js';
import { quoted } from '../text.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h|d)/gy;
const BARE = /^(?:\d+(?:\.\d*)?|\.\d+)$/;

/** No upgrade takes a year, so a longer limit is probably the wrong unit. */
const LONGEST = 365 * 86_400_000;

/**
 * Parses a duration as users write it, in milliseconds: `500ms`, `30s`, `1.5m`, `2h`, `1h30m`, `1d`. A bare number is seconds.
 * @param name what the duration is for, as named in the message: `--timeout`
 * @throws OtaError `usage`
 */
export function parseDuration(text: string, name = 'the duration'): number {
  const source = text.trim().toLowerCase();
  const refuse = (why: string, hint = 'Examples: 500ms, 30s, 15m, 2h, 1h30m; a number without a unit is seconds.') =>
    new OtaError('usage', `${name}: ${quoted(text)} ${why}`, { hint });
  if (/^-/.test(source)) throw refuse('is negative');
  const total = source.length > 64 ? null : BARE.test(source) ? Number(source) * 1000 : sumParts(source);
  if (total === null) throw refuse('is not a duration');
  if (total > LONGEST) throw refuse('is longer than 365 days');
  // A positive duration never becomes 0, because 0 often means "at once" or "no limit".
  return total === 0 ? 0 : Math.max(1, Math.round(total));
}

/** Like {@link parseDuration}, but 0 is not allowed. */
export function parseTimeout(text: string, name = 'the timeout'): number {
  const ms = parseDuration(text, name);
  if (ms === 0) throw new OtaError('usage', `${name}: ${quoted(text)} must be more than 0`);
  return ms;
}

// `1h30m`: the largest unit first, and each unit once. `30m1h` is more likely a mistake.
function sumParts(source: string): number | null {
  PART.lastIndex = 0;
  let total = 0;
  let end = 0;
  let last = Number.POSITIVE_INFINITY;
  for (let part = PART.exec(source); part; part = PART.exec(source)) {
    const unit = UNITS[part[2] as string] as number;
    if (unit >= last) return null;
    last = unit;
    total += Number(part[1]) * unit;
    end = PART.lastIndex;
  }
  return end > 0 && end === source.length ? total : null;
}

/** The shortest text that {@link parseDuration} reads as this number of milliseconds: `30s`, `1h30m`. */
export function writeDuration(ms: number): string {
  if (ms === 0) return '0';
  let rest = ms;
  let text = '';
  for (const [unit, size] of Object.entries(UNITS).reverse()) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
