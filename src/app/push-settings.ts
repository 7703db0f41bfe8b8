/** The settings of a push, for the command line and the library. Times are in milliseconds. */
import type { Risk } from '../risks.js';
import type { CoreOptions } from '../upgrade/core/core.js';
import type { Plan } from '../upgrade/plan/plan.js';
import { type FailureLimit, parseWaves } from '../upgrade/rollout/options.js';
import { DEFAULTS } from './defaults.js';
import type { FirmwareSettings } from './firmware.js';
import type { ServeSettings } from './serving/serving.js';

/** The settings of a push. Times are in milliseconds. */
export interface PushSettings {
  firmware?: FirmwareSettings | undefined;
  /** Serve the manifest's local files to the docks over HTTP. */
  serve?: ServeSettings | undefined;
  /** Defaults: reply 30 s, stall 30 min, verify 10 min, total none. */
  limits?: Limits | undefined;
  rollout?: RolloutSettings | undefined;
  /** Risks that cause a warning instead of refusing the run. */
  allow?: readonly Risk[] | undefined;
  /** Accept progress by its `bid` (default), or any progress on the gateway. */
  match?: 'bid' | 'gateway' | undefined;
  /** Check the state of each dock before publishing to it; default `off`. */
  preflight?: 'off' | 'warn' | 'require' | undefined;
  /** Skip devices that already report the target version. */
  skipCurrent?: boolean | undefined;
  /** Leave out gateways that are not ready instead of refusing the run: the same as a `waitReady` of 0. */
  skipUnready?: boolean | undefined;
  /** Start each gateway when it becomes ready, within this time from its turn. Default: gateways do not wait. */
  waitReady?: number | undefined;
  /** After `ok`, wait for the device to report the target version; default `off`. */
  verify?: 'off' | 'report' | 'require' | undefined;
}

/** Time limits, in milliseconds. */
export interface Limits {
  /** How long to wait for a `services_reply`. */
  reply?: number | undefined;
  /** How long a device may be silent between events. */
  stall?: number | undefined;
  /** How long to wait, after `ok`, for a device to report its version. */
  verify?: number | undefined;
  /** For the whole run. */
  total?: number | undefined;
}

/** The order in which gateways are upgraded, how many at once, and what is tried again. */
export interface RolloutSettings {
  /** Gateways upgrading at once; default all. */
  concurrency?: number | undefined;
  /** Like `1,10%,100%`. */
  waves?: string | undefined;
  wavePause?: number | undefined;
  maxFailures?: FailureLimit | undefined;
  retries?: number | undefined;
  /** The wait before the second attempt. Doubled for each further attempt. */
  retryWait?: number | undefined;
}

// A typical time for one upgrade, used if nothing is known. Most of it follows the download.
const USUAL_UPGRADE = 3_600_000;

/**
 * An estimate of how long after the start the last of `gateways` gateways may still download its firmware, for a warning about
 * URLs that expire earlier. Milliseconds.
 */
export function usualDuration({ limits, waitReady, rollout = {} }: PushSettings, gateways: number): number {
  const waves = rollout.waves?.split(',').length ?? 1;
  const rounds = rollout.concurrency ? Math.ceil(gateways / rollout.concurrency) : 1;
  const pauses = (waves - 1) * (rollout.wavePause ?? DEFAULTS.wavePause) + waves * (waitReady ?? 0);
  const usual = (waves + rounds - 1) * USUAL_UPGRADE + pauses;
  return Math.min(usual, limits?.total ?? usual);
}

/** The options of the core. @throws OtaError `usage` if the waves do not fit the number of gateways */
export function coreOptionsOf(settings: PushSettings, plan: Plan): CoreOptions {
  const { limits = {}, rollout = {}, match = 'bid', verify = 'off', waitReady } = settings;
  return {
    tracker: { match, retries: rollout.retries ?? DEFAULTS.retries, verify, adopt: 'none' },
    rollout: {
      concurrency: rollout.concurrency ?? null,
      waves: rollout.waves === undefined ? [] : parseWaves(rollout.waves, plan.gateways.length),
      wavePause: rollout.wavePause ?? DEFAULTS.wavePause,
      maxFailures: rollout.maxFailures ?? null,
      retryWait: rollout.retryWait ?? DEFAULTS.retryWait,
      ...(waitReady ? { waitReady } : {}),
    },
    ...(settings.allow?.includes('split-pair') ? { allowSplitPair: true } : {}),
    ...(waitReady ? { judge: { skipCurrent: settings.skipCurrent ?? false, allow: [...(settings.allow ?? [])] } } : {}),
    limits: {
      reply: limits.reply ?? DEFAULTS.replyTimeout,
      stall: limits.stall ?? DEFAULTS.stallTimeout,
      verify: limits.verify ?? DEFAULTS.verifyTimeout,
    },
  };
}
