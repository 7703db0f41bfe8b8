/**
 * The terminal that cli-progress draws on. Its own one writes piece by piece and counts rows from the last line, which
 * tears and, after a resize, leaves garbage. Here a frame is collected, compared with the one before and written at once,
 * changed lines alone, and between frames the cursor rests at the start of the first line: wherever a resize moves the
 * lines below, the next frame begins at the right place.
 */
import type { OutputStream } from '../stream.js';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
// Terminals that know it show the frame as a whole (the others ignore it).
const SYNC_ON = '\u001b[?2026h';
const SYNC_OFF = '\u001b[?2026l';
const CLEAR_DOWN = '\r\u001b[J';
const CLEAR_RIGHT = '\u001b[K';

/** What cli-progress calls (lib/terminal.js), and the brackets around a frame. */
export interface FrameTerminal {
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
  let drawn: string[] | null = null;
  let drawnColumns = 0;
  let height = 0;
  let hidden = false;
  const nothing = () => {};

  const columns = () => stream.columns ?? 80;

  const whole = () => {
    // From the start of the area to the end of the screen; what is above it is not ours.
    const text = `${CLEAR_DOWN}${above}${lines.join('\r\n')}`;
    return text + backToTop(lines.length - 1);
  };

  const changes = (before: readonly string[]) => {
    let text = '';
    let at = 0;
    lines.forEach((line, index) => {
      if (index < before.length && before[index] === line) return;
      if (index < before.length) text += index > at ? `\u001b[${index - at}B\r` : '';
      else {
        // Rows that are not there yet: going down stops at the last row of the screen, a line feed makes room.
        const last = before.length - 1;
        if (at < last) {
          text += `\u001b[${last - at}B`;
          at = last;
        }
        text += '\r\n'.repeat(index - at);
      }
      text += `${line}${CLEAR_RIGHT}`;
      at = index;
    });
    if (lines.length < before.length) {
      text += `${lines.length > at ? `\u001b[${lines.length - at}B` : ''}${CLEAR_DOWN}`;
      at = Math.max(at, lines.length);
    }
    return text === '' ? '' : text + backToTop(at);
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
      const anew = drawn === null || above !== '' || drawnColumns !== columns();
      const text = anew ? whole() : changes(drawn ?? []);
      drawn = lines;
      drawnColumns = columns();
      height = lines.length;
      above = '';
      if (text !== '') stream.write(`${SYNC_ON}${text}${SYNC_OFF}`);
    },
    leave(keep) {
      const down = height > 1 ? `\u001b[${height - 1}B` : '';
      stream.write(height === 0 ? '' : keep ? `${down}\r\n` : CLEAR_DOWN);
      if (hidden) stream.write(SHOW);
      hidden = false;
      height = 0;
      drawn = null;
    },
  };
}

function backToTop(rows: number): string {
  return rows > 0 ? `\u001b[${rows}A\r` : '\r';
}
