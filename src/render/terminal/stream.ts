/** A command of our own to the CI system, with its line end; what is put into it is escaped by whoever makes it. */
export interface CiCommand {
  readonly ciCommand: string;
}

/** What renderers need of `process.stdout` and `process.stderr`: little enough that tests can stand in for them. */
export interface OutputStream {
  write(text: string): boolean;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Slow terminals: true while what was written earlier has not gone out. */
  writableNeedDrain?: boolean;
  /** What has been written and has not gone out, in UTF-16 units or bytes. */
  writableLength?: number;
  /** Writes a command to the CI system, where text that looks like one is made harmless (ci-guard.ts). */
  command?(command: CiCommand): void;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

// No screen is larger; a pty can be given any number up to 65,535.
const MOST_COLUMNS = 1000;
const MOST_ROWS = 1000;

/**
 * Columns and rows of a terminal as they can be used. One that was never given a size reports 0 of both (`docker run -t`,
 * `ssh -tt` without a terminal): it counts as 80 by 24, until it tells its size.
 */
export function terminalSize(stream: Pick<OutputStream, 'columns' | 'rows'>): { columns: number; rows: number } {
  return { columns: usable(stream.columns, 80, MOST_COLUMNS), rows: usable(stream.rows, 24, MOST_ROWS) };
}

function usable(size: number | undefined, otherwise: number, most: number): number {
  return size !== undefined && size >= 1 ? Math.min(most, Math.floor(size)) : otherwise;
}

/** Columns of a terminal, or null where `stream` is none (a pipe, a file): nothing has to fit there. */
export function terminalWidth(stream: Pick<OutputStream, 'isTTY' | 'columns' | 'rows'>): number | null {
  return stream.isTTY ? terminalSize(stream).columns : null;
}
