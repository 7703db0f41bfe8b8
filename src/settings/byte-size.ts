import { OtaError } from '../errors.js';
import { quoted } from '../text.js';

// Powers of 1000, as used by file managers, docks and disks.
const UNITS = ['', 'k', 'M', 'G', 'T'];

/**
 * Parses a number of bytes as users write it: `500k`, `2M`, `1.5G`, in any case, with or without a `B`. A bare number is bytes.
 * @param name what the size is for, as named in the message: `--max-size`
 * @throws OtaError `usage`
 */
export function parseByteSize(text: string, name: string): number {
  const match = /^(\d{1,16}(?:\.\d{1,6})?)([kmgt]?)b?$/i.exec(text.trim());
  const power = UNITS.findIndex((unit) => unit.toLowerCase() === match?.[2]?.toLowerCase());
  const bytes = Math.round(Number(match?.[1]) * 1000 ** power);
  if (match && bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  const why = bytes === 0 ? 'must be more than 0' : 'is not a number of bytes';
  throw new OtaError('usage', `${name}: ${quoted(text)} ${why}`, {
    hint: 'Examples: 500k, 2M, 8G; a number without a unit is bytes.',
  });
}

/** The shortest text that {@link parseByteSize} reads as this number of bytes: `8G`. */
export function writeByteSize(bytes: number): string {
  const power = UNITS.findLastIndex((_, n) => bytes % 1000 ** n === 0);
  return `${bytes / 1000 ** power}${UNITS[power]}`;
}
