/** "Did you mean": finds the known word that a person probably meant. */
import { closest, distance } from 'fastest-levenshtein';

/**
 * Characters. Longer words are not typing errors, and comparing them takes time proportional to the product of both lengths.
 */
const LONGEST = 64;

/** The word of `known` that `word` probably means; null = none is similar. Case is ignored. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word === '' || word.length > LONGEST) return null;
  const lower = word.toLowerCase();
  const byLower = new Map(known.filter(isWord).map((each) => [each.toLowerCase(), each]));
  if (byLower.size === 0) return null;
  // `size` is far from `file_size` by letters, but clear. `file` alone could mean several.
  const holding = [...byLower.keys()].filter((each) => each.split('_').includes(lower));
  if (holding.length === 1) return byLower.get(holding[0] as string) ?? null;
  const best = closest(lower, [...byLower.keys()]);
  // At most a third of a word may be wrong.
  const allowed = Math.max(1, Math.floor(Math.max(lower.length, best.length) / 3));
  return distance(lower, best) <= allowed ? (byLower.get(best) ?? null) : null;
}

/** `; did you mean "sn"?`, or an empty text, to append to an error about `word`. */
export function didYouMean(word: string, known: readonly string[], show: Show = quoted): string {
  const meant = nearest(word, known);
  return meant === null ? '' : `; did you mean ${show(meant)}?`;
}

/** A hint: `Did you mean events?`, or `otherwise`. */
export function meantHint(word: string, known: readonly string[], otherwise: string, show: Show = bare): string {
  const meant = nearest(word, known);
  return meant === null ? otherwise : `Did you mean ${show(meant)}?`;
}

/** How the suggested word is written. */
export type Show = (word: string) => string;

const quoted: Show = (word) => JSON.stringify(word);
/** Shows a word without quotes. */
export const bare: Show = (word) => word;

function isWord(text: string): boolean {
  return text !== '' && text.length <= LONGEST;
}
