import { OtaError } from '../errors.js';
import { quoted, safeText } from '../text.js';

/** The name of a manifest in messages. */
export function showSource(source: string): string {
  return source === '-' ? 'the manifest on standard input' : safeText(source, 300);
}

/** The error for a manifest that cannot be read or parsed. `place`: line and column, from 1. */
export function unreadable(
  source: string,
  problem: string,
  options: { place?: { line: number; col: number } | undefined; hint?: string; cause?: unknown } = {},
): OtaError {
  const { place } = options;
  const where = place ? `line ${place.line}, column ${place.col}: ` : '';
  return new OtaError('manifest_unreadable', `${showSource(source)}: ${where}${problem}`, {
    ...(options.hint === undefined ? {} : { hint: options.hint }),
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}

/** Line and column, from 1, of `offset` in `text`. */
export function placeOf(text: string, offset: number): { line: number; col: number } {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = text.indexOf('\n', start);
    if (end === -1 || end >= offset) return { line, col: offset - start + 1 };
    line++;
    start = end + 1;
  }
}

/** What was found instead of the expected value: `a list`, `the number 7`, `"text"`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return quoted(value);
  return `the ${typeof value} ${String(value)}`;
}
