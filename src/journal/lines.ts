/** The lines of a journal, each checked, in the order in which they stand in the file. */
import { isAscii } from 'node:buffer';
import type { Disk } from '../disk.js';
import { readFramed } from './record.js';

interface Line {
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
export async function readLines(disk: Disk, file: string, take: (line: Line) => void): Promise<void> {
  // By bytes: readline also ends lines at U+2028, which a device's text may hold.
  let left: Buffer[] = [];
  for await (const chunk of disk.createReadStream(file, { highWaterMark: BLOCK })) {
    let from = 0;
    if (left.length > 0) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) {
        left.push(chunk);
        continue;
      }
      const bytes = Buffer.concat([...left, chunk.subarray(0, end)]);
      left = [];
      from = end + 1;
      take(lineOf(bytes.toString(), bytes, 0, bytes.length, true));
    }
    // Nearly all of it is ASCII, where a place in the text is the same place in the bytes.
    const text = isAscii(chunk) ? chunk.toString('latin1') : null;
    for (let end = chunk.indexOf(NEWLINE, from); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = text?.slice(from, end) ?? chunk.toString('utf8', from, end);
      if (end > from) take(lineOf(line, chunk, from, end, true));
      from = end + 1;
    }
    if (from < chunk.length) left.push(chunk.subarray(from));
  }
  if (left.length === 0) return;
  const bytes = Buffer.concat(left);
  take(lineOf(bytes.toString(), bytes, 0, bytes.length, false));
}

function lineOf(text: string, bytes: Buffer, from: number, end: number, whole: boolean): Line {
  const read = readFramed(text, bytes, from, end);
  return { record: read?.record ?? null, n: read?.n ?? 0, whole };
}
