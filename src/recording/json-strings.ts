/** Rewrites the strings in a JSON text, even a malformed one, and leaves every other byte unchanged. */

/** Where a string is. `key`: the key of the value; null for a key itself, and if there is none. */
interface Place {
  key: string | null;
  isKey: boolean;
}

interface Rewriter {
  string(text: string, place: Place): string;
  /** Rewrites a number or word after `key`. Default: unchanged. */
  scalar?(literal: string, key: string): string;
}

/** JSON in a string in JSON, and so on: deeper levels are treated as text. */
const MAX_DEPTH = 6;
/** What is between the strings of well-formed JSON: punctuation, numbers, true, false and null. */
const BETWEEN = /^[\s:,[\]{}\d.eE+\-truefalsn]*$/;
const SCALAR = /^(\s*:\s*)([^\s,[\]{}":]+)/;

/** Rewrites every string in `text`, including JSON within strings. `depth`: the nesting level of strings. */
export function rewriteStrings(text: string, rewriter: Rewriter, depth = 0): string {
  let out = '';
  let at = 0;
  // The last string, if it may be a key; the key whose list is being read.
  let last: string | null = null;
  let list: string | null = null;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const between = text.slice(at, quote < 0 ? text.length : quote);
    out += rewriteBetween(between, last, rewriter);
    if (quote < 0) break;
    const punctuation = between.trim();
    const isValue: boolean = punctuation === ':' || /^:\s*\[$/.test(punctuation);
    const key: string | null = isValue ? last : punctuation === ',' ? list : null;
    if (punctuation !== ',') list = punctuation.endsWith('[') ? key : null;
    const end = endOfString(text, quote);
    // Cut off: the rest is the string.
    if (end < 0) return `${out}"${rewriter.string(text.slice(quote + 1), { key, isKey: false })}`;
    const literal = text.slice(quote, end);
    const value = decoded(literal);
    const isKey = key === null && /^\s*:/.test(text.slice(end, end + 32));
    const nested = !isKey && depth < MAX_DEPTH && value.includes('"');
    const inner = nested ? rewriteStrings(value, withKey(rewriter, key), depth + 1) : value;
    const changed = inner === value ? rewriter.string(value, { key, isKey }) : inner;
    out += changed === value ? literal : JSON.stringify(changed);
    last = value;
    at = end;
  }
  return out;
}

/** Strings of nested JSON without a key of their own get the key of the outer string. */
function withKey(rewriter: Rewriter, outer: string | null): Rewriter {
  return { ...rewriter, string: (text, place) => rewriter.string(text, { ...place, key: place.key ?? outer }) };
}

function rewriteBetween(between: string, key: string | null, { string, scalar }: Rewriter): string {
  const found = key === null ? null : SCALAR.exec(between);
  const [whole = '', colon = '', literal = ''] = found ?? [];
  const changed = found && key !== null ? (scalar?.(literal, key) ?? literal) : literal;
  if (changed !== literal) return `${colon}${changed}${rewriteBetween(between.slice(whole.length), null, { string })}`;
  return BETWEEN.test(between) ? between : string(between, { key: null, isKey: false });
}

/** The index after the closing quote of the string that begins at `quote`; -1 if it has none. */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x5c) at++;
    else if (char === 0x22) return at + 1;
  }
  return -1;
}

function decoded(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    // An invalid escape or a control character: left unchanged.
    return literal.slice(1, -1);
  }
}
