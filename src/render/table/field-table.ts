/** Tables whose columns know their cells. */
import type { Labels } from '../../manifest/model.js';
import { safeText } from '../../text.js';
import type { Styles } from '../terminal/styles.js';
import { type Cell, type Column, renderTable } from './table.js';

export interface Field<Row> extends Column {
  cell(row: Row): Cell;
}

/** Without a line end at its end. A pipe (`width` null) gets the same columns every time; a terminal those that say something. */
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

export const MOST_LABELS = 6;
/** Characters. Somebody's notes are no use in a table. */
export const LONGEST_LABEL = 30;

/** A column for each label, beside the device, and the first to go where there is not room. */
export function labelFields<Row extends { labels: Labels }>(rows: readonly Row[]): Field<Row>[] {
  const names = [...new Set(rows.flatMap(({ labels }) => Object.keys(labels)))].slice(0, MOST_LABELS);
  return names.map((name) => ({
    title: safeText(name.toUpperCase(), LONGEST_LABEL),
    foldAt: 10,
    hide: true,
    cell: ({ labels }) => safeText(labels[name] ?? '', LONGEST_LABEL),
  }));
}
