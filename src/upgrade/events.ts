/**
 * What a run tells: the members of this union are the JSON lines of CONTRACT (less `schema`, `time` and `run`), and what
 * every renderer and report is a function of. Keys are only ever added.
 */
import type { ErrorCode } from '../errors.js';
import type { Labels } from '../manifest/model.js';
import type { TerminalStatus } from '../protocol/statuses.js';

/** How a device ended: the protocol's five terminal words, and three of our own. */
export type Outcome = TerminalStatus | 'unknown' | 'skipped' | 'not_started';

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

/** `true`: the device reports the target version; `false`: another one; `null`: not asked, or nothing reported in time. */
export type Verified = boolean | null;

export interface DeviceOutcome {
  pid: string;
  sn: string | null;
  status: Outcome;
  percent: number | null;
  /** The device's result code; 0 = no error, null = none came. */
  result: number | null;
  /** Why it ended this way, as text; null where the status says it all. */
  reason: string | null;
  verified: Verified;
  /** What the device itself reported before its upgrade was published, and since then; as it came (unsafe text). */
  version_before: string | null;
  version_after: string | null;
  /** When it last reported a version: ISO 8601, UTC; null = never. */
  heard_at: string | null;
  /** What its run asked of the version after an `ok`: with it, how the device counts (counting.ts). No key of the JSON lines. */
  verify: Verify;
  /** As the manifest has them; none where it is not known. */
  labels: Labels;
}

/** What is asked of a device's version after an `ok`. */
export type Verify = 'off' | 'report' | 'require';

/** Devices by how they ended; `unverified`: `ok`, but a required verification did not confirm it (and not in `ok`). */
export type Totals = Record<Outcome | 'unverified', number>;

export type RunEvent =
  | { event: 'run_started'; command: 'push' | 'watch' | 'resume'; devices: number; gateways: number }
  | {
      event: 'firmware_ready';
      file_name: string;
      /** Bytes. */
      file_size: number;
      md5: string;
      /** Null where the manifest does not ask for it. */
      sha256: string | null;
      /** Product code of the package; null if the package was not read, or it has none. */
      product: string | null;
      source: 'file' | 'url' | 'cache' | 'manifest';
      devices: string[];
      package: 'proven' | 'not checked' | 'broken';
      /** How many modules the package names, and how many of them are proven; null where nobody looked into it. */
      modules: { proven: number; total: number } | null;
    }
  /** `--dry-run`: a message that would be published; its ids and timestamp are examples. */
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
      /** Bytes a second, where the device tells it. */
      rate: number | null;
    }
  /** A gateway waits until it is ready (`--wait-ready`); told again where the reason changes. */
  | { event: 'device_waiting'; pid: string; sn: string | null; code: 'not_ready'; reason: string }
  /** Its attempt ended badly, with a code that is worth another one. */
  | {
      event: 'device_retrying';
      pid: string;
      sn: string | null;
      bid: string | null;
      result: number;
      /** The one that ended, from 1. */
      attempt: number;
      /** How many there may be. */
      attempts: number;
      /** Milliseconds until the next one. */
      wait_ms: number;
    }
  | ({ event: 'device_finished'; bid: string | null } & DeviceOutcome)
  /** Of a gateway's dock and aircraft only one is where it should be, or both report different releases. */
  | { event: 'pair_split'; pid: string; devices: { sn: string; status: Outcome; version_after: string | null }[] }
  /** Of a run in several waves; `wave` from 1, `gateways`: how many there are in it. */
  | { event: 'wave_started' | 'wave_finished'; wave: number; waves: number; gateways: number }
  /** No further gateway is started; what runs is followed to its end. */
  | { event: 'run_stopping'; reason: string }
  | { event: 'broker_lost'; reason: string }
  | { event: 'broker_restored'; reason: string | null }
  | { event: 'warning'; code: string; message: string }
  | { event: 'error'; code: ErrorCode; message: string; exit_code: number; hint: string | null; details: string[] }
  | { event: 'run_finished'; exit_code: number; totals: Totals; devices: DeviceOutcome[] };

/** Receives what a run tells, in the order in which it happened; must not throw. */
export type Emit = (event: RunEvent) => void;

/** How a device ended, as it is told outside. */
export type PublicDevice = Omit<DeviceOutcome, 'verify'>;

/** An event with the keys of the contract: how a device counts is told by the totals alone. */
export type PublicEvent =
  | Exclude<RunEvent, { event: 'device_finished' | 'run_finished' }>
  | ({ event: 'device_finished'; bid: string | null } & PublicDevice)
  | { event: 'run_finished'; exit_code: number; totals: Totals; devices: PublicDevice[] };

/** An event as it is told outside: the JSON lines, and the events of the library. */
export type StampedEvent = { schema: 1; time: string; run: string } & PublicEvent;

/** `time`: milliseconds since 1970. A key without a value is null, not absent. */
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

// Many events come within one millisecond.
let lastTime = 0;
let lastText = new Date(0).toISOString();

export function publicEvent(event: RunEvent): PublicEvent {
  if (event.event === 'device_finished') return publicDevice(event);
  return event.event === 'run_finished' ? { ...event, devices: event.devices.map(publicDevice) } : event;
}

export function publicDevice<T extends { verify: unknown }>({ verify: _, ...rest }: T): Omit<T, 'verify'> {
  return rest;
}
