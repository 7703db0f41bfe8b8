/**
 * What JSON.parse does not tell in every version of Node: where a text stops being JSON, and whether an object names a
 * key twice (JSON.parse silently takes the last one, which for an `md5` would be a guess).
 */
import { quoted } from '../../text.js';

export interface JsonProblem {
  /** Characters from the start. */
  offset: number;
  problem: string;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

/** What may come next. `first...`: just after the opening bracket, where the closing one may follow. */
type Wanted = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

const WORDS: Readonly<Record<Wanted, string>> = {
  value: 'a value',
  'first value': 'a value or "]"',
  key: 'a key in double quotes',
  'first key': 'a key in double quotes or "}"',
  colon: '":"',
  comma: '"," or the closing bracket',
  end: 'the end',
};

/** The first place where `text` is not JSON, or null where it is JSON. */
export function jsonProblem(text: string): JsonProblem | null {
  const open: string[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const afterValue = (): Wanted => (open.length > 0 ? 'comma' : 'end');
  for (;;) {
    take(SPACE);
    const char = text[at];
    if (char === undefined)
      return wanted === 'end' ? null : { offset: at, problem: `ends where ${WORDS[wanted]} is wanted` };
    if (wanted === 'value' || wanted === 'first value') {
      if (char === '{' || char === '[') {
        open.push(char);
        wanted = char === '{' ? 'first key' : 'first value';
        at++;
      } else if (char === ']' && wanted === 'first value') {
        open.pop();
        wanted = afterValue();
        at++;
      } else if (take(STRING) || take(LITERAL)) wanted = afterValue();
      else return { offset: at, problem: found(text, at, wanted) };
    } else if (wanted === 'key' || wanted === 'first key') {
      if (take(STRING)) wanted = 'colon';
      else if (char === '}' && wanted === 'first key') {
        open.pop();
        wanted = afterValue();
        at++;
      } else return { offset: at, problem: found(text, at, wanted) };
    } else if (wanted === 'colon' && char === ':') {
      wanted = 'value';
      at++;
    } else if (wanted === 'comma' && char === ',') {
      wanted = open.at(-1) === '{' ? 'key' : 'value';
      at++;
    } else if (wanted === 'comma' && char === (open.at(-1) === '{' ? '}' : ']')) {
      open.pop();
      wanted = afterValue();
      at++;
    } else return { offset: at, problem: found(text, at, wanted) };
  }
}

function found(text: string, at: number, wanted: Wanted): string {
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if ((char === '}' || char === ']') && (wanted === 'key' || wanted === 'value')) {
    return `has a comma too many before "${char}"`;
  }
  if (char === "'") return 'has a single quote; text is in double quotes';
  if (char === '"' && wanted !== 'comma' && wanted !== 'colon')
    return 'has a text that is not closed or holds a bad escape';
  if (char === '#' || text.startsWith('//', at) || text.startsWith('/*', at))
    return 'has a comment, which JSON has not';
  if (char === '"') return `has another text where ${WORDS[wanted]} is wanted`;
  return `has ${quoted(char)} where ${WORDS[wanted]} is wanted`;
}

/** Deeper than any manifest; what is deeper is refused before it can cost time and memory. */
const MAX_DEPTH = 100;

/** A list of a manifest has at most a million devices, an object a hundred keys; devices have two objects of their own. */
const MAX_ITEMS = 1_000_000;
const MAX_KEYS = 1000;
const MAX_CONTAINERS = 4_000_000;

/**
 * Where `text` becomes larger than any manifest, and what is too large there, or null. Known before JSON.parse would fill the
 * memory with it; one pass that takes `text` to be JSON.
 */
export function oversized(text: string): JsonProblem | null {
  // Of each open list or object: whether it is an object, and its commas.
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

/**
 * The first key that an object of `text` names twice, or the place where the nesting is too deep (`key` null), or null.
 * One quick pass that takes `text` to be JSON; where it is not, {@link jsonProblem} has the word.
 */
export function oddStructure(text: string): { offset: number; key: string | null } | null {
  const outer: (Set<string> | null)[] = [];
  let twice: { offset: number; key: string } | null = null;
  // The keys of the object that `at` is in; null in a list or at the top.
  let keys: Set<string> | null = null;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      const end = stringEnd(text, at);
      if (end === -1) break;
      if (keys && !twice && isKey(text, end)) {
        const key = unescaped(text.slice(at + 1, end));
        if (keys.has(key)) twice = { offset: at, key };
        keys.add(key);
      }
      at = end;
    } else if (char === 0x7b || char === 0x5b) {
      if (outer.push(keys) > MAX_DEPTH) return { offset: at, key: null };
      keys = char === 0x7b ? new Set() : null;
    } else if (char === 0x7d || char === 0x5d) {
      keys = outer.pop() ?? null;
    }
  }
  return twice;
}

/**
 * Quotes before a colon in `text`: as many as it has keys, or more where a text holds them as well. As many as
 * {@link countKeys} finds in its value means that no key is given twice, in a tenth of the time of {@link oddStructure}.
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

/** Keys of all objects in a parsed JSON value; NaN where the nesting is too deep to be counted. */
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

function unescaped(raw: string): string {
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
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

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === 0x3a;
}
