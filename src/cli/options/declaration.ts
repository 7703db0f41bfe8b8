/**
 * An option as one value. Its declaration contains everything: commander, the type of the parsed value, validation, help,
 * completion, the man page and the option tables of the documentation are derived from it.
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
/** A heading of help. */
export type Group = (typeof GROUPS)[number];

/** Converts the text of an option to a value, and a value to text for help. */
export interface ValueType<T> {
  /** @throws OtaError `usage` that names `option`. */
  parse(text: string, option: string): T | Promise<T>;
  show?(value: T): string;
}

/** The source of the values that a shell suggests; an array lists them. */
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

/** The declaration of an option. */
export interface OptionDeclaration {
  /** What follows the flag: `<duration>`; an optional value is `[scenario]`; a switch has none. */
  readonly value?: `<${string}>` | `[${string}]`;
  /** `--no-cache` for the key `cache`. */
  readonly negated?: true;
  readonly group?: Group;
  /** One sentence without a full stop. Choices and the default are added. */
  readonly help: string;
  /** The allowed values. */
  readonly choices?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: a value type takes its own values, and a table holds all types.
  readonly type?: ValueType<any>;
  /** For a repeatable option: adds `value` to the previous values, in place, and returns them. */
  readonly gather?: (value: string, previous?: string[]) => string[];
  /** The value if nothing is given. */
  readonly default?: unknown;
  /** Shown instead of a default that is not a value: `all`, `a new one each time`. */
  readonly defaultText?: string;
  /** The environment variable that is read if the option is not given. */
  readonly env?: string;
  /**
   * `settings/connection/merge-connection.ts` merges environment, profile and default, and records the source of each value.
   */
  readonly merged?: true;
  readonly complete?: Completion;
  /** Still accepted, but not shown. */
  readonly hidden?: true;
  /** A short text for `--help` of a command that has too many options for one screen. */
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

/** The parsed values of a table. An option that is not given has its default, or is absent. */
export type Options<T extends OptionTable> = {
  [K in keyof T as T[K] extends { default: unknown } ? K : never]: ValueOf<T[K]>;
} & {
  [K in keyof T as T[K] extends { default: unknown } ? never : K]?: ValueOf<T[K]> | undefined;
};

/** Keeps the exact types of a table. */
export function defineOptions<const T extends OptionTable>(table: T): T {
  return table;
}

/** `--stall-timeout`, `--no-cache`. */
export function flagOf(key: string, { negated }: Pick<OptionDeclaration, 'negated'> = {}): string {
  return `--${negated ? 'no-' : ''}${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The default in words; null = there is none. */
export function defaultTextOf({ default: value, defaultText, type }: OptionDeclaration): string | null {
  if (defaultText !== undefined) return defaultText;
  if (value === undefined) return null;
  return type?.show ? type.show(value) : String(value);
}

/** The sentence in help. */
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
