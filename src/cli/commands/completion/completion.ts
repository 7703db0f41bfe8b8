/** `dji-ota completion`, and the `complete --` command that its scripts call at each press of the tab key. */
import type { Command } from 'commander';
import { OtaError } from '../../../errors.js';
import { meantHint } from '../../../nearest.js';
import { quoted, safeText } from '../../../text.js';
import { type Suggestions, suggest } from '../../completion/suggest.js';
import { valuesOf } from '../../completion/suggest-values.js';
import type { Io } from '../../io.js';
import { SHELLS } from './shells.js';

/** The bits of cobra's completion protocol, which the scripts of `@bomb.sh/tab` use. */
const NO_SPACE = 2;
const NO_FILES = 4;
const KEEP_ORDER = 32;

/**
 * Characters that have no special meaning in any shell. A name in a manifest may contain `$(...)`, and is inserted into a
 * command line.
 */
const HARMLESS = /^[\w@%+=:,./-]+$/;
const LONGEST = 200;

/** `dji-ota completion <shell>`. @throws OtaError `usage` for any other shell. */
export async function completionCommand(name: string, io: Io): Promise<number> {
  const shell = SHELLS.find((one) => one === name);
  if (!shell) {
    throw new OtaError('usage', `no completion for the shell ${quoted(name)}`, {
      hint: meantHint(name, SHELLS, `There is one for ${SHELLS.join(', ')}.`),
    });
  }
  if (shell === 'bash') {
    io.stdout.write((await import('../../completion/bash.js')).BASH_SCRIPT);
    return 0;
  }
  io.stdout.write((await import('../../completion/tab-script.js')).tabScript(shell));
  return 0;
}

/**
 * Answers a shell: one line per suggestion, `value<TAB>description`, and `:bits` at the end. Prints nothing else, whatever
 * fails, because the user is typing.
 */
export async function complete(program: Command, words: readonly string[], io: Io): Promise<number> {
  let found: Suggestions;
  try {
    found = await suggest(program, words.length > 0 ? words : [''], (place) => valuesOf(place, io.env));
  } catch {
    found = { items: [] };
  }
  const lines = found.items
    .filter(({ value }) => HARMLESS.test(value) && value.length <= LONGEST)
    .map(({ value, description }) => (description ? `${value}\t${safeText(description, LONGEST)}` : value));
  const bits = (found.noSpace ? NO_SPACE : 0) | (found.files ? 0 : NO_FILES) | (found.keepOrder ? KEEP_ORDER : 0);
  io.stdout.write(`${[...lines, `:${bits}`].join('\n')}\n`);
  return 0;
}
