/** Tables for people: full width where they are piped, folded to fit where they are shown on a terminal. */
import { safeText } from '../text.js';
import { PLAIN_STYLES, type Style, type Styles } from './styles.js';
import { cut, pad, widthOf, wrap } from './width.js';

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
  /** Long prose: takes what room is left, and continues on the next line of its column. */
  prose?: boolean;
}

/** A cell; text of unknown origin is made safe here, `style` is put around it afterwards. */
export type Cell = string | { text: string; style: Style };

const GAP = 2;
const GAP_TEXT = ' '.repeat(GAP);
// Prose in a narrower column is harder to read than on a line of its own.
const MIN_PROSE = 28;

/**
 * A table with a head line, without a line end at its end.
 * @param width columns of the terminal, or null for as wide as it gets.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | null,
  styles: Styles = PLAIN_STYLES,
): string {
  const natural = columns.map((column) => widthOf(column.title));
  // Tables of whole fleets have a hundred thousand cells, and many columns say the same in each row.
  const above: (Cell | undefined)[] = [];
  const textsAbove: string[] = [];
  const texts = rows.map((row) =>
    columns.map((_, index) => {
      const cell = row[index];
      if (cell !== undefined && cell === above[index]) return textsAbove[index] ?? '';
      const text = textOf(cell);
      above[index] = cell;
      textsAbove[index] = text;
      const own = widthOf(text);
      if (own > (natural[index] ?? 0)) natural[index] = own;
      return text;
    }),
  );
  const { shown, folded, widths } = layout(columns, natural, width);

  /** A row where nothing has to be cut, folded or wrapped. */
  const filled = columns.map((_, index) => ({ text: '', padded: ' '.repeat(widths[index] ?? 0) }));
  const wholeLine = (row: readonly Cell[], cells: readonly string[]) => {
    let line = '';
    const last = cells.length - 1;
    for (let index = 0; index <= last; index++) {
      const text = cells[index] ?? '';
      const above = filled[index] as (typeof filled)[number];
      if (text !== above.text) {
        const align = columns[index]?.align ?? 'left';
        above.padded = index === last && align === 'left' ? text.trimEnd() : pad(text, widths[index] ?? 0, align);
        above.text = text;
      }
      line += (index === 0 ? '' : GAP_TEXT) + styled(row[index], above.padded);
    }
    return line.trimEnd();
  };

  const lines: string[] = [];
  const head = shown.map((index) =>
    pad(cut(columns[index]?.title ?? '', widths[index] ?? 0), widths[index] ?? 0, columns[index]?.align),
  );
  lines.push(styles.dim(joined(head)));
  rows.forEach((row, number) => {
    const text = texts[number] ?? [];
    if (width === null) {
      lines.push(wholeLine(row, text));
      return;
    }
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
  });
  return lines.join('\n');
}

function layout(columns: readonly Column[], natural: readonly number[], width: number | null) {
  let shown = columns.map((_, index) => index);
  const widths = [...natural];
  if (width === null) return { shown, folded: [] as number[], widths };
  // One column stays free: some terminals wrap as soon as the last one is written.
  const limit = width - 1;
  const total = () => shown.reduce((sum, index) => sum + (widths[index] ?? 0) + GAP, -GAP);

  const prose = columns.findIndex((column) => column.prose);
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
  return { shown, folded: columns.map((_, index) => index).filter((index) => !shown.includes(index)), widths };
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
