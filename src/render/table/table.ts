/** Tables for people: at full width in a pipe, folded to the width of a terminal. */
import { safeText } from '../../text.js';
import { PLAIN_STYLES, type Style, type Styles } from '../terminal/styles.js';
import { cut, pad, widthOf, wrap } from '../terminal/width.js';

/** A column of a table. */
export interface Column {
  title: string;
  align?: 'left' | 'right';
  /**
   * If there is no space for all columns, those with the highest number move first to a line of their own under the row.
   * Columns without a number stay.
   */
  foldAt?: number;
  /** Omitted instead of moved to the line below. */
  hide?: boolean;
  /** Shown only if there is space after all other columns. */
  wide?: boolean;
  /** Long text: gets the remaining space, and continues on the next line of its column. */
  prose?: boolean;
}

/** A cell. Text of unknown origin is made safe here; `style` is applied afterwards. */
export type Cell = string | { text: string; style: Style };

const GAP = 2;
const GAP_TEXT = ' '.repeat(GAP);
// Text in a narrower column is harder to read than on a line of its own.
const MIN_PROSE = 28;
const ROOM_FOR_PROSE = 40;

/**
 * A table with a header line, without a final newline.
 * @param rows iterated twice, so that the rows of a whole fleet need not be stored
 * @param width columns of the terminal; null = unlimited
 */
export function renderTable(
  columns: readonly Column[],
  rows: Iterable<readonly Cell[]>,
  width: number | null,
  styles: Styles = PLAIN_STYLES,
): string {
  const natural = columns.map((column) => widthOf(column.title));
  // Tables of whole fleets have a hundred thousand cells, and many columns repeat their values.
  const above: (Cell | undefined)[] = columns.map(() => '');
  for (const row of rows) {
    for (let index = 0; index < above.length; index++) {
      const cell = row[index];
      if (cell === above[index]) continue;
      above[index] = cell;
      const own = widthOf(textOf(cell));
      if (own > (natural[index] ?? 0)) natural[index] = own;
    }
  }
  const { shown, folded, widths } = layout(columns, natural, width);
  const lines: string[] = [];
  const head = shown.map((index) =>
    pad(cut(columns[index]?.title ?? '', widths[index] ?? 0), widths[index] ?? 0, columns[index]?.align),
  );
  lines.push(styles.dim(joined(head)));
  if (width === null) {
    const wholeLine = wholeLiner(columns, widths);
    for (const row of rows) lines.push(wholeLine(row));
    return lines.join('\n');
  }
  for (const row of rows) {
    const text = columns.map((_, index) => textOf(row[index]));
    const cells = shown.map((index) => cellLines(columns[index], text[index] ?? '', widths[index] ?? 0));
    const height = Math.max(1, ...cells.map((cell) => cell.length));
    for (let line = 0; line < height; line++) {
      const parts = shown.map((index, place) => {
        const padded = pad(cells[place]?.[line] ?? '', widths[index] ?? 0, columns[index]?.align);
        return place === shown.length - 1 ? styled(row[index], padded.trimEnd()) : styled(row[index], padded);
      });
      lines.push(joined(parts));
    }
    const rest = folded
      .filter((index) => text[index] !== '' && !columns[index]?.hide)
      .map((index) => (columns[index]?.prose ? (text[index] ?? '') : `${columns[index]?.title} ${text[index]}`));
    if (rest.length > 0) {
      for (const line of wrap(rest.join(' · '), width - 3)) lines.push(`  ${line}`);
    }
  }
  return lines.join('\n');
}

/** Renders rows in which nothing must be cut, folded or wrapped. */
function wholeLiner(columns: readonly Column[], widths: readonly number[]): (row: readonly Cell[]) => string {
  const count = columns.length;
  const trimmed = columns[count - 1]?.align === 'right' ? -1 : count - 1;
  const above: (Cell | undefined)[] = columns.map(() => '');
  const padded = columns.map((_, index) => (index === trimmed ? '' : ' '.repeat(widths[index] ?? 0)));
  return (row) => {
    let line = '';
    for (let index = 0; index < count; index++) {
      const cell = row[index];
      if (cell !== above[index]) {
        const text = textOf(cell);
        above[index] = cell;
        padded[index] = index === trimmed ? text.trimEnd() : pad(text, widths[index] ?? 0, columns[index]?.align);
      }
      if (index > 0) line += GAP_TEXT;
      line += styled(cell, padded[index] ?? '');
    }
    return line.trimEnd();
  };
}

function layout(columns: readonly Column[], natural: readonly number[], width: number | null) {
  let shown = columns.map((_, index) => index);
  const widths = [...natural];
  if (width === null) return { shown, folded: [] as number[], widths };
  // One column stays free, because some terminals wrap when the last one is written.
  const limit = width - 1;
  const total = () => shown.reduce((sum, index) => sum + (widths[index] ?? 0) + GAP, -GAP);

  const prose = columns.findIndex((column) => column.prose);
  const spare = prose < 0 ? 0 : Math.max(0, (widths[prose] ?? 0) - ROOM_FOR_PROSE);
  const narrow = shown.filter((index) => !columns[index]?.wide);
  if (total() - spare > limit) shown = narrow;
  if (prose >= 0 && total() > limit) {
    const left = limit - (total() - (widths[prose] ?? 0));
    if (left >= MIN_PROSE) widths[prose] = left;
    else shown = shown.filter((index) => index !== prose);
  }
  for (;;) {
    if (total() <= limit) break;
    const last = shown.reduce<number | null>((best, index) => {
      const at = columns[index]?.foldAt;
      return at !== undefined && (best === null || at > (columns[best]?.foldAt ?? 0)) ? index : best;
    }, null);
    if (last === null) break;
    shown = shown.filter((index) => index !== last);
  }
  // Still too wide: shrink the widest column, down to a minimum.
  while (total() > limit) {
    const widest = shown.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a), shown[0] ?? 0);
    if ((widths[widest] ?? 0) <= 3) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return { shown, folded: narrow.filter((index) => !shown.includes(index)), widths };
}

function cellLines(column: Column | undefined, text: string, width: number): string[] {
  if (widthOf(text) <= width) return [text];
  return column?.prose ? wrap(text, width) : [cut(text, width)];
}

function textOf(cell: Cell | undefined): string {
  return safeText(cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text, 500);
}

function styled(cell: Cell | undefined, text: string): string {
  return typeof cell === 'object' ? cell.style(text) : text;
}

function joined(parts: readonly string[]): string {
  return parts.join(GAP_TEXT).trimEnd();
}
