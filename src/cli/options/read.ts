import { OtaError } from '../../errors.js';
import { quoted } from '../../text.js';
import { flagOf, type OptionDeclaration, type Options, type OptionTable } from './declaration.js';
import { commaList } from './value-types.js';

/**
 * Converts what commander parsed to the values of a table, with environment and defaults.
 * @throws OtaError `usage`, which names the option or the variable
 */
export async function readOptions<T extends OptionTable>(
  table: T,
  given: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv,
): Promise<Options<T>> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table)) {
    const value = await optionValue(flagOf(key, option), option, givenOf(given[key], option), env);
    if (value !== undefined) values[key] = value;
  }
  return values as Options<T>;
}

/** What was given. For a negated switch that was not given, commander returns true. */
function givenOf(value: unknown, { negated }: OptionDeclaration): unknown {
  return negated && value === true ? undefined : value;
}

async function optionValue(
  flag: string,
  option: OptionDeclaration,
  given: unknown,
  env: NodeJS.ProcessEnv,
): Promise<unknown> {
  // An empty variable counts as not set.
  const set = given === undefined && option.env && !option.merged ? env[option.env] || undefined : undefined;
  const kept = set === undefined ? undefined : (option.gather?.(set, undefined) ?? set);
  const source = kept === undefined ? flag : (option.env ?? flag);
  const value = given ?? kept;
  if (value === undefined) return option.default;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of option.gather === commaList ? new Set(value) : value)
      items.push(await itemOf(source, option, item));
    return items;
  }
  return typeof value === 'string' ? itemOf(source, option, value) : value;
}

function itemOf(source: string, { choices, type }: OptionDeclaration, text: string): unknown {
  if (choices && !choices.includes(text)) {
    throw new OtaError('usage', `${source} ${quoted(text)} is not known`, {
      hint: `It can be ${choices.join(', ')}.`,
    });
  }
  return type ? type.parse(text, source) : text;
}
