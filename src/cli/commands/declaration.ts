/** A command as one value: how it is called, what it takes, and what does its work. */
import type { Io } from '../io.js';
import type { Completion, Options, OptionTable } from '../options/declaration.js';
import type { CommonOptions } from '../options/on-every-command.js';

export interface ArgumentDeclaration {
  /** `<run>`, `[manifest]`, `<file or url...>` */
  readonly term: `<${string}>` | `[${string}]`;
  readonly help: string;
  readonly complete?: Completion;
  /** Files are offered after what `complete` names. */
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

export interface CommandDeclaration<
  A extends readonly ArgumentDeclaration[] = readonly ArgumentDeclaration[],
  O extends OptionTable = OptionTable,
> {
  readonly name: string;
  /** In the list of commands; without it the description stands there. */
  readonly summary?: string;
  readonly description: string;
  readonly arguments?: A;
  /** Those of every command are added. */
  readonly options: O;
  /** Paragraphs of help behind the options. */
  readonly notes?: string;
  /** Help has the table of exit codes. */
  readonly exitCodes?: true;
  /** Command lines without the prompt. */
  readonly examples?: readonly string[];
  readonly commands?: readonly CommandDeclaration[];
  /**
   * Does the work, and imports what does it only then: declaring must cost nothing. A command without it only has commands.
   * @param given what of the options was given on the command line, as it was written
   * @returns the exit code
   */
  // A method, so that a list can hold commands of all kinds.
  run?(
    args: ArgumentValues<A>,
    options: Options<O> & CommonOptions,
    io: Io,
    given: Readonly<Record<string, unknown>>,
  ): Promise<number>;
}

/** `run` has the exact types of what is declared; whoever calls it parses by the declaration, and knows no more. */
export function defineCommand<const A extends readonly ArgumentDeclaration[], const O extends OptionTable>(
  command: CommandDeclaration<A, O>,
): CommandDeclaration {
  return command as unknown as CommandDeclaration;
}
