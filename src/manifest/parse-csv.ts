import { CsvError, parse } from 'csv-parse/sync';
import { didYouMean } from '../nearest.js';
import { safeText } from '../text.js';
import { FIELD_OF, KNOWN_KEYS } from './fields.js';
import { quote, unreadable } from './problem.js';

/** Longer rows are no rows: most often a quote that is not closed. */
const MAX_ROW = 1 << 20;
const MAX_COLUMNS = 100;

/**
 * The rows of a CSV text with a header row, as objects of its non-blank cells; what is wrong with the header goes to
 * `report`, once and not for each row.
 * @throws OtaError `manifest_unreadable`, with the line.
 */
export function parseCsv(source: string, text: string, report: (finding: string) => void): unknown {
  const [header, ...rows] = cells(source, text);
  if (!header) return [];
  if (header.length > MAX_COLUMNS) throw unreadable(source, `has ${header.length} columns; a device has fewer keys`);
  const columns = header.map((name, at) => columnOf(name, at, header, report));
  return rows.map((row) => {
    const entry: Record<string, string> = {};
    for (let at = 0; at < columns.length; at++) {
      const column = columns[at];
      const cell = row[at];
      if (column && cell) entry[column] = cell;
    }
    return entry;
  });
}

function cells(source: string, text: string): string[][] {
  try {
    return parse(text, {
      bom: true,
      delimiter: delimiterOf(text),
      trim: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: MAX_ROW,
    });
  } catch (error) {
    const problem = error instanceof CsvError || error instanceof Error ? error.message : String(error);
    throw unreadable(source, `is not CSV: ${safeText(problem)}`, {
      hint: 'Every row has as many cells as the header row; a cell that holds a comma or a quote is in double quotes.',
      cause: error,
    });
  }
}

// Spreadsheets write semicolons where the comma is the decimal sign, and tabs as "text"; no known key holds any of them.
function delimiterOf(text: string): string {
  const header = /^[^\r\n]*/.exec(text.replace(/^\s+/, ''))?.[0] ?? '';
  return [',', ';', '\t'].find((delimiter) => header.includes(delimiter)) ?? ',';
}

function columnOf(
  name: string,
  at: number,
  header: readonly string[],
  report: (finding: string) => void,
): string | null {
  if (!FIELD_OF.has(name)) {
    if (name === '') report(`header: column ${at + 1} has no name`);
    else report(`header: unknown column ${quote(name)}${didYouMean(name, KNOWN_KEYS)}`);
    return null;
  }
  if (header.indexOf(name) === at) return name;
  report(`header: the column ${quote(name)} is there twice`);
  return null;
}
