/** Tables for people: full width where they are piped, folded to fit where they are shown on a terminal. */
import { safeText } from '../../text.js';
import { PLAIN_STYLES, type Style, type Styles } from '../terminal/styles.js';
import { cut, pad, widthOf, wrap } from '../terminal/width.js';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /**
   * Where there is not room for all columns, those with the highest number are put on a line of their own under their
   * row first. Columns without a number stay.
   */
  foldAt?: number;
  /** Left out rather than put on the line below. */
  hide?: boolean;
  /** Shown only where everything else has room beside it. */
  wide?: boolean;
  /** Long prose: takes what room is left, and continues on the next line of its column. */
  prose?: boolean;
}

/** A cell; text of unknown origin is made safe here, `style` is put around it afterwards. */
export type Cell = string | { text: string; style: Style };

const GAP = 2;
const GAP_TEXT = ' '.repeat(GAP);
// Prose in a narrower column is harder to read than on a line of its own.
const MIN_PROSE = 28;
const ROOM_FOR_PROSE = 40;

/**
 * A table with a head line, without a line end at its end.
 * @param rows gone through twice: those of a whole fleet need not be kept.
 * @param width columns of the terminal, or null for as wide as it gets.
 */
export function renderTable(
  columns: readonly Column[],
  rows: Iterable<readonly Cell[]>,
  width: number | null,
  styles: Styles = PLAIN_STYLES,
): string {
  const natural = columns.map((column) => widthOf(column.title));
  // Tables of whole fleets have a hundred thousand cells, and many columns say the same in each row.
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

/** Rows in which nothing has to be cut, folded or wrapped, one after the other. */
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
  // One column stays free: some terminals wrap as soon as the last one is written.
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
  // Still too wide: the widest gives way, down to what is hardly readable.
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
