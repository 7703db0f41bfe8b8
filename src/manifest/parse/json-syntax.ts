/**
 * Finds what JSON.parse does not report in every version of Node: the position of a syntax error, and keys that occur twice in
 * an object (JSON.parse silently uses the last one, which for an `md5` would be a guess).
 */
import { printParseErrorCode, visit } from 'jsonc-parser';
import { quoted } from '../../text.js';

interface JsonProblem {
  /** Characters from the start of the text. */
  offset: number;
  problem: string;
}

/** By the error names of jsonc-parser. */
const WANTED: Readonly<Record<string, string>> = {
  PropertyNameExpected: 'a key in double quotes',
  ValueExpected: 'a value',
  ColonExpected: '":"',
  CommaExpected: '"," or the closing bracket',
  CloseBraceExpected: '"," or the closing bracket',
  CloseBracketExpected: '"," or the closing bracket',
  EndOfFileExpected: 'the end',
};

const BROKEN: Readonly<Record<string, string>> = {
  UnexpectedEndOfString: 'has a text that is not closed',
  InvalidEscapeCharacter: 'has a bad escape in a text',
  InvalidUnicode: 'has a bad escape in a text',
  InvalidCharacter: 'has a line end or control character in a text',
  InvalidCommentToken: 'has a comment; JSON does not allow comments',
  UnexpectedEndOfComment: 'has a comment; JSON does not allow comments',
  UnexpectedEndOfNumber: 'has a number that is not complete',
};

function problemAt(text: string, at: number, code: string): string {
  if (text.slice(at).trim() === '') return 'ends before it is complete';
  const wanted = WANTED[code] ?? 'a value';
  const known = BROKEN[code];
  if (known !== undefined) return known;
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if ((char === '}' || char === ']') && /,\s*$/.test(text.slice(Math.max(0, at - 200), at)))
    return `has an extra comma before "${char}"`;
  if (char === "'") return 'has a single quote; JSON text needs double quotes';
  if (char === '#') return 'has a comment; JSON does not allow comments';
  if (code === 'InvalidSymbol') return `has ${quoted(char)}, which begins no key or value in JSON`;
  if (char === '"') return `has another text where ${wanted} is expected`;
  return `has ${quoted(char)} where ${wanted} is expected`;
}

/** Deeper than any manifest. Refused before it costs time and memory. */
const MAX_DEPTH = 100;

/** A list has at most a million devices, an object at most a hundred keys; each device has up to two objects of its own. */
const MAX_ITEMS = 1_000_000;
const MAX_KEYS = 1000;
const MAX_CONTAINERS = 4_000_000;

/**
 * Where `text` exceeds what a manifest can contain, and how; null = it does not. One pass over text that is assumed to be JSON,
 * so that JSON.parse does not fill the memory first.
 */
export function oversized(text: string): JsonProblem | null {
  // For each open list or object: whether it is an object, and how many commas it has.
  const open: { object: boolean; commas: number }[] = [];
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      const end = stringEnd(text, at);
      if (end === -1) return null;
      at = end;
    } else if (char === 0x7b || char === 0x5b) {
      if (open.push({ object: char === 0x7b, commas: 0 }) > MAX_DEPTH)
        return { offset: at, problem: 'is nested too deeply' };
      if (++containers > MAX_CONTAINERS) {
        return { offset: at, problem: `holds more than ${MAX_CONTAINERS} lists and objects` };
      }
    } else if (char === 0x7d || char === 0x5d) open.pop();
    else if (char === 0x2c) {
      const last = open.at(-1);
      if (!last) return null;
      last.commas++;
      if (last.commas >= MAX_ITEMS) return { offset: at, problem: `holds a list of more than ${MAX_ITEMS} items` };
      if (last.object && last.commas >= MAX_KEYS) {
        return { offset: at, problem: `holds an object of more than ${MAX_KEYS} keys` };
      }
    }
  }
  return null;
}

/** Thrown to stop the parser at the first problem. */
const FOUND = Symbol('found');

/**
 * The first position where `text` is not JSON, is nested too deeply, or repeats a key in one object (`key`); null = none. Slow,
 * so it is used only if {@link countKeys} or JSON.parse found a problem.
 */
export function jsonProblem(text: string): (JsonProblem & { kind: 'syntax' | 'depth' | 'key' }) | null {
  let first: ReturnType<typeof jsonProblem> = null;
  let twice: ReturnType<typeof jsonProblem> = null;
  const open: Set<string>[] = [];
  const begin = (offset: number) => {
    if (open.push(new Set()) <= MAX_DEPTH) return;
    first = { kind: 'depth', offset, problem: 'is nested too deeply' };
    throw FOUND;
  };
  const end = () => void open.pop();
  try {
    visit(
      text,
      {
        onObjectBegin: begin,
        onObjectEnd: end,
        onArrayBegin: begin,
        onArrayEnd: end,
        onObjectProperty(key, offset) {
          const keys = open.at(-1);
          if (keys?.has(key))
            twice ??= { kind: 'key', offset, problem: `the key ${quoted(key)} is given twice in one object` };
          keys?.add(key);
        },
        onError(code, offset) {
          first = { kind: 'syntax', offset, problem: problemAt(text, offset, printParseErrorCode(code)) };
          throw FOUND;
        },
      },
      { disallowComments: true },
    );
  } catch (thrown) {
    if (thrown !== FOUND) throw thrown;
  }
  // A syntax error comes first.
  return first ?? twice;
}

/**
 * The number of quotes before a colon in `text`: the number of its keys, or more if texts contain them as well. If it equals
 * {@link countKeys} of the parsed value, no key is repeated; that takes a tenth of the time of {@link jsonProblem}.
 */
export function countKeyMarks(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) <= 0x20) before--;
    if (text.charCodeAt(before) === 0x22) count++;
  }
  return count;
}

/** The number of keys of all objects in a parsed JSON value; NaN if it is nested too deeply. */
export function countKeys(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= MAX_DEPTH) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const each of value) if (typeof each === 'object') count += countKeys(each, depth + 1);
    return count;
  }
  for (const key of Object.keys(value)) {
    const each = (value as Record<string, unknown>)[key];
    count += typeof each === 'object' ? 1 + countKeys(each, depth + 1) : 1;
  }
  return count;
}

function stringEnd(text: string, start: number): number {
  for (let end = start; ; ) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return -1;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
  }
}
