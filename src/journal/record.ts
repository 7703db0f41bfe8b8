/**
 * The lines of a journal: `run`, `plan`, then facts as they happen, and `finished`. JSON, one a line, each with its number
 * and a checksum: what was lost or changed on the disk is noticed, and not taken for something that never happened.
 */
import { crc32 } from 'node:zlib';
import { type OtaFile, object } from '../protocol/messages.js';
import type { CoreOptions } from '../upgrade/core.js';
import type { Totals } from '../upgrade/events.js';
import type { Fact } from '../upgrade/facts.js';
import type { PlannedDevice } from '../upgrade/plan.js';

export const JOURNAL_SCHEMA = 1;

/** The first line: what `dji-ota runs` lists. Holds no secret. */
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
  /** Run against the embedded broker: nothing to come back to. */
  simulated: boolean;
  /** Where the firmware was served, so that it can be again; absent where it was not. */
  served?: KeptServe | undefined;
  /** Options of the push as they were given, without secrets; absent in journals of earlier versions. */
  options?: Record<string, unknown> | undefined;
  /** The name that the user gave (`--run`); the run itself may be a shard of it. */
  named?: string | undefined;
  /** Tells whether another push has the same devices and firmware: see `fingerprintOf`. */
  fingerprint?: string | undefined;
  /** The earlier run whose devices these are. */
  retryOf?: string | undefined;
  /** SHA-256 of the manifest's bytes; absent in journals of earlier versions. */
  manifestSha256?: string | undefined;
  /** Who began it, on which machine, with which version of the program; absent in journals of earlier versions. */
  by?: { user: string | null; host: string | null; version: string } | undefined;
  /** How to reach the same broker again; the password comes from where it came before. */
  connection: KeptConnection;
}

/** `--serve` and `--serve-url` as they were given. */
export interface KeptServe {
  serve: string;
  serveUrl?: string | undefined;
  /** Bytes a second. */
  serveRate?: number | undefined;
}

/** Options of the connection as they were given, with absolute paths and without secrets. */
export interface KeptConnection {
  broker?: string | undefined;
  /** In place of a URL that may hold a secret, which is not kept. */
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

/** A device as the journal keeps it: a URL that may hold a secret is kept as its SHA-256 alone. */
export interface KeptDevice extends Omit<PlannedDevice, 'file'> {
  file:
    | (Omit<OtaFile, 'file_url'> & {
        /** Null: it may hold a secret, and is not kept. */
        file_url: string | null;
        file_url_sha256: string;
      })
    | null;
}

/** The second line: enough to build the same run again. */
export interface PlanRecord {
  kind: 'plan';
  options: CoreOptions;
  devices: KeptDevice[];
  /** What else is known of the firmware, by MD5; absent in journals of earlier versions. */
  packages?: Record<string, KeptPackage> | undefined;
}

export interface KeptPackage {
  product: string | null;
  sha256: string | null;
}

/** The last line of a run that came to an end of its own. */
export interface FinishedRecord {
  kind: 'finished';
  time: number;
  exit_code: number;
  totals: Totals;
  /** False where it was cut off: it can be resumed. */
  complete: boolean;
}

/**
 * Stands where writing began anew after a crash or a full disk: a line before it that was cut off never took effect, for
 * nothing is published before its line is whole.
 */
export const SEAM = { kind: 'seam' } as const;

type Fields = Record<string, unknown>;

/** A fact as the journal keeps it. `wall - now` maps the clock's monotonic time to wall time. */
export function keptFact(fact: Fact, offset: number): Fields {
  const { at, ...rest } = fact;
  return { time: Math.round(at + offset), ...rest };
}

/** `record` as the `n`th line of a journal, with its end. */
export function lineOf(record: object, n: number): string {
  const body = JSON.stringify({ n, ...record });
  return `${body.slice(0, -1)},"crc":${crc32(body)}}\n`;
}

/** The record in a line without its end, and its number; null where it is not exactly as it was written. */
export function readLine(line: string): { n: number; record: Fields } | null {
  const bytes = Buffer.from(line);
  const read = readFramed(line, bytes, 0, bytes.length);
  return read ? { n: read.n, record: withoutFrame(read.record) } : null;
}

/** What was to be kept, without the number and checksum of its line. */
export function withoutFrame({ n: _n, crc: _crc, ...record }: Fields): Fields {
  return record;
}

const CLOSE = 0x7d;

/**
 * {@link readLine} for a line's bytes, `from` to `end` of `bytes`, and their text; the record still holds `n` and `crc`. A
 * journal may have millions of lines.
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
  // As it was summed up: closed before the checksum was put in.
  return withByte(crc32(bytes.subarray(from, body)), CLOSE) === crc ? { n: n as number, record } : null;
}

// What a byte does to a checksum of nothing.
const STEPS = Uint32Array.from({ length: 256 }, (_, byte) => ~crc32(Buffer.of(byte), 0xffffffff));

/** The CRC-32 of what `crc` is that of and one byte more: asking for it costs more than the sum itself. */
function withByte(crc: number, byte: number): number {
  const state = ~crc;
  return ~((STEPS[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8)) >>> 0;
}
