import { closest, distance } from 'fastest-levenshtein';

/** Which of `known` was probably meant by `text`, or null: a third of a word may be wrong, not more. */
export function nearest(text: string, known: readonly string[]): string | null {
  if (known.length === 0 || text.length > 64) return null;
  const near = closest(text, known);
  return distance(text, near) <= Math.max(1, Math.floor(Math.max(text.length, near.length) / 3)) ? near : null;
}
