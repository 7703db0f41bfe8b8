import { quoted } from '../../text.js';
import { placeOf, unreadable } from '../unreadable.js';
import { countKeyMarks, countKeys, jsonProblem, oddStructure, oversized } from './json-syntax.js';

/** Characters of a text that costs nothing, whatever is in it. */
const SMALL = 100_000;
const SPLIT = 'Is it the right file? A large fleet can be split into several manifests.';

/**
 * The value of a JSON text.
 * @throws OtaError `manifest_unreadable`, with line and column.
 */
export function parseJson(source: string, text: string): unknown {
  // JSON.parse would follow millions of brackets, and fill the memory, before anybody could look at what it finds.
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
  const odd = oddStructure(text);
  if (odd?.key === null) throw unreadable(source, 'is nested too deeply', { place: placeOf(text, odd.offset) });
  if (failure !== undefined) {
    const problem = jsonProblem(text);
    throw unreadable(source, `is not JSON${problem === null ? '' : `: ${problem.problem}`}`, {
      place: problem === null ? undefined : placeOf(text, problem.offset),
      hint: 'Correct the JSON, then try again.',
      cause: failure,
    });
  }
  if (odd) {
    throw unreadable(source, `the key ${quoted(odd.key)} is given twice in one object`, {
      place: placeOf(text, odd.offset),
      hint: 'Leave one of them out.',
    });
  }
  return value;
}
