/**
 * Finds the command whose help is requested. commander itself only looks at one word after `help`, and at no word before
 * `--help`.
 */
import type { Command } from 'commander';
import { OtaError } from '../errors.js';
import { quoted } from '../text.js';
import { redactUrls } from '../url.js';

/**
 * The command whose help `argv` requests, by `help` or `--help`; null = it does not, or commander handles it: words after the
 * name of a command are its arguments.
 * @throws OtaError `usage` if help is requested for a command that does not exist
 */
export async function helpRequest(program: Command, argv: readonly string[]): Promise<Command | null> {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  const byOption = HELP.some((flag) => words.includes(flag));
  let command = program;
  let byWord = false;
  for (const [index, word] of words.entries()) {
    // `--help all` shows every option.
    if (word.startsWith('-') || (word === 'all' && HELP.includes(words[index - 1] ?? ''))) continue;
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (next) command = next;
    else if (word === 'help' && isGroup(command)) byWord = true;
    else if (byWord || (byOption && isGroup(command))) throw await unknownCommand(program, command, word);
    else return null;
  }
  return byWord || byOption ? command : null;
}

const HELP = ['--help', '-h'];

/** Whether it only takes the name of a subcommand. */
function isGroup({ commands, registeredArguments, options }: Command): boolean {
  const hasValues = options.some(({ required, optional }) => required || optional);
  return commands.length > 0 && registeredArguments.length === 0 && !hasValues;
}

/**
 * For a command line with too many words: an error that lists the subcommands; null = the command has none. A command with work
 * of its own, like `dji-ota inventory` and `dji-ota runs`, takes a mistyped subcommand for an argument.
 */
export async function mistypedCommand(program: Command, argv: readonly string[]): Promise<OtaError | null> {
  let command = program;
  for (const word of argv) command = command.commands.find((each) => each.name() === word) ?? command;
  const [word] = command.args;
  if (command.commands.length === 0 || word === undefined) return null;
  if (command.registeredArguments.length > 0) {
    const { nearest } = await import('../nearest.js');
    const names = command.commands.map((each) => each.name());
    if (nearest(word, names) === null) return null;
  }
  return unknownCommand(program, command, word);
}

async function unknownCommand(program: Command, group: Command, word: string): Promise<OtaError> {
  const { meantHint } = await import('../nearest.js');
  const path: string[] = [];
  for (let at = group; at !== program && at.parent; at = at.parent) path.unshift(at.name());
  const names = group.commands.map((each) => each.name());
  const shown = ['dji-ota', ...path].join(' ');
  const otherwise = names.length === 0 ? `Its help: ${shown} --help` : `There are: ${names.join(', ')}.`;
  return new OtaError('usage', `unknown command ${quoted(redactUrls(word))} of ${shown}`, {
    hint: meantHint(word, names, otherwise),
  });
}
