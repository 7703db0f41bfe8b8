import { countKeyMarks, countKeys, jsonProblem, oddStructure } from './json-syntax.js';
import { placeOf, quote, unreadable } from './problem.js';

/**
 * The value of a JSON text.
 * @throws OtaError `manifest_unreadable`, with line and column.
 */
export function parseJson(source: string, text: string): unknown {
  // JSON.parse would follow millions of brackets, and fill the memory, before it finds that they are not closed.
  let odd = /\[\s*\[\s*\[/.test(text) ? oddStructure(text) : null;
  let value: unknown;
  let failure: unknown;
  if (odd?.key !== null) {
    try {
      value = JSON.parse(text);
      if (countKeys(value) === countKeyMarks(text)) return value;
    } catch (error) {
      failure = error;
    }
    odd = oddStructure(text);
  }
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
    throw unreadable(source, `the key ${quote(odd.key)} is given twice in one object`, {
      place: placeOf(text, odd.offset),
      hint: 'Leave one of them out.',
    });
  }
  return value;
}
