import { closest, distance } from 'fastest-levenshtein';

/** Longer words are no slips of the finger, and comparing them takes the product of both lengths. */
const LONGEST = 64;

/** The one of `candidates` that `word` was probably meant to be, or null where none is near. Case is no difference. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (word === '' || word.length > LONGEST) return null;
  const lower = word.toLowerCase();
  const short = candidates.filter((candidate) => candidate !== '' && candidate.length <= LONGEST);
  const byLower = new Map(short.map((candidate) => [candidate.toLowerCase(), candidate]));
  if (byLower.size === 0) return null;
  // `size` for `file_size` is far by letters, and yet clear.
  const part = short.find((candidate) => candidate.split('_').includes(lower));
  if (part !== undefined) return part;
  const best = closest(lower, [...byLower.keys()]);
  const allowed = Math.max(1, Math.floor(Math.min(word.length, best.length) / 3));
  return distance(lower, best) <= allowed ? (byLower.get(best) ?? null) : null;
}

/** `; did you mean "sn"?`, or nothing, to follow a complaint about `word`. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates);
  return meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`;
}
