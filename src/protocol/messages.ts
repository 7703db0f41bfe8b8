/**
 * The messages on the wire: strict in what is sent, tolerant in what is read (PROTOCOL "Envelope"). Input is untrusted: every
 * field is checked for its type and limited, and nothing here throws.
 */
import { STATUSES, STEPS } from './statuses.js';
import type { UpgradeType } from './upgrade-types.js';

/** What a dock needs to download a package. Devices with the same file share one object. */
export interface OtaFile {
  file_url: string;
  md5: string;
  /** Bytes. */
  file_size: number;
  file_name: string;
}

/** One element of `data.devices` in `ota_create` (seed "Firmware upgrade"). It has all four file fields or none. */
export interface OtaDevice {
  sn: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
  file: OtaFile | null;
}

/** The ids of one request. `tid`: this request and its reply; `bid`: the whole upgrade. */
interface RequestIds {
  tid: string;
  bid: string;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** The `ota_create` request, with exactly the keys of the seed, in its order. */
export function otaCreate({ tid, bid, timestamp }: RequestIds, devices: readonly OtaDevice[]): string {
  const head = `{"method":"ota_create","timestamp":${timestamp},"bid":${json(bid)},"tid":${json(tid)}`;
  return `${head},"data":{"devices":[${devices.map(otaDevice).join(',')}]}}`;
}

/** The `bid` of a request that {@link otaCreate} has written, found without a full parse; null for any other text. */
export function createdBid(request: string): string | null {
  return /"bid":"([^"]+)"/.exec(request)?.[1] ?? null;
}

// Concatenated by hand and cached: serializing the same file for each dock of a fleet took three quarters of the time.
function otaDevice({ sn, product_version, firmware_upgrade_type, file }: OtaDevice): string {
  const fields = `"sn":${json(sn)},"product_version":${json(product_version)}`;
  return `{${fields},${file === null ? '' : `${fileFields(file)},`}"firmware_upgrade_type":${firmware_upgrade_type}}`;
}

// A fleet has a few files. If each device has its own, caching more is not worthwhile.
const written = new Map<OtaFile, string>();
const MOST_WRITTEN = 100;

function fileFields(file: OtaFile): string {
  let fields = written.get(file);
  if (fields === undefined) {
    const { file_url, md5, file_size, file_name } = file;
    fields = JSON.stringify({ file_url, md5, file_size, file_name }).slice(1, -1);
    if (written.size >= MOST_WRITTEN) written.clear();
    written.set(file, fields);
  }
  return fields;
}

// Most serial numbers, versions and ids need no escaping in JSON.
const AS_IT_IS = /^[\w.:-]*$/;
const json = (text: string) => (AS_IT_IS.test(text) ? `"${text}"` : JSON.stringify(text));

/**
 * The answer to an event with `need_reply: 1`: its own `tid`, `bid` (if present) and method, and result 0 (PROTOCOL
 * "ota_progress").
 */
export function eventReply(event: { tid: string | null; bid: string | null }, timestamp: number): string {
  return JSON.stringify({
    method: 'ota_progress',
    timestamp,
    bid: event.bid ?? undefined,
    tid: event.tid ?? undefined,
    data: { result: 0 },
  });
}

/** A `services_reply`. */
export interface ReplyMessage {
  /** Null if the message has none. It is then matched by `tid` only. */
  method: string | null;
  tid: string | null;
  bid: string | null;
  /** 0 = accepted; see result-codes.ts. */
  result: number;
  /** As received, known or not. */
  status: string | null;
}

/** An `ota_progress` event. */
export interface ProgressMessage {
  /** Null if the message has none. It is then matched by `bid` only. */
  method: string | null;
  tid: string | null;
  bid: string | null;
  /** The device that the event concerns, if it names one; usually it concerns the whole job. */
  sn: string | null;
  /** The gateway's timestamp, in milliseconds since 1970. */
  timestamp: number | null;
  needReply: boolean;
  result: number;
  /** As received, known or not. */
  status: string | null;
  /** 0 to 100. */
  percent: number | null;
  /** `download_firmware`, `upgrade_firmware`, or an unknown value as received. */
  step: string | null;
  /** Bytes per second, from `output.ext.rate` of the Java demo. */
  rate: number | null;
}

/** Bytes. Larger messages are not read; an `ota_progress` has a few hundred bytes. */
export const MAX_MESSAGE_BYTES = 1 << 20;

type Fields = Record<string, unknown>;

/** The reply in `payload`; null = not a reply to an `ota_create`. */
export function readReply(payload: Uint8Array | string): ReplyMessage | null {
  const message = parseObject(payload);
  if (!message) return null;
  const method = text(message.method);
  if (method !== null && method !== 'ota_create') return null;
  const data = object(message.data);
  if (!data) return null;
  const output = object(data.output) ?? object(data.info) ?? data;
  const result = integer(data.result) ?? integer(output.result);
  const status = word(output.status) ?? word(data.status);
  if (result === null && status === null) return null;
  return { method, tid: text(message.tid), bid: text(message.bid), result: result ?? 0, status };
}

/** The progress in `payload`; null = not an `ota_progress`. */
export function readProgress(payload: Uint8Array | string): ProgressMessage | null {
  const message = parseObject(payload);
  if (!message) return null;
  const method = text(message.method);
  if (method !== null && method !== 'ota_progress') return null;
  const data = object(message.data);
  if (!data) return null;
  const nested = object(data.output);
  if (method === null && !nested) return null;
  const output = nested ?? data;
  const progress = object(output.progress) ?? object(data.progress) ?? {};
  const percent = number(progress.percent);
  return {
    method,
    tid: text(message.tid),
    bid: text(message.bid),
    sn: text(output.sn) ?? text(data.sn) ?? text(message.sn),
    timestamp: number(message.timestamp) ?? number(message['timestamp:']),
    needReply: message.need_reply === 1 || message.need_reply === true || message.need_reply === '1',
    result: integer(data.result) ?? integer(output.result) ?? 0,
    status: word(output.status) ?? word(data.status),
    percent: percent === null ? null : Math.min(100, Math.max(0, Math.floor(percent))),
    step: stepOf(progress.step_key) ?? stepOf(progress.current_step),
    rate: rateOf(object(output.ext)?.rate),
  };
}

/** The devices of another sender's `ota_create`, so that `watch` can name them; null = not an `ota_create`. */
export function readCreate(payload: Uint8Array | string): { bid: string; devices: WatchedDevice[] } | null {
  const message = parseObject(payload);
  if (message?.method !== 'ota_create') return null;
  const bid = text(message.bid);
  const list = object(message.data)?.devices;
  if (bid === null || !Array.isArray(list)) return null;
  const devices: WatchedDevice[] = [];
  for (const item of list.slice(0, 16)) {
    const device = object(item);
    const sn = text(device?.sn);
    if (sn !== null) devices.push({ sn, product_version: text(device?.product_version) });
  }
  return devices.length > 0 ? { bid, devices } : null;
}

/** A device of another sender's `ota_create`. */
export interface WatchedDevice {
  sn: string;
  product_version: string | null;
}

/** The JSON object in `payload`; null = too large, not JSON, or not an object. */
export function parseObject(payload: Uint8Array | string): Fields | null {
  if (payload.length > MAX_MESSAGE_BYTES) return null;
  try {
    const source =
      typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    return object(JSON.parse(source.toString()));
  } catch {
    return null;
  }
}

/** `value` if it is an object, and not an array; otherwise null. */
export function object(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** Characters. Longer than any id, status or version on the wire; longer texts are cut, so that the state stays bounded. */
const MAX_TEXT = 128;

/** A non-empty string, or null. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  if (value.length <= MAX_TEXT) return value;
  // A copy, because V8 keeps the whole original string alive for a slice.
  return Buffer.from(value.slice(0, MAX_TEXT), 'utf16le').toString('utf16le');
}

const WORDS: ReadonlyMap<string, string> = new Map([...STATUSES, ...STEPS].map((word) => [word, word]));

/** Like {@link text}, but the protocol's own words are always the same string, so that a fleet stores each once. */
function word(value: unknown): string | null {
  const read = text(value);
  return read === null ? null : (WORDS.get(read) ?? read);
}

/** A finite number, also from a string; otherwise null. */
export function number(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.length > 32 || value.trim() === '') return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

function integer(value: unknown): number | null {
  const parsed = number(value);
  return parsed !== null && Number.isSafeInteger(parsed) ? parsed : null;
}

// The three published forms: both keys with the seed's words, and the numbers of the demo (PROTOCOL "ota_progress").
function stepOf(value: unknown): string | null {
  if (value === 1 || value === '1') return 'download_firmware';
  if (value === 2 || value === '2') return 'upgrade_firmware';
  return typeof value === 'number' ? String(value) : word(value);
}

function rateOf(value: unknown): number | null {
  const rate = number(value);
  return rate !== null && rate >= 0 ? rate : null;
}
