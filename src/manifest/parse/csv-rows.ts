/**
 * Reads the rows of a CSV text (RFC 4180, and what spreadsheets write). Memory is bounded: a file that contains only separators
 * is an error after one row, instead of gigabytes of empty cells.
 */
import { quoted } from '../../text.js';
import { unreadable } from '../unreadable.js';

/** One row of a CSV. */
export interface Row {
  /** The row number that spreadsheets show: from 1, including the header and empty rows. */
  number: number;
  /** Without surrounding white space and quotes. */
  cells: string[];
}

/** Spreadsheets allow 16,384 columns, but no manifest has a thousand. */
const MAX_CELLS = 1000;
/** The limit of spreadsheets. */
const MAX_ROWS = 1_048_576;
/** Characters. A longer row is usually a quote that is not closed. */
const MAX_ROW = 1 << 20;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;

/**
 * Yields each row of `text` that is not empty.
 * @throws OtaError `manifest_unreadable`, with the line
 */
export function* csvRows(source: string, text: string, delimiter: string): Generator<Row> {
  const separator = delimiter.charCodeAt(0);
  const plain = new RegExp(`[^${delimiter === '\t' ? '\\t' : delimiter}\\r\\n]*`, 'y');
  const isBlank = (at: number) => {
    const code = text.charCodeAt(at);
    return code === SPACE || (code === TAB && separator !== TAB);
  };
  let at = 0;
  for (let number = 1; at < text.length; number++) {
    const start = at;
    const fail = (problem: string, hint: string) => unreadable(source, `row ${number}: ${problem}`, { hint });
    if (number > MAX_ROWS) throw fail(`there are more than ${MAX_ROWS} rows`, 'Split it into several manifests.');
    const cells: string[] = [];
    let filled = false;
    for (;;) {
      if (cells.length >= MAX_CELLS) {
        throw fail(
          `has more than ${MAX_CELLS} cells`,
          'A device has at most a dozen keys: check that this is the right file.',
        );
      }
      while (isBlank(at)) at++;
      let cell: string;
      if (text.charCodeAt(at) === QUOTE) {
        const opened = at + 1;
        at = closingQuote(text, opened, start + MAX_ROW);
        if (at === -1) throw fail('a quotation mark is not closed', QUOTES);
        cell = text.slice(opened, at).replaceAll('""', '"');
        at++;
        while (isBlank(at)) at++;
        const next = text.charCodeAt(at);
        if (at < text.length && next !== separator && next !== LF && next !== CR) {
          const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
          throw fail(`has ${quoted(found)} after a quoted cell`, QUOTES);
        }
      } else {
        plain.lastIndex = at;
        plain.test(text);
        cell = text.slice(at, plain.lastIndex);
        at = plain.lastIndex;
      }
      if (at - start > MAX_ROW) throw fail(`is longer than ${MAX_ROW} characters`, QUOTES);
      cell = trimmed(cell);
      if (cell !== '') filled = true;
      cells.push(cell);
      if (text.charCodeAt(at) !== separator) break;
      at++;
    }
    if (text.charCodeAt(at) === CR) at++;
    if (text.charCodeAt(at) === LF) at++;
    if (filled) yield { number, cells };
  }
}

const QUOTES =
  'Quote a cell that contains a separator, a line break or a quotation mark, and double the quotation marks in it.';

/** The index at which the quoted cell that begins at `from` ends; -1 if it does not end before `limit`. */
function closingQuote(text: string, from: number, limit: number): number {
  for (let at = from; ; at += 2) {
    at = at > limit ? -1 : text.indexOf('"', at);
    if (at === -1 || text.charCodeAt(at + 1) !== QUOTE) return at;
  }
}

/** Removes spaces and tabs around the cell. A regular expression would take quadratic time. */
function trimmed(cell: string): string {
  let from = 0;
  let to = cell.length;
  const blank = (code: number) => code === SPACE || code === TAB;
  while (from < to && blank(cell.charCodeAt(from))) from++;
  while (to > from && blank(cell.charCodeAt(to - 1))) to--;
  return cell.slice(from, to);
}
