/** A terminal without a screen: what a renderer writes to it, and what a person would see. */
import { clearLine, cursorTo, moveCursor } from 'node:readline';
import xterm from '@xterm/headless';
import { createCiGuard } from '../../src/render/terminal/ci-guard.js';
import type { OutputStream } from '../../src/render/terminal/stream.js';

export interface FakeTerminal {
  /** The stderr or stdout for a renderer. */
  stream: OutputStream & { columns: number; rows: number };
  /** Everything written, with all escape codes. */
  raw(): string;
  /** The number of writes. */
  writes(): number;
  /** The visible rows without trailing spaces, up to the last one that is not empty. */
  screen(): Promise<string[]>;
  /** All rows since the start, with wrapped lines joined. */
  everything(): Promise<string[]>;
  resize(columns: number, rows: number): Promise<void>;
  cursorHidden(): boolean;
}

export function fakeTerminal(columns: number, rows: number): FakeTerminal {
  // A line feed also returns to the first column, as a terminal's line discipline does.
  const terminal = new xterm.Terminal({
    cols: columns,
    rows,
    convertEol: true,
    allowProposedApi: true,
    scrollback: 5000,
  });
  const listeners = new Set<() => void>();
  let raw = '';
  let writes = 0;
  const stream = {
    isTTY: true,
    columns,
    rows,
    write(text: string) {
      raw += text;
      writes++;
      terminal.write(text);
      return true;
    },
    on: (_event: 'resize', listener: () => void) => listeners.add(listener),
    off: (_event: 'resize', listener: () => void) => listeners.delete(listener),
    once: () => {},
    removeListener: () => {},
    // ora calls these methods of tty.WriteStream.
    cursorTo: (x: number) => cursorTo(stream as unknown as NodeJS.WritableStream, x),
    moveCursor: (x: number, y: number) => moveCursor(stream as unknown as NodeJS.WritableStream, x, y),
    clearLine: (direction: -1 | 0 | 1) => clearLine(stream as unknown as NodeJS.WritableStream, direction),
  };
  const settled = () => new Promise<void>((resolve) => terminal.write('', resolve));
  const textOf = (row: number) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? '';
  const trimmed = (lines: string[]) => {
    while (lines.length > 0 && lines.at(-1) === '') lines.pop();
    return lines;
  };
  return {
    stream,
    raw: () => raw,
    writes: () => writes,
    async screen() {
      await settled();
      const top = terminal.buffer.active.baseY;
      return trimmed(Array.from({ length: terminal.rows }, (_, row) => textOf(top + row).trimEnd()));
    },
    async everything() {
      await settled();
      const lines: string[] = [];
      for (let row = 0; row < terminal.buffer.active.length; row++) {
        const text = textOf(row);
        if (terminal.buffer.active.getLine(row)?.isWrapped) lines[lines.length - 1] += text;
        else lines.push(text);
      }
      return trimmed(lines.map((line) => line.trimEnd()));
    },
    async resize(nextColumns, nextRows) {
      await settled();
      terminal.resize(nextColumns, nextRows);
      stream.columns = nextColumns;
      stream.rows = nextRows;
      for (const listener of listeners) listener();
      await settled();
    },
    cursorHidden: () => raw.lastIndexOf('\u001b[?25l') > raw.lastIndexOf('\u001b[?25h'),
  };
}

/** A stream that is not a terminal and stores what is written; guarded like the program's own streams. */
export function fakePipe(): { stream: OutputStream; text(): string } {
  const guard = createCiGuard();
  let text = '';
  return {
    stream: {
      write(part) {
        text += guard(part);
        return true;
      },
      command({ ciCommand }) {
        text += ciCommand;
      },
    },
    text: () => text,
  };
}
