/**
 * Neutralizes text that CI systems would take for a command in a job's output: `::name::` at the start of a line (GitHub
 * Actions), and what `safeJson` escapes anywhere. Text from docks, files and servers must never be a command.
 */
import { safeJson } from '../../text.js';
import type { CiCommand, OutputStream } from './stream.js';

/** The only way to write a real command. */
export function writeCommand(stream: OutputStream, command: CiCommand): void {
  if (stream.command) stream.command(command);
  else stream.write(command.ciCommand);
}

// The runner skips white space before a command. Colour codes may be there too, and some systems remove them first.
const BLANK = '(?:[^\\S\\r\\n]|\\u001b\\[[\\d;?]*[A-Za-z])*';
const AT_LINE_START = new RegExp(`([\\r\\n]|^)(${BLANK})::`, 'g');
const ONLY_BLANK = new RegExp(`^${BLANK}$`);

/** Creates a filter for one stream, which makes each piece harmless to CI systems and terminals. */
export function createCiGuard(): (text: string) => string {
  // Whether only white space and colour codes were written since the last newline.
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
