/** The completion scripts of `@bomb.sh/tab` as texts: it can only print them. */
import { script } from '@bomb.sh/tab';

/**
 * Meant to escape the colons of a value, since zsh takes what follows one for a description; but one of the two backslashes
 * got lost on the way, and `mqtt://` is offered as `mqtt`.
 */
const LOST_BACKSLASH = /(?<=comp=\$\{comp\/\/:\/)(?=\\:\})/;

/** The script that a shell is to read. */
export function tabScript(shell: 'zsh' | 'fish'): string {
  const printed = captured(() => script(shell, 'dji-ota', 'dji-ota'));
  return shell === 'zsh' ? printed.replace(LOST_BACKSLASH, '\\') : printed;
}

function captured(print: () => void): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    print();
  } finally {
    console.log = log;
  }
  return `${lines.join('\n')}\n`;
}
