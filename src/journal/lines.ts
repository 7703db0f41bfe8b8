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
      if (left.length > 0) {
        const bytes = Buffer.concat([...left, chunk.subarray(from, end)]);
        left = [];
        if (bytes.length > 0) take(lineOf(bytes, 0, bytes.length, true));
      } else if (end > from) take(lineOf(chunk, from, end, true));
      from = end + 1;
    }
    if (from < chunk.length) left.push(chunk.subarray(from));
  }
  const rest = Buffer.concat(left);
  if (rest.length > 0) take(lineOf(rest, 0, rest.length, false));
}

function lineOf(block: Buffer, start: number, end: number, whole: boolean): Line {
  const read = readBytes(block, start, end);
  return { record: read?.record ?? null, n: read?.n ?? 0, whole };
}
