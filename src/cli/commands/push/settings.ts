/** What a run is made with, by the options of `push`. */
import { DEFAULTS } from '../../../app/defaults.js';
import { OtaError } from '../../../errors.js';
import type { CoreOptions } from '../../../upgrade/core.js';
import type { Plan } from '../../../upgrade/plan.js';
import { parseWaves } from '../../../upgrade/rollout/options.js';
import type { PushOptions } from './options.js';

export interface PushSettings {
  preflight: 'off' | 'warn' | 'require';
  verify: 'off' | 'report' | 'require';
  /** Milliseconds; null = none. */
  timeout: number | null;
  core(plan: Plan): CoreOptions;
}

/** @throws OtaError `usage` for options that do not go together. */
export function pushSettings(options: PushOptions): PushSettings {
  const { preflight, verify, match, retries, retryWait, waves } = options;
  if (options.skipUnready && preflight !== 'require') {
    throw new OtaError('usage', '--skip-unready needs --preflight require', { hint: 'Give both.' });
  }
  if (options.verifyTimeout !== undefined && verify === 'off') {
    throw new OtaError('usage', '--verify-timeout needs --verify', {
      hint: 'Give --verify report or --verify require.',
    });
  }
  if (options.wavePause !== undefined && waves === undefined) {
    throw new OtaError('usage', '--wave-pause needs --waves', { hint: 'Give them like --waves 1,10%,100%.' });
  }
  if (options.serveUrl !== undefined && options.serve === undefined) {
    throw new OtaError('usage', '--serve-url needs --serve', {
      hint: 'Give the address to listen on with --serve host:port.',
    });
  }
  const rollout = {
    concurrency: options.concurrency ?? null,
    wavePause: options.wavePause ?? DEFAULTS.wavePause,
    maxFailures: options.maxFailures ?? null,
    retryWait,
  };
  const limits = {
    reply: options.replyTimeout,
    stall: options.stallTimeout,
    verify: options.verifyTimeout ?? DEFAULTS.verifyTimeout,
  };
  return {
    preflight,
    verify,
    timeout: options.timeout ?? null,
    core: (plan) => ({
      tracker: { match, retries, verify, adopt: 'none' },
      rollout: { ...rollout, waves: waves === undefined ? [] : parseWaves(waves, plan.gateways.length) },
      limits,
    }),
  };
}
