/**
 * What CI systems take for commands in a job's output: `::name::` at the start of a line (GitHub Actions), and what
 * `safeJson` escapes wherever it stands. Text from docks, files and servers must never be one.
 */
import { safeJson } from '../../text.js';
import type { CiCommand, OutputStream } from './stream.js';

/** The only way past the guard. */
export function writeCommand(stream: OutputStream, command: CiCommand): void {
  if (stream.command) stream.command(command);
  else stream.write(command.ciCommand);
}

// The runner skips white space before a command; colours may stand there too, and some systems remove them first.
const BLANK = '(?:[^\\S\\r\\n]|\\u001b\\[[\\d;?]*[A-Za-z])*';
const AT_LINE_START = new RegExp(`([\\r\\n]|^)(${BLANK})::`, 'g');
const ONLY_BLANK = new RegExp(`^${BLANK}$`);

/** Makes what is written to one stream, piece by piece, harmless to CI systems and to terminals. */
export function createCiGuard(): (text: string) => string {
  // Whether what was written since the last line end could stand before a command.
  let blank = true;
  return (text) => {
    let safe = safeJson(text);
    if (safe.includes('::')) {
      safe = safe.replace(AT_LINE_START, (found, edge: string, space: string) =>
        edge === '' && !blank ? found : `${edge}${space}\\u003a:`,
      );
    }
    const line = Math.max(safe.lastIndexOf('\n'), safe.lastIndexOf('\r')) + 1;
    blank = (line > 0 || blank) && ONLY_BLANK.test(safe.slice(line));
    return safe;
  };
}
