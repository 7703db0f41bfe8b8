/** The lines of a journal, each checked, in the order in which they stand in the file. */
import { createReadStream } from 'node:fs';
import { readLine } from './record.js';

export interface Line {
  /** Null where it is not as it was written. */
  record: Record<string, unknown> | null;
  n: number;
  /** Whether its end was written. */
  whole: boolean;
}

const NEWLINE = 0x0a;

/** Empty lines are left out. Rejects with Node's own errors. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  // By bytes: readline also ends lines at U+2028, which a device's text may hold.
  let left: Buffer[] = [];
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      left.push(chunk.subarray(from, end));
      from = end + 1;
      const line = lineOf(left, true);
      left = [];
      if (line) yield line;
    }
    if (from < chunk.length) left.push(chunk.subarray(from));
  }
  const line = lineOf(left, false);
  if (line) yield line;
}

function lineOf(parts: readonly Buffer[], whole: boolean): Line | null {
  const text = Buffer.concat(parts).toString('utf8');
  if (text === '') return null;
  const read = readLine(text);
  return { record: read?.record ?? null, n: read?.n ?? 0, whole };
}
