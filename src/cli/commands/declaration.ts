/** A command as one value: its name, its arguments and options, and the function that does its work. */
import type { Io } from '../io.js';
import type { Completion, Options, OptionTable } from '../options/declaration.js';
import type { CommonOptions } from '../options/on-every-command.js';

/** An argument of a command. */
export interface ArgumentDeclaration {
  /** `<run>`, `[manifest]`, `<file or url...>` */
  readonly term: `<${string}>` | `[${string}]`;
  readonly help: string;
  readonly complete?: Completion;
  /** Files are suggested in addition to `complete`. */
  readonly orFiles?: true;
}

type ArgumentValue<Term extends string> = Term extends `${string}...${'>' | ']'}`
  ? string[]
  : Term extends `<${string}>`
    ? string
    : string | undefined;
type ArgumentValues<A extends readonly ArgumentDeclaration[]> = {
  -readonly [I in keyof A]: ArgumentValue<A[I]['term']>;
};

/** The declaration of a command. */
export interface CommandDeclaration<
  A extends readonly ArgumentDeclaration[] = readonly ArgumentDeclaration[],
  O extends OptionTable = OptionTable,
> {
  readonly name: string;
  /** The text in the list of commands; default: the description. */
  readonly summary?: string;
  readonly description: string;
  readonly arguments?: A;
  /** The command's own options. The common options are added. */
  readonly options: O;
  /** Further paragraphs of help after the options. */
  readonly notes?: string;
  /** Help shows the table of exit codes. */
  readonly exitCodes?: true;
  /** Example command lines without the prompt. */
  readonly examples?: readonly string[];
  readonly commands?: readonly CommandDeclaration[];
  /**
   * Does the work. It imports its modules itself, so that a declaration costs nothing. A command without it only has
   * subcommands.
   * @param given the options that were given on the command line, as written
   * @returns the exit code
   */
  // A method, not a property, so that a list can contain commands with different types.
  run?(
    args: ArgumentValues<A>,
    options: Options<O> & CommonOptions,
    io: Io,
    given: Readonly<Record<string, unknown>>,
  ): Promise<number>;
}

/** Keeps the exact types for `run`, and returns the general type: callers parse by the declaration. */
export function defineCommand<const A extends readonly ArgumentDeclaration[], const O extends OptionTable>(
  command: CommandDeclaration<A, O>,
): CommandDeclaration {
  return command as unknown as CommandDeclaration;
}
