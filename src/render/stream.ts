/** What renderers need of `process.stdout` and `process.stderr`: little enough that tests can stand in for them. */
export interface OutputStream {
  write(text: string): boolean;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Slow terminals: true while what was written earlier has not gone out. */
  writableNeedDrain?: boolean;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** Columns of a terminal, or null where `stream` is none (a pipe, a file): nothing has to fit there. */
export function terminalWidth(stream: OutputStream): number | null {
  if (!stream.isTTY) return null;
  return stream.columns && stream.columns > 0 ? stream.columns : 80;
}
