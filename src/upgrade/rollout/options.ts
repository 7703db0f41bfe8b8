/** The options of a roll-out, and how users write them. */

import { OtaError } from '../../errors.js';
import { quoted } from '../../text.js';

/** How a run starts its gateways. Part of the run's settings in the journal. */
export interface RolloutOptions {
  /** Gateways upgrading at once; null = all. */
  concurrency: number | null;
  /** The cumulative number of gateways at the end of each wave, ascending; the last one is all gateways. Empty = one wave. */
  waves: readonly number[];
  /** Milliseconds between the end of a wave and the start of the next. */
  wavePause: number;
  maxFailures: FailureLimit | null;
  /** Milliseconds before the second attempt. Doubled for each further attempt. */
  retryWait: number;
  /** How long a gateway may wait until it is ready, in milliseconds from its turn. Absent or null: gateways do not wait. */
  waitReady?: number | null;
}

/** The longest wait between two attempts, in milliseconds. */
const MAX_RETRY_WAIT = 15 * 60_000;

/** Milliseconds from the end of `attempt` (from 1) to the next one. */
export function waitAfter(attempt: number, { retryWait }: Pick<RolloutOptions, 'retryWait'>): number {
  return Math.min(MAX_RETRY_WAIT, retryWait * 2 ** (attempt - 1));
}

/** The number or share of failed and unknown devices after which no more gateways are started. */
export type FailureLimit = { devices: number } | { percent: number };

/**
 * Converts `1,10%,100%` to cumulative numbers of gateways.
 * @throws OtaError `usage` if the list does not ascend, or does not reach every gateway.
 */
export function parseWaves(list: string, gateways: number): number[] {
  const waves = list.split(',').map((part) => {
    const match = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(part);
    const value = Number(match?.[1]);
    if (!match || value <= 0 || (match[2] === '' && !Number.isInteger(value)) || (match[2] && value > 100)) {
      throw new OtaError('usage', `--waves: ${quoted(part.trim())} is neither a number of gateways nor a percentage`, {
        hint: 'Example: 1,10%,100%; each is the cumulative number of gateways after that wave.',
      });
    }
    return match[2] ? Math.max(1, Math.ceil((gateways * value) / 100)) : Math.min(value, gateways);
  });
  waves.forEach((wave, index) => {
    if (wave < (waves[index - 1] ?? 0)) {
      throw new OtaError('usage', `--waves: ${list} does not ascend`, {
        hint: 'Each number counts all gateways up to that wave.',
      });
    }
  });
  if ((waves.at(-1) ?? 0) < gateways) {
    throw new OtaError('usage', `--waves: ${list} ends after ${waves.at(-1)} of ${gateways} gateways`, {
      hint: 'End the list with 100%.',
    });
  }
  return waves.filter((wave, index) => wave !== waves[index - 1]);
}

/** Reads `3` or `5%`. @throws OtaError `usage` */
export function parseFailureLimit(value: string): FailureLimit {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(value.trim());
  const number = Number(match?.[1]);
  const valid = match && number > 0 && (match[2] ? number <= 100 : Number.isInteger(number));
  if (!valid) {
    throw new OtaError(
      'usage',
      `--max-failures: ${quoted(value)} is neither a number of devices from 1 nor a percentage`,
      {
        hint: 'Write it like 3 or 5%.',
      },
    );
  }
  return match[2] ? { percent: number } : { devices: number };
}
