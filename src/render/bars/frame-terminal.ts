/**
 * The terminal that cli-progress draws on. Its own one writes piece by piece, which tears, and takes every line for one
 * row, which after a resize leaves garbage. Here a frame is collected, compared with the one before and written at once,
 * changed lines alone. Between frames the cursor rests on an empty line below the last one: that line never wraps, so
 * wherever the terminal moves things when it is resized, the way up from there can be counted.
 */
import { type OutputStream, terminalSize } from '../terminal/stream.js';
import { widthOf } from '../terminal/width.js';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
// Terminals that know it show the frame as a whole (the others ignore it).
const SYNC_ON = '\u001b[?2026h';
const SYNC_OFF = '\u001b[?2026l';
const CLEAR_DOWN = '\u001b[J';
const CLEAR_RIGHT = '\u001b[K';

/** What cli-progress calls (lib/terminal.js), and the brackets around a frame. */
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
  /** Writes what has been collected since {@link begin}. */
  end(): void;
  /** Leaves the frame on the screen, or takes it off; the cursor comes to stand below or in its place, visible. */
  leave(keep: boolean): void;
}

export function frameTerminal(stream: OutputStream): FrameTerminal {
  let lines: string[] = [];
  let above = '';
  let row = 0;
  let collecting = false;
  let drawn: string[] = [];
  let drawnColumns = 0;
  let drawnRows = 0;
  // Widths of lines of earlier frames that went out of sight when the terminal became lower: they come back when it
  // grows again.
  let lost: number[] = [];
  let hidden = false;
  const nothing = () => {};

  const columns = () => terminalSize(stream).columns;
  const rows = () => terminalSize(stream).rows;

  /** Rows that a line takes now: terminals break lines that have become too long for them. */
  const rowsOf = (width: number) => Math.max(1, Math.ceil(width / columns()));

  const toTop = () => {
    const widths = [...lost, ...drawn.map(widthOf)];
    return `${up(widths.reduce((sum, width) => sum + rowsOf(width), 0))}\r`;
  };

  const whole = () => {
    const text = `${toTop()}${CLEAR_DOWN}${above}${lines.map((line) => `${line}\r\n`).join('')}`;
    // What is said in between is not to be taken for a part of an old frame.
    lost = above === '' ? unreachable([...lost, ...drawn.map(widthOf)]) : [];
    return text;
  };

  /** Those of `widths`, lines that end above the cursor, which lie beyond the top of the screen. */
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
    // The row that the cursor is in, counted from the top of the frame.
    let at = drawn.length;
    lines.forEach((line, index) => {
      if (index < drawn.length && drawn[index] === line) return;
      text += `${up(at - index)}${down(index - at)}\r${line}${CLEAR_RIGHT}`;
      at = index;
      if (index < drawn.length) return;
      // A row that was not there: going down stops at the last row of the screen, a line feed makes room.
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
