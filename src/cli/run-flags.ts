/** The options that push, watch and resume share, from the command line's strings to values. */
import { OtaError } from '../errors.js';
import { checkedPids, checkedType } from '../library/checks.js';
import type { UpgradeType } from '../protocol/upgrade-types.js';
import { parseTimeout } from '../settings/duration.js';

export interface LimitFlags {
  replyTimeout?: string;
  stallTimeout?: string;
  verifyTimeout?: string;
  timeout?: string;
}

/** Milliseconds; `total` null = none. */
export function limitsOf(flags: LimitFlags): { reply: number; stall: number; verify: number; total: number | null } {
  return {
    reply: parseTimeout(flags.replyTimeout ?? '30s', '--reply-timeout'),
    stall: parseTimeout(flags.stallTimeout ?? '30m', '--stall-timeout'),
    verify: parseTimeout(flags.verifyTimeout ?? '10m', '--verify-timeout'),
    total: flags.timeout === undefined ? null : parseTimeout(flags.timeout, '--timeout'),
  };
}

/** `--pid`, each checked and once. @throws OtaError `usage` */
export function pidsOf(pids: readonly string[] | undefined): string[] {
  return checkedPids('--pid', pids);
}

/** `--type`; null where it is not given. @throws OtaError `usage` */
export function typeOf(type: string | undefined): UpgradeType | null {
  return checkedType('--type', type);
}

/** One of `choices`, or the first where nothing is given. @throws OtaError `usage` */
export function choiceOf<T extends string>(
  option: string,
  value: string | undefined,
  choices: readonly [T, ...T[]],
): T {
  if (value === undefined) return choices[0];
  const known = choices.find((choice) => choice === value);
  if (known !== undefined) return known;
  throw new OtaError('usage', `${option} ${JSON.stringify(value)} is not known`, {
    hint: `It can be ${choices.join(', ')}.`,
  });
}
