/** "Did you mean": the known word that a person probably meant by one that is not known. */
import { closest, distance } from 'fastest-levenshtein';

/** Longer words are no slips of the finger, and comparing them takes the product of both lengths. */
const LONGEST = 64;

/** The one of `known` that was probably meant by `word`, or null where none is near. Case is no difference. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word === '' || word.length > LONGEST) return null;
  const lower = word.toLowerCase();
  const byLower = new Map(known.filter(isWord).map((each) => [each.toLowerCase(), each]));
  if (byLower.size === 0) return null;
  // `size` for `file_size` is far by letters, and yet clear; `file` alone could be any of several.
  const holding = [...byLower.keys()].filter((each) => each.split('_').includes(lower));
  if (holding.length === 1) return byLower.get(holding[0] as string) ?? null;
  const best = closest(lower, [...byLower.keys()]);
  // A third of a word may be wrong, not more.
  const allowed = Math.max(1, Math.floor(Math.max(lower.length, best.length) / 3));
  return distance(lower, best) <= allowed ? (byLower.get(best) ?? null) : null;
}

/** `; did you mean "sn"?`, or nothing, to follow a complaint about `word`. */
export function didYouMean(word: string, known: readonly string[], show: Show = quoted): string {
  const meant = nearest(word, known);
  return meant === null ? '' : `; did you mean ${show(meant)}?`;
}

/** A hint by itself: `Did you mean events?`, or `otherwise`. */
export function meantHint(word: string, known: readonly string[], otherwise: string, show: Show = bare): string {
  const meant = nearest(word, known);
  return meant === null ? otherwise : `Did you mean ${show(meant)}?`;
}

/** How the word that was meant is written. */
export type Show = (word: string) => string;

const quoted: Show = (word) => JSON.stringify(word);
export const bare: Show = (word) => word;

function isWord(text: string): boolean {
  return text !== '' && text.length <= LONGEST;
}
