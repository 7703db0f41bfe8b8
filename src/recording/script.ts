/** Splits a recording by dock: what each dock sent, when, and in response to which upgrade request. No I/O. */
import { object, parseObject, text } from '../protocol/messages.js';
import { parseTopic } from '../protocol/topics.js';
import type { RecordedMessage } from './line.js';

/** A message of a script. */
export interface Line extends Pick<RecordedMessage, 'topic' | 'qos' | 'payload'> {
  /** Milliseconds since the start of its part. */
  at: number;
  /** The message is the request itself, which was sent to the dock. */
  isRequest: boolean;
}

/** What a dock sent after one `ota_create`, or before the first. */
export interface Part {
  /** Milliseconds since the start of the recording. */
  begins: number;
  request: { tid: string | null; bid: string | null } | null;
  lines: Line[];
}

/** The messages of one gateway. */
export interface Script {
  pid: string;
  /** The serial numbers that occur together with it, its own first. */
  serials: string[];
  /** Messages that the broker had retained. */
  retained: Line[];
  /** The first part has no request. */
  parts: [Part, ...Part[]];
  /** No request was recorded, because the recording program could not receive them: a part begins at each new `bid`. */
  implied: boolean;
}

/** Milliseconds. Longer pauses are shortened, because they add nothing. */
const MAX_PAUSE = 24 * 3_600_000;

/** One script for each gateway, in the order of their first messages. */
export function scriptsOf(messages: readonly RecordedMessage[]): Script[] {
  const gatewayOf = gatewaysOf(messages);
  const times = timesOf(messages);
  const byGateway = new Map<string, number[]>();
  for (const [place, { topic }] of messages.entries()) {
    const pid = gatewayOf(parseTopic(topic)?.serial ?? '');
    const places = byGateway.get(pid);
    if (places) places.push(place);
    else byGateway.set(pid, [place]);
  }
  return [...byGateway].map(([pid, places]) => scriptOf(pid, places, messages, times));
}

function scriptOf(pid: string, places: number[], messages: readonly RecordedMessage[], times: number[]): Script {
  const serials = new Set([pid]);
  const opening: Part = { begins: 0, request: null, lines: [] };
  const parts: [Part, ...Part[]] = [opening];
  const retained: Line[] = [];
  const implied = !places.some((place) => requestIn(messages[place]) !== null);
  const seen = new Set<string | null>();
  for (const place of places) {
    const message = messages[place];
    if (!message) continue;
    const { kind, serial = pid } = parseTopic(message.topic) ?? {};
    serials.add(serial);
    const request = implied ? newUpgradeIn(message, seen) : requestIn(message);
    const time = times[place] ?? 0;
    if (request) {
      for (const sn of request.serials) serials.add(sn);
      parts.push({ begins: time, request: { tid: request.tid, bid: request.bid }, lines: [] });
    }
    const { topic, qos, payload } = message;
    const part = parts.at(-1) ?? opening;
    const line = { topic, qos, payload, at: time - part.begins, isRequest: !implied && request !== null };
    if (message.retain) retained.push({ ...line, at: 0 });
    else if (message.direction === 'in' ? kind !== 'events_reply' : line.isRequest) part.lines.push(line);
  }
  return { pid, serials: [...serials], retained, parts, implied };
}

interface Upgrade {
  tid: string | null;
  bid: string | null;
  serials: string[];
}

function requestIn(message: RecordedMessage | undefined): Upgrade | null {
  if (!message || parseTopic(message.topic)?.kind !== 'services') return null;
  const body = parseObject(message.payload);
  if (body?.method !== 'ota_create') return null;
  const devices = object(body.data)?.devices;
  const serials = Array.isArray(devices) ? devices.slice(0, 2).flatMap((each) => text(object(each)?.sn) ?? []) : [];
  return { tid: text(body.tid), bid: text(body.bid), serials };
}

/** A reply or progress of an upgrade that did not occur before; null = the message is something else. */
function newUpgradeIn(message: RecordedMessage, seen: Set<string | null>): Upgrade | null {
  const kind = parseTopic(message.topic)?.kind;
  if (message.retain || (kind !== 'services_reply' && kind !== 'events')) return null;
  const body = parseObject(message.payload);
  if (!body || body.method !== (kind === 'events' ? 'ota_progress' : 'ota_create')) return null;
  const bid = text(body.bid);
  if (seen.has(bid)) return null;
  seen.add(bid);
  return { tid: kind === 'services_reply' ? text(body.tid) : null, bid, serials: [] };
}

/** The time of each message in milliseconds since the first. Never decreasing, and without very long pauses. */
function timesOf(messages: readonly RecordedMessage[]): number[] {
  let last = messages[0]?.time ?? 0;
  let at = 0;
  return messages.map(({ time }) => {
    at += Math.min(MAX_PAUSE, Math.max(0, time - last));
    last = Math.max(last, time);
    return at;
  });
}

/** The dock to which a serial number belongs: itself, or the gateway that names it. */
function gatewaysOf(messages: readonly RecordedMessage[]): (serial: string) => string {
  const gateways = new Set<string>();
  const named = new Map<string, string>();
  for (const message of messages) {
    const { kind, serial } = parseTopic(message.topic) ?? {};
    if (kind === undefined || serial === undefined) continue;
    if (kind !== 'osd' && kind !== 'state') gateways.add(serial);
    for (const sn of requestIn(message)?.serials ?? []) named.set(sn, serial);
    if (kind !== 'osd' && kind !== 'state') continue;
    const body = parseObject(message.payload);
    const gateway = text(body?.gateway);
    if (gateway !== null && gateway !== serial && !named.has(serial)) named.set(serial, gateway);
    const attached = text(object(object(body?.data)?.sub_device)?.device_sn);
    if (attached !== null && !named.has(attached)) named.set(attached, serial);
  }
  return (serial) => (gateways.has(serial) ? serial : (named.get(serial) ?? serial));
}
