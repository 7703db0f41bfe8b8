import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countKeyMarks, countKeys, jsonProblem } from '../../../src/manifest/parse/json-syntax.js';
import { placeOf } from '../../../src/manifest/unreadable.js';

// The same values in every run.
fc.configureGlobal({ seed: 20260529 });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['', 0, 'ends before it is complete'],
  ['[', 1, 'ends before it is complete'],
  ['[1', 2, 'ends before it is complete'],
  ['{"a"}', 4, 'has "}" where ":" is expected'],
  ['{"a": 1,}', 8, 'has an extra comma before "}"'],
  ['[1,\n ]', 5, 'has an extra comma before "]"'],
  ['[1 2]', 3, 'has "2" where "," or the closing bracket is expected'],
  ['{"a": 1 "b": 2}', 8, 'has another text where "," or the closing bracket is expected'],
  ["{'a': 1}", 1, 'has a single quote; JSON text needs double quotes'],
  ['{"a": "b}', 6, 'has a text that is not closed'],
  ['{"a": "\\q"}', 6, 'has a bad escape in a text'],
  ['{"a": "\\u12"}', 6, 'has a bad escape in a text'],
  ['{"a": "b\tc"}', 6, 'has a line end or control character in a text'],
  ['[1] // all', 4, 'has a comment; JSON does not allow comments'],
  ['[1, /* two */ 2]', 4, 'has a comment; JSON does not allow comments'],
  ['# all\n[1]', 0, 'has a comment; JSON does not allow comments'],
  ['[01]', 2, 'has "1" where "," or the closing bracket is expected'],
  ['[1.]', 1, 'has a number that is not complete'],
  ['[1}', 2, 'has "}" where "," or the closing bracket is expected'],
  ['[}', 1, 'has "}" where a value is expected'],
  ['{a: 1}', 1, 'has "a", which begins no key or value in JSON'],
  ['[1] [2]', 4, 'has "[" where the end is expected'],
])('%j stops being JSON at %i', (text, offset, problem) => {
  expect(jsonProblem(text)).toEqual({ kind: 'syntax', offset, problem });
});

test('a problem is found in the texts that JSON.parse refuses, and in no other', () => {
  const alphabet = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    'a',
    'u',
    '0',
    '1',
    '-',
    '.',
    'e',
    ' ',
    '\n',
    'true',
    'null',
    '"k"',
  );
  const damaged = fc.tuple(fc.json(), fc.nat(), alphabet, fc.nat({ max: 2 })).map(([json, at, piece, gone]) => {
    const place = at % (json.length + 1);
    return json.slice(0, place) + piece + json.slice(place + gone);
  });
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc.array(alphabet).map((pieces) => pieces.join('')),
    damaged,
  );
  fc.assert(
    fc.property(text, (candidate) => {
      expect(jsonProblem(candidate)?.kind === 'syntax').toBe(!isJson(candidate));
    }),
    { numRuns: 2000 },
  );
});

test('no key repeats in the output of JSON.stringify, and a repeated key is found', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(jsonProblem(JSON.stringify(value, null, 1))).toBeNull();
    }),
  );
  const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(keys, fc.jsonValue({ maxDepth: 2 }), fc.nat(), (names, value, pick) => {
      const twice = names[pick % names.length] as string;
      const pairs = [...names, twice].map((name) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
      const text = `[{${pairs.join(', ')}}]`;
      expect(countKeyMarks(text)).toBeGreaterThan(countKeys(JSON.parse(text)));
      const found = jsonProblem(text);
      expect(found?.kind).toBe('key');
      expect(text.slice(found?.offset).startsWith(JSON.stringify(twice))).toBe(true);
    }),
  );
});

test('the same key in different objects is no repetition', () => {
  expect(jsonProblem('[{"a": {"a": 1}, "b": [{"a": 2}]}, {"a": "\\"a\\": 1"}]')).toBeNull();
});

test('keys are counted in the text as in the value, but for texts that look like keys', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'B', '_', 'é', '{', ' ') });
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 5 }, key, fc.integer(), fc.constant(null), tie('list'), tie('object')),
    list: fc.array(tie('any'), { maxLength: 4 }),
    object: fc.dictionary(key, tie('any'), { maxKeys: 4 }),
  })).any;
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, '\t'), (any, indent) => {
      expect(countKeyMarks(JSON.stringify(any, null, indent))).toBe(countKeys(any));
    }),
  );
  expect(countKeyMarks('[{"a" \n : ":b", "c": "\\":"}]')).toBe(4);
  expect(countKeys(JSON.parse('[{"a": ":b", "c": "\\":"}]'))).toBe(2);
  expect(countKeys(JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`))).toBe(0);
  expect(countKeys(JSON.parse(`${'['.repeat(101)}${']'.repeat(101)}`))).toBeNaN();
});

test('too deep nesting is found', () => {
  expect(jsonProblem(`${'['.repeat(100)}${']'.repeat(100)}`)).toBeNull();
  expect(jsonProblem('['.repeat(1000))).toMatchObject({ offset: 100, kind: 'depth' });
});

test('places count lines and columns from 1', () => {
  expect(['a\nbc\n\nd'].flatMap((text) => [0, 1, 2, 3, 5, 6].map((at) => placeOf(text, at)))).toEqual([
    { line: 1, col: 1 },
    { line: 1, col: 2 },
    { line: 2, col: 1 },
    { line: 2, col: 2 },
    { line: 3, col: 1 },
    { line: 4, col: 1 },
  ]);
});
