/** A command for the CI system, with its newline. Its creator must escape what is inserted. */
export interface CiCommand {
  readonly ciCommand: string;
}

/** What renderers use of `process.stdout` and `process.stderr`. Small, so that tests can replace it. */
export interface OutputStream {
  write(text: string): boolean;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** True while a slow terminal has not accepted what was written. */
  writableNeedDrain?: boolean;
  /** The amount of unsent output, in UTF-16 units or bytes. */
  writableLength?: number;
  /** Writes a command for the CI system, if the stream neutralizes commands in text (ci-guard.ts). */
  command?(command: CiCommand): void;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

// No screen is larger, but a pty can have any size up to 65,535.
const MOST_COLUMNS = 1000;
const MOST_ROWS = 1000;

/**
 * The usable columns and rows of a terminal. One without a size reports 0 (`docker run -t`, `ssh -tt` without a terminal), and
 * counts as 80 by 24.
 */
export function terminalSize(stream: Pick<OutputStream, 'columns' | 'rows'>): { columns: number; rows: number } {
  return { columns: usable(stream.columns, 80, MOST_COLUMNS), rows: usable(stream.rows, 24, MOST_ROWS) };
}

function usable(size: number | undefined, otherwise: number, most: number): number {
  return size !== undefined && size >= 1 ? Math.min(most, Math.floor(size)) : otherwise;
}

/** The columns of a terminal; null = `stream` is a pipe or a file, so nothing has to fit. */
export function terminalWidth(stream: Pick<OutputStream, 'isTTY' | 'columns' | 'rows'>): number | null {
  return stream.isTTY ? terminalSize(stream).columns : null;
}
