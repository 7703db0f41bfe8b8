/** Measures text in terminal columns: CJK and emoji take two, combining marks none. */
import stringWidth from 'string-width';

// Each of these takes one column: ASCII, Latin, and the symbols of this program.
const PLAIN = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2013-\u2026→↳↻≈─-▟▶○✔✖]*$/;

// Cached, because measuring anything else is slow, and the same texts come ten times a second.
const known = new Map<string, number>();
const MOST_KNOWN = 2000;

/** The columns of `text`; colour codes take none. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = known.get(text);
  if (width === undefined) {
    width = stringWidth(text);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(text, width);
  }
  return width;
}

/** `text` in at most `width` columns; a longer text ends with `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return width === 1 ? '…' : '';
  const kept = PLAIN.test(text) ? text.slice(0, width - 1) : head(parts(text), width - 1);
  return `${kept}…`;
}

/** Like {@link cut}, but omits the middle, because serial numbers of one batch differ at their ends. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 5) return cut(text, width);
  const tail = Math.ceil((width - 1) / 2);
  const all = parts(text);
  const end = head(all.toReversed(), tail, (kept, part) => part + kept);
  return `${head(all, width - 1 - tail)}…${end}`;
}

// Created on first use, because it takes 15 ms, and few texts need it.
let characters: Intl.Segmenter | null = null;

/** Splits text into user-perceived characters and colour codes, which must not be broken. */
function parts(text: string): string[] {
  characters ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const segmenter = characters;
  return text
    .split(/(\u001b\[[\d;]*m)/)
    .flatMap((part) => (part[0] === '\u001b' ? [part] : Array.from(segmenter.segment(part), ({ segment }) => segment)));
}

/** As many parts as fit into `width` columns. */
function head(from: readonly string[], width: number, join = (kept: string, part: string) => kept + part): string {
  let kept = '';
  let used = 0;
  for (const part of from) {
    used += widthOf(part);
    if (used > width) break;
    kept = join(kept, part);
  }
  return kept;
}

/** `text` padded with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const missing = width - widthOf(text);
  if (missing <= 0) return text;
  return align === 'left' ? text + ' '.repeat(missing) : ' '.repeat(missing) + text;
}

/** `text` broken between words into lines of at most `width` columns. Only longer words are broken inside. */
export function wrap(text: string, width: number): string[] {
  const limit = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) <= limit) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (widthOf(word) > limit) {
      const all = parts(word);
      const fitting = head(all, limit);
      // A character that is wider than the line is replaced, because it would exceed the edge.
      lines.push(fitting || '…');
      word = word.slice((fitting || (all[0] ?? word)).length);
    }
    line = word;
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}
