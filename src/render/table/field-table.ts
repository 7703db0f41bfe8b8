/** Tables whose columns produce their own cells. */
import type { Labels } from '../../manifest/model.js';
import { safeText } from '../../text.js';
import type { Styles } from '../terminal/styles.js';
import { type Cell, type Column, renderTable } from './table.js';

/** A column with the function for its cells. */
export interface Field<Row> extends Column {
  cell(row: Row): Cell;
}

/** A table without a final newline. A pipe (`width` null) always gets the same columns; a terminal only those with content. */
export function fieldTable<Row>(
  fields: readonly Field<Row>[],
  rows: readonly Row[],
  width: number | null,
  styles: Styles,
): string {
  const cells = rows.map((row) => fields.map((field) => field.cell(row)));
  const shown = fields.flatMap((_, index) => (width === null || cells.some((row) => row[index] !== '') ? [index] : []));
  const pick = <T>(list: readonly T[]) => shown.flatMap((index) => list[index] ?? []);
  return renderTable(pick(fields), cells.map(pick), width, styles);
}

/** The most columns for labels. */
export const MOST_LABELS = 6;
/** Characters. Labels with longer values are not shown in tables. */
export const LONGEST_LABEL = 30;

/** One column per label, next to the device. They are the first to be omitted if space is short. */
export function labelFields<Row extends { labels: Labels }>(rows: readonly Row[]): Field<Row>[] {
  const names = [...new Set(rows.flatMap(({ labels }) => Object.keys(labels)))].slice(0, MOST_LABELS);
  return names.map((name) => ({
    title: safeText(name.toUpperCase(), LONGEST_LABEL),
    foldAt: 10,
    hide: true,
    cell: ({ labels }) => safeText(labels[name] ?? '', LONGEST_LABEL),
  }));
}
