/**
 * The events of a run. The members of this union are the JSON lines of CONTRACT (without `schema`, `time` and `run`), and the
 * input of every renderer and report. Keys are added, never renamed or removed.
 */
import type { ErrorCode } from '../errors.js';
import type { Labels } from '../manifest/model.js';
import type { TerminalStatus } from '../protocol/statuses.js';

/** How a device ended: one of the protocol's five terminal statuses, or one of three of our own. */
export type Outcome = TerminalStatus | 'unknown' | 'skipped' | 'not_started';

/** All outcomes, in the order in which they are shown. */
export const OUTCOMES: readonly Outcome[] = [
  'ok',
  'failed',
  'rejected',
  'canceled',
  'timeout',
  'unknown',
  'skipped',
  'not_started',
];

/** `true`: the device reports the target version. `false`: it reports another one. `null`: not asked, or no report in time. */
export type Verified = boolean | null;

/** How one device ended. */
export interface DeviceOutcome {
  pid: string;
  sn: string | null;
  status: Outcome;
  percent: number | null;
  /** The device's result code; 0 = no error, null = none came. */
  result: number | null;
  /** Why it ended this way, as text; null = the status says it all. */
  reason: string | null;
  verified: Verified;
  /** The versions that the device reported before its upgrade was published, and after; as received (unsafe text). */
  version_before: string | null;
  version_after: string | null;
  /** When it last reported a version: ISO 8601, UTC; null = never. */
  heard_at: string | null;
  /** The run's `--verify` setting, which decides how the device counts (counting.ts). Not a key of the JSON lines. */
  verify: Verify;
  /** The labels of the manifest; empty where they are not known. */
  labels: Labels;
}

/** What is asked of a device's version after an `ok` (`--verify`). */
export type Verify = 'off' | 'report' | 'require';

/** Devices by outcome. `unverified`: ended `ok`, but a required verification did not confirm it; not included in `ok`. */
export type Totals = Record<Outcome | 'unverified', number>;

/** One event of a run. CONTRACT "JSON lines" lists the keys; times are milliseconds, sizes bytes. */
export type RunEvent =
  | { event: 'run_started'; command: 'push' | 'watch' | 'resume'; devices: number; gateways: number }
  | {
      event: 'firmware_ready';
      file_name: string;
      /** Bytes. */
      file_size: number;
      md5: string;
      /** Null where the manifest does not give one. */
      sha256: string | null;
      /** The product code of the package; null = the package was not read, or names none. */
      product: string | null;
      source: 'file' | 'url' | 'cache' | 'manifest';
      devices: string[];
      package: 'proven' | 'not checked' | 'broken';
      /** How many modules the package lists, and how many of them are proven; null = the package was not read. */
      modules: { proven: number; total: number } | null;
    }
  /** `--dry-run`: a message that `push` would publish. Its ids and timestamp are examples. */
  | { event: 'job_planned'; pid: string; wave: number; topic: string; message: Record<string, unknown> }
  | { event: 'job_published'; pid: string; bid: string; tid: string; devices: string[]; attempt: number }
  | { event: 'job_replied'; pid: string; bid: string; result: number; status: string | null }
  | {
      event: 'device_progress';
      pid: string;
      bid: string | null;
      sn: string | null;
      status: string | null;
      percent: number | null;
      step_key: string | null;
      /** Bytes per second, if the device reports it. */
      rate: number | null;
    }
  /** A gateway waits until it is ready (`--wait-ready`). Emitted again when the reason changes. */
  | { event: 'device_waiting'; pid: string; sn: string | null; code: 'not_ready'; reason: string }
  /** An attempt failed with a code for which a new attempt is worthwhile. */
  | {
      event: 'device_retrying';
      pid: string;
      sn: string | null;
      bid: string | null;
      result: number;
      /** The attempt that ended, from 1. */
      attempt: number;
      /** The maximum number of attempts. */
      attempts: number;
      /** Milliseconds until the next attempt. */
      wait_ms: number;
    }
  | ({ event: 'device_finished'; bid: string | null } & DeviceOutcome)
  /** Only one of a gateway's dock and aircraft is at its target, or the two report different releases. */
  | { event: 'pair_split'; pid: string; devices: { sn: string; status: Outcome; version_after: string | null }[] }
  /** For a run with several waves. `wave` counts from 1; `gateways` is the number of gateways in it. */
  | { event: 'wave_started' | 'wave_finished'; wave: number; waves: number; gateways: number }
  /** No more gateways are started. Running upgrades are followed to their end. */
  | { event: 'run_stopping'; reason: string }
  | { event: 'broker_lost'; reason: string }
  | { event: 'broker_restored'; reason: string | null }
  | { event: 'warning'; code: string; message: string }
  | { event: 'error'; code: ErrorCode; message: string; exit_code: number; hint: string | null; details: string[] }
  | { event: 'run_finished'; exit_code: number; totals: Totals; devices: DeviceOutcome[] };

/** Receives the events of a run, in order. It must not throw. */
export type Emit = (event: RunEvent) => void;

/** How a device ended, without the keys that are not public. */
export type PublicDevice = Omit<DeviceOutcome, 'verify'>;

/** An event with the keys of the contract. How a device counts shows in the totals only. */
export type PublicEvent =
  | Exclude<RunEvent, { event: 'device_finished' | 'run_finished' }>
  | ({ event: 'device_finished'; bid: string | null } & PublicDevice)
  | { event: 'run_finished'; exit_code: number; totals: Totals; devices: PublicDevice[] };

/** An event with its time and run: a JSON line, and an event of the library. */
export type StampedEvent = { schema: 1; time: string; run: string } & PublicEvent;

/** Adds `schema`, `time` (milliseconds since 1970) and `run` to an event. A key without a value is null, not absent. */
export function stamped(event: RunEvent, run: string, time: number): StampedEvent {
  if (time !== lastTime) {
    lastTime = time;
    lastText = new Date(time).toISOString();
  }
  const line: Record<string, unknown> = { schema: 1, time: lastText, run, event: event.event };
  const told = publicEvent(event) as unknown as Record<string, unknown>;
  for (const key in told) line[key] = told[key] ?? null;
  return line as StampedEvent;
}

// Cached, because many events fall into the same millisecond.
let lastTime = 0;
let lastText = new Date(0).toISOString();

/** Removes the keys that are not part of the contract. */
export function publicEvent(event: RunEvent): PublicEvent {
  if (event.event === 'device_finished') return publicDevice(event);
  return event.event === 'run_finished' ? { ...event, devices: event.devices.map(publicDevice) } : event;
}

/** A device without its `verify` key, which is not part of the contract. */
export function publicDevice<T extends { verify: unknown }>({ verify: _, ...rest }: T): Omit<T, 'verify'> {
  return rest;
}
