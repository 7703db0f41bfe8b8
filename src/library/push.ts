import { randomUUID } from 'node:crypto';
import { DEFAULTS } from '../app/defaults.js';
import { checkedPids, checkedType } from '../app/named-values.js';
import { systemClock } from '../clock.js';
import { prepareFirmware } from '../firmware/prepare.js';
import type { Reading } from '../firmware/read/progress.js';
import { checkManifest, readManifest } from '../manifest/read.js';
import type { Risk } from '../risks.js';
import type { RunEvent } from '../upgrade/events.js';
import { plannedDevices } from '../upgrade/planned-devices.js';
import { createPreflight } from '../upgrade/preflight.js';
import { push as runPush } from '../upgrade/push.js';
import { type FailureLimit, parseWaves } from '../upgrade/rollout/options.js';
import type { RunView } from '../upgrade/tracker/state.js';
import { createVerification } from '../upgrade/verification.js';
import { type BrokerOptions, type ConnectFunction, connectFunction } from './broker.js';
import { type Run, startRun } from './run.js';

/** A device as a manifest names it, by the long names of its keys (see `dji-ota schema manifest`). */
export interface ManifestEntry {
  sn: string;
  product_version: string;
  pid?: string;
  file_url?: string;
  /** Path on this machine. */
  file?: string;
  md5?: string;
  sha256?: string;
  /** Bytes. */
  file_size?: number;
  file_name?: string;
  firmware_upgrade_type?: 2 | 3 | 4 | 'consistency' | 'normal' | 'psdk';
  /** Short texts by name. */
  labels?: Readonly<Record<string, string>>;
  /** What the device last reported; `heard_at` as ISO 8601. */
  known?: { version?: string | null; model?: string | null; heard_at?: string | null };
}

export interface PushRequest {
  /** Path of a .json, .yaml or .csv file, or the devices themselves. */
  manifest: string | readonly ManifestEntry[];
  /** Gateway of the devices whose entry names none. */
  pid?: string;
  /** Upgrade type of the devices whose entry names none; default `normal`. */
  type?: 2 | 3 | 4 | 'consistency' | 'normal' | 'psdk';
  broker: BrokerOptions | ConnectFunction;
  firmware?: {
    /** Where digests are kept; default: nowhere. */
    cacheFile?: string;
    /** Do not read what has both `md5` and `file_size`. */
    trustManifest?: boolean;
    /** What is told as a warning instead of refusing the run. */
    allow?: readonly Risk[];
    /** Bytes that are downloaded of a file whose size nobody states; default 8 GB. */
    maxSize?: number;
    /** PEM of further authorities for https. */
    ca?: Buffer;
    /** Ask the server of each `file_url` as a dock would; default true. */
    probeUrls?: boolean;
  };
  /** Milliseconds. Defaults: reply 30 s, stall 30 min, verify 10 min, total none. */
  limits?: { reply?: number; stall?: number; verify?: number; total?: number };
  rollout?: {
    /** Gateways upgrading at once; default all. */
    concurrency?: number;
    /** Like `1,10%,100%`. */
    waves?: string;
    /** Milliseconds. */
    wavePause?: number;
    maxFailures?: FailureLimit;
    retries?: number;
    /** Milliseconds before the second attempt; default 30,000. */
    retryWait?: number;
  };
  match?: 'bid' | 'gateway';
  preflight?: 'off' | 'warn' | 'require';
  skipCurrent?: boolean;
  skipUnready?: boolean;
  verify?: 'off' | 'report' | 'require';
  /** Ends the run; upgrades that were published go on in the docks. */
  signal?: AbortSignal;
  /** The firmware files being read, at most ten times a second. */
  onReading?: (files: readonly Reading[]) => void;
  /** A live look at every device, once the run is connected. */
  onView?: (view: RunView) => void;
}

/**
 * Upgrades the devices of a manifest and follows each to its end, as `dji-ota push` does, but keeps no journal. Prints
 * nothing, ends no process and listens to no signal.
 *
 * @example
 * const run = push({ manifest: 'manifest.json', broker: { url: 'mqtt://localhost' } });
 * for await (const event of run) console.log(event);
 * const { exit_code, devices } = await run.result;
 */
export function push(request: PushRequest): Run {
  return startRun(async (emit) => {
    const { manifest, limits = {}, rollout = {}, firmware = {}, verify = 'off', preflight = 'off' } = request;
    const options = { defaultPids: checkedPids('pid', request.pid), defaultType: checkedType('type', request.type) };
    const { devices, warnings } =
      typeof manifest === 'string' ? await readManifest(manifest, options) : checkManifest(manifest, options);
    const signal = request.signal ?? new AbortController().signal;
    const warn = (code: string, message: string) => emit({ event: 'warning', code, message } satisfies RunEvent);
    return runPush({
      devices,
      warnings,
      prepare: async (ending) =>
        plannedDevices(
          devices,
          await prepareFirmware(devices, {
            trustManifest: false,
            ...firmware,
            allow: new Set(firmware.allow),
            cacheFile: firmware.cacheFile ?? null,
            signal: ending,
            clock: systemClock,
            onReading: request.onReading ?? (() => {}),
            onReady: (ready) => emit({ event: 'firmware_ready', ...ready }),
            onWarning: warn,
          }),
        ),
      connect: connectFunction(request.broker),
      core: (plan) => ({
        tracker: { match: request.match ?? 'bid', retries: rollout.retries ?? DEFAULTS.retries, verify, adopt: 'none' },
        rollout: {
          concurrency: rollout.concurrency ?? null,
          waves: rollout.waves === undefined ? [] : parseWaves(rollout.waves, plan.gateways.length),
          wavePause: rollout.wavePause ?? DEFAULTS.wavePause,
          maxFailures: rollout.maxFailures ?? null,
          retryWait: rollout.retryWait ?? DEFAULTS.retryWait,
        },
        limits: {
          reply: limits.reply ?? DEFAULTS.replyTimeout,
          stall: limits.stall ?? DEFAULTS.stallTimeout,
          verify: limits.verify ?? DEFAULTS.verifyTimeout,
        },
      }),
      timeout: limits.total ?? null,
      preflight: createPreflight({
        preflight,
        skipCurrent: request.skipCurrent ?? false,
        skipUnready: request.skipUnready ?? false,
        keepListening: verify !== 'off',
        clock: systemClock,
        signal,
        onWarning: warn,
      }),
      verification: verify === 'off' ? null : createVerification(systemClock),
      clock: systemClock,
      emit,
      signal,
      newId: randomUUID,
      ...(request.onView ? { onView: request.onView } : {}),
    });
  });
}
