/** The options that push, watch and resume share, from the command line's strings to values. */
import { OtaError } from '../errors.js';
import { pidProblem } from '../protocol/topics.js';
import { type UpgradeType, upgradeTypeOf } from '../protocol/upgrade-types.js';
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
  for (const pid of pids ?? []) {
    const problem = pidProblem(pid);
    if (problem) {
      throw new OtaError('usage', `--pid ${JSON.stringify(pid)} ${problem}`, {
        hint: 'Give the serial number that is printed on the dock.',
      });
    }
  }
  return [...new Set(pids)];
}

export function typeOf(type: string | undefined): UpgradeType | null {
  if (type === undefined) return null;
  const known = upgradeTypeOf(type);
  if (known !== null) return known;
  throw new OtaError('usage', `--type ${JSON.stringify(type)} is no upgrade type`, {
    hint: 'It can be normal (3), consistency (2) or psdk (4).',
  });
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
