/** Reads the lines of a journal, each one checked, in the order of the file. */
import { isAscii } from 'node:buffer';
import type { Disk } from '../disk.js';
import { readFramed } from './record.js';

interface Line {
  /** Null if the line is not exactly as it was written. */
  record: Record<string, unknown> | null;
  n: number;
  /** Whether the line ends with a newline. */
  whole: boolean;
}

const NEWLINE = 0x0a;
/** Bytes per read. */
const BLOCK = 1024 * 1024;

/** Calls `take` with each line, and keeps none. Empty lines are skipped. Rejects with Node's own errors. */
export async function readLines(disk: Disk, file: string, take: (line: Line) => void): Promise<void> {
  // Split by bytes: readline also ends lines at U+2028, which a device's text may contain.
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
    // In ASCII, which nearly all of it is, an index in the text is also the index in the bytes.
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
