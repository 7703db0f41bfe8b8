/**
 * An option as one value. Everything that is known of it stands in its declaration: commander, the type of the parsed
 * value, validation, help, completion, the man page and the option tables of the documentation follow from it.
 */

/** The headings of help, in this order. */
export const GROUPS = [
  'Options',
  'Which devices',
  'Looking at the docks',
  'Roll-out',
  'Firmware',
  'Time limits',
  'Connection',
  'Other',
] as const;
export type Group = (typeof GROUPS)[number];

/** How the text behind an option becomes a value, and how a value is written in help. */
export interface ValueType<T> {
  /** @throws OtaError `usage` that names `option`. */
  parse(text: string, option: string): T | Promise<T>;
  show?(value: T): string;
}

/** Where the values come from that a shell offers; an array: a few words. */
export type Completion =
  | readonly string[]
  | 'files'
  | 'brokers'
  | 'profiles'
  | 'runs'
  | 'resumable-runs'
  | 'running-runs'
  | 'scenarios'
  | 'gateways'
  | 'serials'
  | 'known-serials'
  | 'labels'
  | 'settings'
  | 'assignments';

export interface OptionDeclaration {
  /** What follows the flag: `<duration>`; `[scenario]` may be omitted; a switch has nothing. */
  readonly value?: `<${string}>` | `[${string}]`;
  /** `--no-cache` for the key `cache`. */
  readonly negated?: true;
  readonly group?: Group;
  /** One sentence without its end; choices and the default are added to it. */
  readonly help: string;
  /** The only values. */
  readonly choices?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: a value type takes its own values, and a table holds all types.
  readonly type?: ValueType<any>;
  /** Given several times: adds `value` to what was given before, in place, and returns it. */
  readonly gather?: (value: string, previous?: string[]) => string[];
  /** The value where nothing is given. */
  readonly default?: unknown;
  /** In place of a default that is no value: `all`, `a new one each time`. */
  readonly defaultText?: string;
  /** The environment variable that is read where the option is not given. */
  readonly env?: string;
  /** Environment, profile and default are merged in by `settings/merge`, which says where each value came from. */
  readonly merged?: true;
  readonly complete?: Completion;
  /** Still understood, and shown nowhere. */
  readonly hidden?: true;
  /** Shown by `--help` of a command that has too many options for one screen, in these few words. */
  readonly everyday?: string | undefined;
}

/** By the name of the parsed value: `stallTimeout` is `--stall-timeout`. */
export type OptionTable = Readonly<Record<string, OptionDeclaration>>;

type ItemOf<D> = D extends { type: ValueType<infer T> }
  ? T
  : D extends { choices: readonly (infer C)[] }
    ? C
    : D extends { value: string }
      ? string
      : D extends { negated: true }
        ? false
        : true;
type ValueOf<D> = D extends { gather: unknown }
  ? ItemOf<D>[]
  : D extends { value: `[${string}]` }
    ? ItemOf<D> | true
    : ItemOf<D>;

/** The parsed values of a table. What is not given has its default, or is not there. */
export type Options<T extends OptionTable> = {
  [K in keyof T as T[K] extends { default: unknown } ? K : never]: ValueOf<T[K]>;
} & {
  [K in keyof T as T[K] extends { default: unknown } ? never : K]?: ValueOf<T[K]> | undefined;
};

/** Keeps the types of a table as exact as they are written. */
export function defineOptions<const T extends OptionTable>(table: T): T {
  return table;
}

/** `--stall-timeout`, `--no-cache`. */
export function flagOf(key: string, { negated }: Pick<OptionDeclaration, 'negated'> = {}): string {
  return `--${negated ? 'no-' : ''}${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The default in words; null where there is none. */
export function defaultTextOf({ default: value, defaultText, type }: OptionDeclaration): string | null {
  if (defaultText !== undefined) return defaultText;
  if (value === undefined) return null;
  return type?.show ? type.show(value) : String(value);
}

/** The sentence that help shows. */
export function helpOf(option: OptionDeclaration): string {
  const standard = defaultTextOf(option);
  return `${meaningOf(option)}${standard === null ? '' : ` (default: ${standard})`}`;
}

/** The sentence without the default. */
export function meaningOf({ help, choices }: OptionDeclaration): string {
  return choices ? `${listed(choices)}: ${help}` : help;
}

/** `auto, 5 or 3.1.1` */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
