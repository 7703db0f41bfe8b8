import { jsonProblem, oddStructure } from './json-syntax.js';
import { placeOf, quote, unreadable } from './problem.js';

/**
 * The value of a JSON text.
 * @throws OtaError `manifest_unreadable`, with line and column.
 */
export function parseJson(source: string, text: string): unknown {
  const odd = oddStructure(text);
  if (odd?.key === null) throw unreadable(source, 'is nested too deeply', { place: placeOf(text, odd.offset) });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const problem = jsonProblem(text);
    throw unreadable(source, `is not JSON${problem === null ? '' : `: ${problem.problem}`}`, {
      place: problem === null ? undefined : placeOf(text, problem.offset),
      hint: 'Correct the JSON, then try again.',
      cause: error,
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
