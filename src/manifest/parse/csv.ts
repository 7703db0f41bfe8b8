import { quoted, safeText } from '../../text.js';
import type { Field } from '../device/fields.js';
import type { Report } from '../findings.js';
import { unreadable } from '../unreadable.js';
import { type Column, missingColumn, readColumns } from './csv-columns.js';
import { csvRows, type Row } from './csv-rows.js';

/** A CSV as a list of devices. */
export interface CsvTable {
  entries: Record<string, unknown>[];
  /** The row of each entry, as spreadsheets count, from 1. */
  rows: number[];
  /** The error for a `field` without a column; null = it has one. */
  missing(field: Field): string | null;
}

/** The separators that spreadsheets write. `|` can only be set by `sep=`. */
const SEPARATORS = [',', ';', '\t'];

/**
 * Reads a CSV text with a header row. Errors of a column go to `report`, once and not for each row.
 * @throws OtaError `manifest_unreadable`, with the row
 */
export function parseCsv(source: string, text: string, report: Report): CsvTable {
  const { body, separator } = separatorOf(source, text);
  let columns: Column[] | null = null;
  const entries: Record<string, unknown>[] = [];
  const rows: number[] = [];
  // Columns that were already reported.
  const told = new Set<number>();
  let last: Row | null = null;
  for (const row of csvRows(source, body, separator)) {
    last = row;
    if (columns === null) {
      columns = readColumns(row.cells.map(withoutMark), (finding) => report('header', null, finding));
      continue;
    }
    entries.push(entryOf(row, columns, told, report));
    rows.push(row.number);
  }
  columns ??= [];
  if (last && last.cells.length < columns.length && !/[\r\n]$/.test(body)) {
    throw unreadable(
      source,
      `row ${last.number}: has ${last.cells.length} of ${columns.length} cells and no line end`,
      {
        hint: 'The file seems to be cut off. Copy it again, or fill the row.',
      },
    );
  }
  const header = columns;
  return { entries, rows, missing: (field) => missingColumn(field, header) };
}

/** The values of `row`, by key. Blank cells have no value. */
function entryOf({ number, cells }: Row, columns: readonly Column[], told: Set<number>, report: Report) {
  const entry: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  const known: Record<string, string> = {};
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at] ?? '';
    const column = columns[at];
    const value = column?.kind === 'label' ? labelIn(cell) : withoutMark(cell);
    if (value === '' || column?.kind === 'bad') continue;
    if (column === undefined || column.kind === 'empty') {
      if (told.has(at)) continue;
      told.add(at);
      const where = column === undefined ? `is beyond the header, in column ${at + 1}` : 'has no name above it';
      report(`row ${number}`, null, `${quoted(cell)} ${where}; name the column, or clear the cell`);
    } else if (column.kind === 'field') entry[column.field] = value;
    else if (column.kind === 'known') known[column.part] = value;
    // Defined as an own property, so that `__proto__` is a name like any other.
    else Object.defineProperty(labels, column.label, { value, enumerable: true, configurable: true });
  }
  if (Object.keys(labels).length > 0) entry.labels = labels;
  if (Object.keys(known).length > 0) entry.known = known;
  return entry;
}

/** The text of a label. A cell may hold several lines, and an apostrophe before a letter may belong to the text. */
function labelIn(cell: string): string {
  return (/^'(?!\d)/.test(cell) ? cell : withoutMark(cell)).replace(/\s+/g, ' ');
}

/** A cell without the marks by which spreadsheets keep a number as text: `="123"`, `'123`. */
function withoutMark(cell: string): string {
  if (cell.startsWith("'")) return cell.slice(1);
  return cell.startsWith('="') && cell.endsWith('"') && cell.length > 3 ? cell.slice(2, -1) : cell;
}

/** The separator of the cells, and the text without the line that sets it (`sep=;`). */
function separatorOf(source: string, text: string): { body: string; separator: string } {
  const named = /^"?sep=([^\r\n]?)"?(\r\n|\r|\n|$)/i.exec(text);
  if (named) {
    const separator = named[1] ?? '';
    const body = text.slice(named[0].length);
    if (separator === '|' || SEPARATORS.includes(separator)) return { body, separator };
    throw unreadable(source, `row 1: "sep=${safeText(separator)}" names no separator`, {
      hint: 'A separator is a comma, a semicolon, a tab or a vertical bar.',
    });
  }
  // The separator that is most frequent in the header, which is the first row with a letter.
  const header = /^[^\p{L}]*[^\r\n]*/u.exec(text.slice(0, 100_000).replace(/"[^"]*"/g, 'x'))?.[0] ?? '';
  const counts = SEPARATORS.map((separator) => header.split(separator).length);
  return { body: text, separator: SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ',' };
}
