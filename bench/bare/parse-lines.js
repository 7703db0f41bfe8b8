/** JSON.parse of each line of a file. */
import { openSync, readSync } from 'node:fs';

const fd = openSync(process.argv[2], 'r');
const bytes = Buffer.alloc(1 << 20);
let rest = '';
let lines = 0;
for (let read = 1; read > 0; ) {
  read = readSync(fd, bytes, 0, bytes.length, null);
  // Every character of the file is one byte.
  const parts = (rest + bytes.latin1Slice(0, read)).split('\n');
  rest = parts.pop();
  for (const line of parts) lines += JSON.parse(line) === null ? 0 : 1;
}
console.log(lines);
