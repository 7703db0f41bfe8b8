import { object, parseObject, text } from '../../protocol/messages.js';
import { serialProblem } from '../../protocol/topics.js';
import type { Behavior } from './behavior.js';
import { type Condition, refusalIn } from './condition.js';

/** A device of an `ota_create`. */
export interface RequestedDevice {
  sn: string;
  version: string;
  /** `firmware_upgrade_type` */
  type: number;
  /** 0 = no file. */
  bytes: number;
  file_url: string | null;
  file_name: string | null;
  md5: string | null;
}

/** An `ota_create` as a dock reads it. */
export interface DockRequest {
  tid: string;
  bid: string;
  devices: RequestedDevice[];
}

/** Reads a message on `services`: a request; the ids of a malformed one that can be answered; or null for another method. */
export function readRequest(payload: Uint8Array | string): DockRequest | { tid: string; bid: string } | null {
  const message = parseObject(payload);
  if (message?.method !== 'ota_create') return null;
  const ids = { tid: text(message.tid) ?? '', bid: text(message.bid) ?? '' };
  if (ids.tid === '' && ids.bid === '') return null;
  const list = object(message.data)?.devices;
  if (ids.tid === '' || ids.bid === '' || !Array.isArray(list) || list.length < 1 || list.length > 2) return ids;
  const devices: RequestedDevice[] = [];
  for (const item of list) {
    const device = object(item);
    const sn = text(device?.sn);
    const version = text(device?.product_version);
    const type = device?.firmware_upgrade_type;
    const bytes = device?.file_size ?? 0;
    // The device sends on topics with its own serial number, so it must be valid.
    if (!sn || serialProblem(sn) || !version || (type !== 2 && type !== 3 && type !== 4)) return ids;
    if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) return ids;
    if (devices.some((other) => other.sn === sn)) return ids;
    const [file_url, file_name, md5] = [text(device?.file_url), text(device?.file_name), text(device?.md5)];
    devices.push({ sn, version, type, bytes, file_url, file_name, md5 });
  }
  return { ...ids, devices };
}

/** What a dock's answer depends on. */
interface DockSituation {
  pid: string;
  behavior: Behavior;
  condition: Condition;
  /** The number of requests that `behavior.result` has refused so far. */
  refused: number;
  /** `compatible_status` of a device. */
  compatible(sn: string): number;
}

/** The result code of a dock in `situation` for `request`; 0 = accepted (PROTOCOL "Result codes"). */
export function answerTo(request: DockRequest, situation: DockSituation): number {
  const { behavior, condition } = situation;
  const told = behavior.result !== 0 && situation.refused < (behavior.refuse_times ?? Number.POSITIVE_INFINITY);
  if (told && condition.mode_code !== 3) return behavior.result;
  const refusal = refusalIn(
    condition,
    request.devices.some((device) => device.sn !== situation.pid),
  );
  if (refusal !== 0) return refusal;
  const needless = request.devices.some((device) => device.type === 2 && situation.compatible(device.sn) === 0);
  return behavior.check_consistency && needless ? 312001 : 0;
}
