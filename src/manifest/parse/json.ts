import { placeOf, unreadable } from '../unreadable.js';
import { countKeyMarks, countKeys, jsonProblem, oversized } from './json-syntax.js';

/** Characters. A text up to this size is cheap to parse, whatever it contains. */
const SMALL = 100_000;
const SPLIT = 'Is it the right file? A large fleet can be split into several manifests.';

/**
 * Parses a JSON text.
 * @throws OtaError `manifest_unreadable`, with line and column
 */
export function parseJson(source: string, text: string): unknown {
  // JSON.parse would process millions of brackets, and fill the memory, before the result could be checked.
  const large = text.length > SMALL ? oversized(text) : null;
  if (large) throw unreadable(source, large.problem, { place: placeOf(text, large.offset), hint: SPLIT });
  let value: unknown;
  let failure: unknown;
  try {
    value = JSON.parse(text);
    if (countKeys(value) === countKeyMarks(text)) return value;
  } catch (error) {
    failure = error;
  }
  const found = jsonProblem(text);
  const place = found === null ? undefined : placeOf(text, found.offset);
  if (found?.kind === 'depth') throw unreadable(source, found.problem, { place });
  if (failure !== undefined) {
    throw unreadable(source, `is not JSON${found?.kind === 'syntax' ? `: ${found.problem}` : ''}`, {
      place: found?.kind === 'syntax' ? place : undefined,
      hint: 'Correct the JSON, then try again.',
      cause: failure,
    });
  }
  if (found?.kind === 'key') throw unreadable(source, found.problem, { place, hint: 'Remove one of them.' });
  return value;
}
