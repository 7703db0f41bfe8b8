/** Suggests what can follow at the cursor, from the program's own declarations of commands and options. */
import type { Command, Option } from 'commander';
import type { Completion } from '../options/declaration.js';

/** One suggestion. */
export interface Suggestion {
  value: string;
  description?: string;
}

/** The suggestions for one position of the command line. */
export interface Suggestions {
  items: Suggestion[];
  /** The shell suggests file names if no item fits. */
  files?: boolean;
  /** The shell must not sort the items, for example because they are the newest first. */
  keepOrder?: boolean;
  /** The word continues after the suggestion. */
  noSpace?: boolean;
}

/** A position at which a value is expected. */
export interface Place {
  /** `push`, `config use`. */
  command: string;
  /** The declared completion of the value. */
  complete: Completion | undefined;
  /** The arguments before it. The first argument of push is its manifest. */
  args: readonly string[];
  /** The last value of each option that was given. */
  options: ReadonlyMap<string, string>;
  /** What has been typed of the value. */
  typed: string;
}

type ValuesOf = (place: Place) => Promise<Suggestions>;

/**
 * The suggestions for the last of `words`, which is empty if the cursor is after a space. `words` is the command line without
 * the program's name. Returns those with the same beginning.
 */
export async function suggest(program: Command, words: readonly string[], valuesOf: ValuesOf): Promise<Suggestions> {
  const typed = words.at(-1) ?? '';
  const { command, args, options, given, pending, onlyArguments } = walk(program, words.slice(0, -1));
  const path = pathOf(command);
  const values = async (option: Option, part: string) => {
    const { complete, choices } = declared(option);
    return startingWith(
      part,
      await valuesOf({ command: path, complete: choices ?? complete, args, options, typed: part }),
    );
  };
  if (pending) return values(pending, typed);
  if (!onlyArguments && typed.startsWith('-')) {
    const [name = '', ...value] = typed.split('=');
    const option = value.length > 0 ? findOption(command, name) : undefined;
    if (option) return values(option, value.join('='));
    return startingWith(typed, { items: optionsOf(command, given) });
  }
  const items = args.length === 0 ? commandsOf(command) : [];
  const argument = command.registeredArguments[Math.min(args.length, command.registeredArguments.length - 1)];
  if (argument && (argument.variadic || args.length < command.registeredArguments.length)) {
    const { complete, orFiles = false } = declared(argument);
    const more = await valuesOf({ command: path, complete, args, options, typed });
    return startingWith(typed, { ...more, files: more.files || orFiles, items: [...items, ...more.items] });
  }
  // If no argument can follow, show the options.
  return startingWith(typed, { items: items.length > 0 || onlyArguments ? items : optionsOf(command, given) });
}

/** Not by instanceof: this chunk of the built program has a copy of commander. */
function declared(of: object): {
  complete?: Completion;
  choices?: readonly string[];
  orFiles?: boolean;
  gather?: unknown;
} {
  return (of as { declared?: object }).declared ?? {};
}

interface Walked {
  command: Command;
  args: string[];
  options: Map<string, string>;
  /** The long names of the options so far. */
  given: Set<string>;
  /** The option whose value is next. */
  pending: Option | null;
  /** After `--`. */
  onlyArguments: boolean;
}

function walk(program: Command, words: readonly string[]): Walked {
  const walked: Walked = {
    command: program,
    args: [],
    options: new Map(),
    given: new Set(),
    pending: null,
    onlyArguments: false,
  };
  for (const word of words) step(walked, word);
  return walked;
}

function step(walked: Walked, word: string): void {
  const { pending, command } = walked;
  walked.pending = null;
  // Like commander: the next word is an optional value only if it does not look like an option.
  if (pending && (pending.required || !word.startsWith('-'))) {
    walked.options.set(pending.long ?? '', word);
    return;
  }
  if (walked.onlyArguments || !word.startsWith('-') || word === '-') {
    const next = walked.args.length === 0 && !walked.onlyArguments ? findCommand(command, word) : undefined;
    if (next) walked.command = next;
    else walked.args.push(word);
    return;
  }
  if (word === '--') {
    walked.onlyArguments = true;
    return;
  }
  const [name = '', ...value] = word.split('=');
  const option = findOption(command, name);
  if (!option) return;
  walked.given.add(option.long ?? '');
  if (value.length > 0) walked.options.set(option.long ?? '', value.join('='));
  else if (option.required || option.optional) walked.pending = option;
}

function findCommand(command: Command, name: string): Command | undefined {
  return command.commands.find((each) => each.name() === name || each.aliases().includes(name));
}

function findOption(command: Command, name: string): Option | undefined {
  return visibleOptions(command).find((option) => option.long === name || option.short === name);
}

function visibleOptions(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function optionsOf(command: Command, given: ReadonlySet<string>): Suggestion[] {
  return visibleOptions(command).flatMap((option) => {
    const { long, description } = option;
    // Only an option that collects values may be repeated.
    return long && (declared(option).gather || !given.has(long)) ? [{ value: long, description }] : [];
  });
}

function commandsOf(command: Command): Suggestion[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ value: each.name(), description: each.summary() || each.description() }));
}

/** The full name of a command, such as `config use`. */
function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

function startingWith(typed: string, suggestions: Suggestions): Suggestions {
  return { ...suggestions, items: suggestions.items.filter(({ value }) => value.startsWith(typed)) };
}
