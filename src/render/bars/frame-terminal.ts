/**
 * The terminal on which cli-progress draws. Its own one writes piece by piece, which flickers, and assumes that each line takes
 * one row, which leaves garbage after a resize. This one collects a frame, compares it with the previous one, and writes the
 * changed lines at once. Between frames the cursor is on an empty line below the last one. That line never wraps, so wherever
 * the terminal moves lines when it is resized, the rows up to the top of the frame can be counted.
 */
import { type OutputStream, terminalSize } from '../terminal/stream.js';
import { widthOf } from '../terminal/width.js';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
// Terminals that know these sequences show the frame as a whole; others ignore them.
const SYNC_ON = '\u001b[?2026h';
const SYNC_OFF = '\u001b[?2026l';
const CLEAR_DOWN = '\u001b[J';
const CLEAR_RIGHT = '\u001b[K';

/** The methods that cli-progress calls (lib/terminal.js), and the start and end of a frame. */
interface FrameTerminal {
  isTTY(): boolean;
  getWidth(): number;
  cursor(visible: boolean): void;
  cursorRelativeReset(): void;
  newline(): void;
  write(text: string, raw?: boolean): void;
  cursorTo(): void;
  clearRight(): void;
  clearLine(): void;
  clearBottom(): void;
  lineWrapping(): void;
  begin(): void;
  /** Writes what was collected since {@link begin}. */
  end(): void;
  /** Keeps the frame on the screen, or removes it. The cursor is visible again, below the frame or in its place. */
  leave(keep: boolean): void;
}

/** Creates the terminal for a stream. */
export function frameTerminal(stream: OutputStream): FrameTerminal {
  let lines: string[] = [];
  let above = '';
  let row = 0;
  let collecting = false;
  let drawn: string[] = [];
  let drawnColumns = 0;
  let drawnRows = 0;
  // The widths of lines of earlier frames that became invisible when the terminal became lower. They come back when it grows.
  let lost: number[] = [];
  let hidden = false;
  const nothing = () => {};

  const columns = () => terminalSize(stream).columns;
  const rows = () => terminalSize(stream).rows;

  /** The number of rows of a line. A terminal wraps lines that are wider than it is. */
  const rowsOf = (width: number) => Math.max(1, Math.ceil(width / columns()));

  const toTop = () => {
    const widths = [...lost, ...drawn.map(widthOf)];
    return `${up(widths.reduce((sum, width) => sum + rowsOf(width), 0))}\r`;
  };

  const whole = () => {
    const text = `${toTop()}${CLEAR_DOWN}${above}${lines.map((line) => `${line}\r\n`).join('')}`;
    // Text that was printed above scrolls old lines away, so they are no longer part of a frame.
    lost = above === '' ? unreachable([...lost, ...drawn.map(widthOf)]) : [];
    return text;
  };

  /** The widths of those lines that are above the top of the screen. The last line ends above the cursor. */
  const unreachable = (widths: readonly number[]): number[] => {
    let room = rows() - 1;
    for (let index = widths.length - 1; index >= 0; index--) {
      const taken = rowsOf(widths[index] ?? 0);
      if (taken > room) return [...widths.slice(0, index), (taken - room) * columns()];
      room -= taken;
    }
    return [];
  };

  const changes = () => {
    let text = '';
    // The row of the cursor, counted from the top of the frame.
    let at = drawn.length;
    lines.forEach((line, index) => {
      if (index < drawn.length && drawn[index] === line) return;
      text += `${up(at - index)}${down(index - at)}\r${line}${CLEAR_RIGHT}`;
      at = index;
      if (index < drawn.length) return;
      // A new row needs a line feed, because moving down stops at the last row of the screen.
      text += '\r\n';
      at++;
    });
    if (lines.length < drawn.length) {
      text += `${up(at - lines.length)}${down(lines.length - at)}\r${CLEAR_DOWN}`;
      at = lines.length;
    }
    return text === '' ? '' : `${text}${down(lines.length - at)}\r`;
  };

  return {
    isTTY: () => true,
    getWidth: columns,
    cursor(visible) {
      if (hidden === !visible) return;
      hidden = !visible;
      stream.write(visible ? SHOW : HIDE);
    },
    cursorRelativeReset: () => {
      row = 0;
    },
    newline: () => {
      row++;
    },
    write(text, raw) {
      if (!collecting) return;
      if (raw) above += text;
      else lines[row] = text;
    },
    cursorTo: nothing,
    clearRight: nothing,
    clearLine: nothing,
    clearBottom: nothing,
    lineWrapping: nothing,
    begin() {
      lines = [];
      row = 0;
      collecting = true;
    },
    end() {
      collecting = false;
      const resized = drawnColumns !== columns() || drawnRows !== rows();
      const text = above !== '' || resized ? whole() : changes();
      drawn = lines;
      drawnColumns = columns();
      drawnRows = rows();
      above = '';
      if (text !== '') stream.write(`${SYNC_ON}${text}${SYNC_OFF}`);
    },
    leave(keep) {
      if (!keep && drawn.length > 0) stream.write(`${toTop()}${CLEAR_DOWN}`);
      drawn = [];
      lost = [];
      if (hidden) stream.write(SHOW);
      hidden = false;
    },
  };
}

function up(rows: number): string {
  return rows > 0 ? `\u001b[${rows}A` : '';
}

function down(rows: number): string {
  return rows > 0 ? `\u001b[${rows}B` : '';
}
