/** The lines of a journal, each checked, in the order in which they stand in the file. */
import { createReadStream } from 'node:fs';
import { readBytes } from './record.js';

export interface Line {
  /** Null where it is not as it was written. */
  record: Record<string, unknown> | null;
  n: number;
  /** Whether its end was written. */
  whole: boolean;
}

const NEWLINE = 0x0a;
/** Bytes that are read at once. */
const BLOCK = 1024 * 1024;

/** Tells `take` of each line, one at a time: none is kept. Empty lines are left out. Rejects with Node's own errors. */
export async function readLines(file: string, take: (line: Line) => void): Promise<void> {
  // By bytes: readline also ends lines at U+2028, which a device's text may hold.
  let left: Buffer[] = [];
  for await (const chunk of createReadStream(file, { highWaterMark: BLOCK }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end);
      from = end + 1;
      const bytes = left.length === 0 ? part : Buffer.concat([...left, part]);
      if (left.length > 0) left = [];
      if (bytes.length > 0) take(lineOf(bytes, true));
    }
    if (from < chunk.length) left.push(chunk.subarray(from));
  }
  if (left.length > 0) take(lineOf(Buffer.concat(left), false));
}

function lineOf(bytes: Buffer, whole: boolean): Line {
  const read = readBytes(bytes);
  return { record: read?.record ?? null, n: read?.n ?? 0, whole };
}
