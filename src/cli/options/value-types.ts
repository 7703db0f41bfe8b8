/** The types of option values. */

import { checkedPids, checkedType } from '../../app/named-values.js';
import { OtaError } from '../../errors.js';
import { runNameProblem } from '../../journal/run-name.js';
import type { Shard } from '../../manifest/select.js';
import type { UpgradeType } from '../../protocol/upgrade-types.js';
import { parseByteSize, writeByteSize } from '../../settings/byte-size.js';
import { parseDuration, parseTimeout, writeDuration } from '../../settings/duration.js';
import { quoted } from '../../text.js';
import { type FailureLimit, parseFailureLimit, parseWaves } from '../../upgrade/rollout/options.js';
import type { ValueType } from './declaration.js';

/** Milliseconds. */
export const duration: ValueType<number> = { parse: parseDuration, show: writeDuration };

/** Milliseconds, more than 0. */
export const timeout: ValueType<number> = { parse: parseTimeout, show: writeDuration };

/** Bytes, at least one. */
export const byteSize: ValueType<number> = { parse: parseByteSize, show: writeByteSize };

/** A whole number from `least` to `most`. */
export function count(least: number, most = Number.MAX_SAFE_INTEGER): ValueType<number> {
  return {
    parse(text, option) {
      const number = Number(text);
      if (/^\d+$/.test(text.trim()) && number >= least && number <= most) return number;
      const to = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
      throw new OtaError('usage', `${option} ${quoted(text)} is not a whole number from ${least}${to}`);
    },
  };
}

/** A number above 0. */
export function factor(most: number): ValueType<number> {
  return {
    parse(text, option) {
      const number = Number(text);
      if (text.trim() !== '' && number > 0 && number <= most) return number;
      throw new OtaError('usage', `${option} ${quoted(text)} is not a number above 0, up to ${most}`);
    },
  };
}

/** `10%` or `10`: 0 to 100. */
export const percentStep: ValueType<number> = {
  parse(text, option) {
    const number = Number(/^(\d{1,3}(?:\.\d+)?)%?$/.exec(text.trim())?.[1] ?? Number.NaN);
    if (number <= 100) return number;
    throw new OtaError('usage', `${option} ${quoted(text)} is not a step from 0 to 100%`, {
      hint: 'Write it like 10%.',
    });
  },
  show: (step) => `${step}%`,
};

/** The serial number of a gateway. */
export const gateway: ValueType<string> = { parse: (text, option) => checkedPids(option, text)[0] as string };

export const upgradeType: ValueType<UpgradeType> = {
  parse: (text, option) => checkedType(option, text) as UpgradeType,
};

export const failureLimit: ValueType<FailureLimit> = { parse: parseFailureLimit };

/** As written, because its meaning depends on the number of gateways. */
export const waves: ValueType<string> = {
  parse(text) {
    // Only the fleet decides whether the list reaches every gateway, so complete it here.
    parseWaves(`${text},100%`, Number.MAX_SAFE_INTEGER);
    return text;
  },
};

/** An http or https URL, which is a secret. */
export const webhook: ValueType<string> = {
  parse(text, option) {
    if (/^https?:\/\/[^/]/i.test(text) && URL.canParse(text)) return text;
    throw new OtaError('usage', `${option} is not an http or https URL`, {
      hint: 'It is not shown here, because it is a secret. Example: https://hooks.example.com/path.',
    });
  },
};

export const runName: ValueType<string> = {
  parse(text, option) {
    const problem = runNameProblem(text);
    if (problem === null) return text;
    throw new OtaError('usage', `${option} ${quoted(text)} cannot name a run: it ${problem}`, {
      hint: 'Examples: nightly, site-north.2.',
    });
  },
};

export const shard: ValueType<Shard> = {
  parse: async (text) => (await import('../../manifest/select.js')).parseShard(text),
};

/** `--pid a,b --pid c`: repeatable, or separated by commas. `readOptions` removes duplicates. */
export function commaList(value: string, previous: string[] = []): string[] {
  // In place, because copying the list for each of ten thousand values would take a minute.
  previous.push(...trimmed(value.split(',')));
  return previous;
}

/** Like {@link commaList}, for globs: a comma in braces belongs to the glob (`1581F{5,6}*`). */
export function patterns(value: string, previous: string[] = []): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of value) {
    if (char === '{') depth++;
    if (char === '}' && depth > 0) depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  previous.push(...trimmed(parts));
  return previous;
}

/** Removes spaces around the parts. Other invisible characters are not removed, but reported. */
function trimmed(parts: readonly string[]): string[] {
  return parts.map((part) => part.replace(/^ +| +$/g, '')).filter((part) => part !== '');
}

/** Repeatable; each value is used unchanged. */
export function each(value: string, previous: string[] = []): string[] {
  previous.push(value);
  return previous;
}

/** Repeatable, or separated by white space. */
export function words(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...value.split(/\s+/).filter((word) => word !== '')];
}
