/** The options of `push`, from strings to what the run is made with. */
import { OtaError } from '../errors.js';
import type { ConnectionFlags } from '../settings/connection/load-connection.js';
import { parseDuration, parseTimeout } from '../settings/duration.js';
import type { CoreOptions } from '../upgrade/core.js';
import type { Plan } from '../upgrade/plan.js';
import { parseFailureLimit, parseWaves } from '../upgrade/rollout/options.js';
import { choiceOf, type LimitFlags, limitsOf } from './run-flags.js';
import type { OutputFlags } from './run-output.js';

export interface PushFlags extends ConnectionFlags, LimitFlags, OutputFlags {
  pid?: string[];
  type?: string;
  simulate?: string | true;
  dryRun?: boolean;
  confirm?: boolean;
  concurrency?: string;
  waves?: string;
  wavePause?: string;
  maxFailures?: string;
  retries?: string;
  retryWait?: string;
  skipCurrent?: boolean;
  preflight?: string;
  skipUnready?: boolean;
  verify?: string;
  only?: string[];
  exclude?: string[];
  shard?: string;
  serve?: string;
  serveUrl?: string;
  allowVersionMismatch?: boolean;
  /** False: `--no-cache`. */
  cache?: boolean;
  trustManifest?: boolean;
  match?: string;
}

export interface PushSettings {
  preflight: 'off' | 'warn' | 'require';
  verify: 'off' | 'report' | 'require';
  /** Milliseconds; null = none. */
  timeout: number | null;
  core(plan: Plan): CoreOptions;
}

/** @throws OtaError `usage` for whatever is wrong with the options by themselves. */
export function pushSettings(flags: PushFlags): PushSettings {
  const { total, ...limits } = limitsOf(flags);
  const match = choiceOf('--match', flags.match, ['bid', 'gateway']);
  const preflight = choiceOf('--preflight', flags.preflight, ['off', 'warn', 'require']);
  const verify = choiceOf('--verify', flags.verify, ['off', 'report', 'require']);
  if (flags.skipUnready && preflight !== 'require') {
    throw new OtaError('usage', '--skip-unready needs --preflight require', { hint: 'Give both.' });
  }
  if (flags.verifyTimeout !== undefined && verify === 'off') {
    throw new OtaError('usage', '--verify-timeout needs --verify', {
      hint: 'Give --verify report or --verify require.',
    });
  }
  if (flags.wavePause !== undefined && flags.waves === undefined) {
    throw new OtaError('usage', '--wave-pause needs --waves', { hint: 'Give them like --waves 1,10%,100%.' });
  }
  if (flags.serveUrl !== undefined && flags.serve === undefined) {
    throw new OtaError('usage', '--serve-url needs --serve', {
      hint: 'Give the address to listen on with --serve host:port.',
    });
  }
  // A wave's list needs the number of gateways; its form is checked at once.
  if (flags.waves !== undefined) checkWaveForm(flags.waves);
  const rollout = {
    concurrency: flags.concurrency === undefined ? null : wholeNumber('--concurrency', flags.concurrency, 1),
    wavePause: flags.wavePause === undefined ? 0 : parseDuration(flags.wavePause, '--wave-pause'),
    maxFailures: flags.maxFailures === undefined ? null : parseFailureLimit(flags.maxFailures),
    retryWait: flags.retryWait === undefined ? 30_000 : parseTimeout(flags.retryWait, '--retry-wait'),
  };
  const retries = flags.retries === undefined ? 0 : wholeNumber('--retries', flags.retries, 0);
  return {
    preflight,
    verify,
    timeout: total,
    core: (plan) => ({
      tracker: { match, retries, verify, adopt: 'none' },
      rollout: { ...rollout, waves: flags.waves === undefined ? [] : parseWaves(flags.waves, plan.gateways.length) },
      limits,
    }),
  };
}

function checkWaveForm(waves: string): void {
  // Only that it ascends to the end can depend on the fleet.
  parseWaves(`${waves},100%`, Number.MAX_SAFE_INTEGER);
}

/** @throws OtaError `usage` */
export function wholeNumber(option: string, value: string, least: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value.trim()) && Number.isSafeInteger(number) && number >= least) return number;
  throw new OtaError('usage', `${option} ${JSON.stringify(value)} is not a whole number from ${least}`);
}
