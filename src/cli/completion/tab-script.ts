/** Returns the completion scripts of `@bomb.sh/tab` as text, because it can only print them. */
import { script } from '@bomb.sh/tab';

/**
 * The script should escape the colons of a value, because zsh takes what follows one for a description. One of two backslashes
 * is missing, so `mqtt://` is suggested as `mqtt`.
 */
const LOST_BACKSLASH = /(?<=comp=\$\{comp\/\/:\/)(?=\\:\})/;

/** The script for a shell. */
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
