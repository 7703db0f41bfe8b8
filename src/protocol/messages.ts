/**
 * Messages of the wire: strict in what is sent, tolerant in what is read (PROTOCOL "Envelope").
 * What is read comes from strangers: every field is checked for its type and bounded, and nothing here throws.
 */
import { STATUSES, STEPS } from './statuses.js';
import type { UpgradeType } from './upgrade-types.js';

/** What a dock needs to download a package; the same object for all devices that get the same. */
export interface OtaFile {
  file_url: string;
  md5: string;
  /** Bytes. */
  file_size: number;
  file_name: string;
}

/** One element of `ota_create`'s `data.devices` (seed "Firmware upgrade"); the four file fields come together or not at all. */
export interface OtaDevice {
  sn: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
  file: OtaFile | null;
}

/** The ids of one request: `tid` names it and its reply, `bid` the whole upgrade. */
interface RequestIds {
  tid: string;
  bid: string;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** The `ota_create` request, with exactly the keys that the seed shows, in its order. */
export function otaCreate({ tid, bid, timestamp }: RequestIds, devices: readonly OtaDevice[]): string {
  const head = `{"method":"ota_create","timestamp":${timestamp},"bid":${json(bid)},"tid":${json(tid)}`;
  return `${head},"data":{"devices":[${devices.map(otaDevice).join(',')}]}}`;
}

/** The `bid` of a request that {@link otaCreate} has written, which needs no full parse; null in any other text. */
export function createdBid(request: string): string | null {
  return /"bid":"([^"]+)"/.exec(request)?.[1] ?? null;
}

// Put together by hand: written again for each dock of a fleet, the same file took three quarters of the time.
function otaDevice({ sn, product_version, firmware_upgrade_type, file }: OtaDevice): string {
  const fields = `"sn":${json(sn)},"product_version":${json(product_version)}`;
  return `{${fields},${file === null ? '' : `${fileFields(file)},`}"firmware_upgrade_type":${firmware_upgrade_type}}`;
}

// A fleet gets a few files, or each device one of its own, which are not worth keeping.
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

// What nearly all serial numbers, versions and ids are made of stands in JSON as it is.
const AS_IT_IS = /^[\w.:-]*$/;
const json = (text: string) => (AS_IT_IS.test(text) ? `"${text}"` : JSON.stringify(text));

/** The answer owed to an event with `need_reply: 1`: its own `tid`, `bid` (those that it has) and method, and result 0. */
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
  /** Null where the message names none: then it is known by its `tid` alone. */
  method: string | null;
  tid: string | null;
  bid: string | null;
  /** 0 = accepted; see result-codes.ts. */
  result: number;
  /** As sent, known or not. */
  status: string | null;
}

/** An `ota_progress` event. */
export interface ProgressMessage {
  /** Null where the message names none: then it is known by its `bid` alone. */
  method: string | null;
  tid: string | null;
  bid: string | null;
  /** The device it speaks of, where it says so; usually it speaks of the whole job. */
  sn: string | null;
  /** The gateway's clock, milliseconds since 1970. */
  timestamp: number | null;
  needReply: boolean;
  result: number;
  /** As sent, known or not. */
  status: string | null;
  /** 0 to 100. */
  percent: number | null;
  /** `download_firmware`, `upgrade_firmware`, or a value never seen before as it came. */
  step: string | null;
  /** Bytes a second, from the Java demo's `output.ext.rate`. */
  rate: number | null;
}

/** Larger messages are not read: an `ota_progress` has a few hundred bytes. */
export const MAX_MESSAGE_BYTES = 1 << 20;

type Fields = Record<string, unknown>;

/** The reply in `payload`, or null where it is none to an `ota_create`. */
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

/** The progress in `payload`, or null where it is no `ota_progress`. */
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

/** The devices of an `ota_create` that somebody else sent, or null: lets `watch` name them. */
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

export interface WatchedDevice {
  sn: string;
  product_version: string | null;
}

/** The JSON object in `payload`, or null where it is too large, no JSON or no object. */
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

export function object(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** Longer than any id, status or version on the wire; what is longer is cut, so that state stays bounded. */
const MAX_TEXT = 128;

/** A non-empty string, or null. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  if (value.length <= MAX_TEXT) return value;
  // A copy: a slice would keep all of what it was cut from.
  return Buffer.from(value.slice(0, MAX_TEXT), 'utf16le').toString('utf16le');
}

const WORDS: ReadonlyMap<string, string> = new Map([...STATUSES, ...STEPS].map((word) => [word, word]));

/** As {@link text}; the protocol's own words are always the same text, which a fleet then keeps once. */
function word(value: unknown): string | null {
  const read = text(value);
  return read === null ? null : (WORDS.get(read) ?? read);
}

/** A finite number, also where it was sent as a string, or null. */
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

// The three published forms: both keys with the seed's words, and the demo's numbers.
function stepOf(value: unknown): string | null {
  if (value === 1 || value === '1') return 'download_firmware';
  if (value === 2 || value === '2') return 'upgrade_firmware';
  return typeof value === 'number' ? String(value) : word(value);
}

function rateOf(value: unknown): number | null {
  const rate = number(value);
  return rate !== null && rate >= 0 ? rate : null;
}
