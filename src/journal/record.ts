/**
 * The lines of a journal: `run`, `plan`, then facts as they happen, and `finished`. Each line is one JSON object with a number
 * and a checksum, so that lost or changed lines are detected, and not taken for something that never happened.
 */
import { crc32 } from 'node:zlib';
import { type OtaFile, object } from '../protocol/messages.js';
import type { CoreOptions } from '../upgrade/core/core.js';
import type { Totals } from '../upgrade/events.js';
import type { Fact } from '../upgrade/facts.js';
import type { PlannedDevice } from '../upgrade/plan/plan.js';

/** The version of the journal format. */
export const JOURNAL_SCHEMA = 1;

/** The first line, which `dji-ota runs` lists. It contains no secret. */
export interface RunRecord {
  kind: 'run';
  schema: number;
  run: string;
  /** Wall milliseconds. */
  time: number;
  command: 'push';
  /** Absolute path of the manifest, or `-`. */
  manifest: string;
  devices: number;
  gateways: number;
  /** The run used the embedded broker, so it cannot be resumed. */
  simulated: boolean;
  /** The address at which firmware was served, for a resume; absent without `--serve`. */
  served?: KeptServe | undefined;
  /** The options of the push as given, without secrets; absent in journals of earlier versions. */
  options?: Record<string, unknown> | undefined;
  /** The name that the user gave (`--run`). The run itself may be one shard of it. */
  named?: string | undefined;
  /** Shows whether another push has the same devices and firmware: see `fingerprintOf`. */
  fingerprint?: string | undefined;
  /** The earlier run that is retried. */
  retryOf?: string | undefined;
  /** SHA-256 of the manifest's bytes; absent in journals of earlier versions. */
  manifestSha256?: string | undefined;
  /** The user, machine and program version that began it; absent in journals of earlier versions. */
  by?: { user: string | null; host: string | null; version: string } | undefined;
  /** How to reach the same broker again. The password is read from its original source. */
  connection: KeptConnection;
}

/** `--serve` and `--serve-url` as given. */
export interface KeptServe {
  serve: string;
  serveUrl?: string | undefined;
  /** Bytes per second. */
  serveRate?: number | undefined;
}

/** The connection options as given, with absolute paths and without secrets. */
export interface KeptConnection {
  broker?: string | undefined;
  /** Shown instead of a URL that may contain a secret, which is not stored. */
  shownBroker?: string | undefined;
  username?: string | undefined;
  passwordFile?: string | undefined;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  insecure?: boolean | undefined;
  mqttVersion?: string | undefined;
  connectTimeout?: string | undefined;
  reconnectTimeout?: string | undefined;
  subscribe?: string | undefined;
  profile?: string | undefined;
  clientId?: string | undefined;
}

/** A device in the journal. Of a URL that may contain a secret, only the SHA-256 is stored. */
export interface KeptDevice extends Omit<PlannedDevice, 'file'> {
  file:
    | (Omit<OtaFile, 'file_url'> & {
        /** Null: not stored, because it may contain a secret. */
        file_url: string | null;
        file_url_sha256: string;
      })
    | null;
}

/** The second line: what is needed to rebuild the run. */
export interface PlanRecord {
  kind: 'plan';
  options: CoreOptions;
  devices: KeptDevice[];
  /** Further facts of the firmware, by MD5; absent in journals of earlier versions. */
  packages?: Record<string, KeptPackage> | undefined;
  /**
   * Facts about the devices that are left out from the start, with wall time. They are in the line of the plan, so that no crash
   * can leave a plan without them. Absent in journals of earlier versions.
   */
  leftOut?: unknown;
}

/** What the journal keeps of a firmware package. */
export interface KeptPackage {
  product: string | null;
  sha256: string | null;
}

/** The last line of a run that ended by itself. */
export interface FinishedRecord {
  kind: 'finished';
  time: number;
  exit_code: number;
  totals: Totals;
  /** False if the run was cut off: it can be resumed. */
  complete: boolean;
}

/**
 * Marks where writing started again after a crash or a full disk. A line that was cut off before it never took effect, because
 * nothing is published before its line is complete.
 */
export const SEAM = { kind: 'seam' } as const;

type Fields = Record<string, unknown>;

/** A fact with wall time, as the journal stores it. `offset` is wall time minus monotonic time. */
export function keptFact(fact: Fact, offset: number): Fields {
  const { at, ...rest } = fact;
  return { time: Math.round(at + offset), ...rest };
}

/** `record` as line number `n` of a journal, with a newline. */
export function lineOf(record: object, n: number): string {
  const body = JSON.stringify({ n, ...record });
  return `${body.slice(0, -1)},"crc":${crc32(body)}}\n`;
}

/** Reads a line without its newline; null if it is not exactly as it was written. */
export function readLine(line: string): { n: number; record: Fields } | null {
  const bytes = Buffer.from(line);
  const read = readFramed(line, bytes, 0, bytes.length);
  return read ? { n: read.n, record: withoutFrame(read.record) } : null;
}

/** The stored object, without the number and checksum of its line. */
export function withoutFrame({ n: _n, crc: _crc, ...record }: Fields): Fields {
  return record;
}

const CLOSE = 0x7d;

/**
 * {@link readLine} for the bytes of a line, `from` to `end` of `bytes`, and their text. The record still has `n` and `crc`.
 * Exists for speed: a journal may have millions of lines.
 */
export function readFramed(
  text: string,
  bytes: Buffer,
  from: number,
  end: number,
): { n: number; record: Fields } | null {
  let record: Fields | null;
  try {
    record = object(JSON.parse(text));
  } catch {
    return null;
  }
  if (record === null) return null;
  const { n, crc } = record;
  if (!Number.isSafeInteger(n) || typeof crc !== 'number') return null;
  const frame = `,"crc":${crc}}`;
  const body = end - frame.length;
  if (body <= from || !text.endsWith(frame)) return null;
  // The checksum was computed over the closed object, before the checksum was inserted.
  return withByte(crc32(bytes.subarray(from, body)), CLOSE) === crc ? { n: n as number, record } : null;
}

// The CRC-32 table: the effect of one byte.
const STEPS = Uint32Array.from({ length: 256 }, (_, byte) => ~crc32(Buffer.of(byte), 0xffffffff));

/**
 * The CRC-32 after one more byte. Computed here, because a call to zlib for one byte costs more than the checksum of a line.
 */
function withByte(crc: number, byte: number): number {
  const state = ~crc;
  return ~((STEPS[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8)) >>> 0;
}
