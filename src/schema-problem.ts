/** Describes the errors of a zod schema in the style of this program's errors, because zod's own texts are for programmers. */
import type * as z from 'zod';
import { quoted, safeText } from './text.js';

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

// How zod's own texts begin, used where a schema has no text of its own.
const ZODS_OWN = /^(Invalid|Too (small|big)|Unrecognized|Expected)\b/;

/** The problem of `issue`, as words that follow its path. The schema must have been parsed with `reportInput`. */
export function schemaProblem(issue: z.core.$ZodIssue): string {
  if (!ZODS_OWN.test(issue.message)) return safeText(issue.message, 400);
  const { input } = issue;
  if (input === undefined && issue.code !== 'custom') return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `is ${shown(input)}; expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `is ${shown(input)}; ${issue.values.map(shown).join(', ')} ${issue.values.length > 1 ? 'are' : 'is'} possible`;
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'is empty'
        : `is ${shown(input)}; the minimum is ${issue.minimum}`;
    case 'too_big':
      return `is ${shown(input)}; the maximum is ${issue.maximum}`;
    case 'unrecognized_keys':
      return `has unknown keys: ${issue.keys.map((key) => quoted(key)).join(', ')}`;
    default:
      return `is ${shown(input)}, which is not valid`;
  }
}

function shown(input: unknown): string {
  if (input === null) return 'null';
  if (typeof input === 'string') return quoted(input);
  if (Array.isArray(input)) return `a list of ${input.length}`;
  return typeof input === 'object' ? 'a mapping' : String(input);
}
