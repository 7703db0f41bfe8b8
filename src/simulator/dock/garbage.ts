import { MAX_MESSAGE_BYTES } from '../../protocol/messages.js';
import { topicOf } from '../../protocol/topics.js';
import type { DockMessage } from './messages.js';

type Make = (bid: string) => string | Uint8Array;

const progress = (bid: unknown, output: unknown, more: object = {}) =>
  JSON.stringify({ method: 'ota_progress', bid, tid: 'x', timestamp: 0, data: { result: 0, output }, ...more });

/** Messages that must not disturb a reader. None of them concerns the upgrade `bid`. */
const GARBAGE: readonly Make[] = [
  () => Uint8Array.from({ length: 256 }, (_, byte) => byte),
  () => '{"method":"ota_progress","data":{',
  () => '',
  () => 'null',
  () => '[[],{}]',
  (bid) => progress(bid, { status: 7, progress: 'half', ext: [] }),
  (bid) => progress(bid, { status: null, progress: { percent: 'NaN', step_key: { deep: [] } } }),
  (bid) => JSON.stringify({ method: 'ota_progress', bid, data: [1, 2, 3] }),
  (bid) => JSON.stringify({ bid, data: { result: 0, status: 'failed', progress: { percent: 3 } } }),
  (bid) =>
    progress(bid, { status: '\u001b[2J\u001b]0;owned\u0007', progress: { percent: 1, step_key: '\u001b[31m\r\n' } }),
  (bid) => progress(bid, { status: 'in_progress', progress: { percent: 1e308, step_key: '\u202egnp.exe' } }),
  () => '['.repeat(100_000),
  (bid) => progress(bid, { status: 'in_progress', progress: { percent: -50 } }, { __proto__: null, constructor: 1 }),
  (bid) => progress(bid, { status: 'failed', filler: 'x'.repeat(MAX_MESSAGE_BYTES) }),
  () => Uint8Array.of(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00),
  () => JSON.stringify({ method: 'hms', data: { list: [{ code: '0x16100083' }] }, need_reply: 0 }),
];

/** Message number `index` of the garbage of dock `pid`, on one of the topics that a reader subscribes to. */
export function garbage(pid: string, bid: string, index: number): DockMessage {
  const make = GARBAGE[index % GARBAGE.length] as Make;
  const kind = index % 3 === 2 ? (index % 2 === 0 ? 'osd' : 'services_reply') : 'events';
  return { topic: topicOf(kind, pid), payload: make(bid), qos: 1, retain: false };
}

/** A retained `ota_progress`, years old and without a `bid`, so that it could concern any open job. */
export function oldProgress(pid: string, tid: string): DockMessage {
  const output = { status: 'failed', progress: { percent: 12, step_key: 'upgrade_firmware' } };
  const data = { result: 312028, output };
  const payload = JSON.stringify({ method: 'ota_progress', tid, timestamp: 1654070968655, data });
  return { topic: topicOf('events', pid), payload, qos: 1, retain: true };
}
