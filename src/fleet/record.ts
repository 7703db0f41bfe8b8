/** What is known of one gateway or aircraft from its own reports; bounded in size, whatever is sent. */
import { sameVersion } from '../protocol/versions.js';

/** A value as a device told it. */
export interface Reported<T> {
  readonly value: T;
  /** When it was last heard: the clock's monotonic milliseconds. */
  readonly at: number;
  /** Kept by the broker from earlier: it may be years old, so nothing is decided by it. */
  readonly retained: boolean;
}

/** `other`: a gateway or device that is neither, e.g. a remote controller. */
export type DeviceKind = 'dock' | 'aircraft' | 'other';

/** One device, by the protocol's own names (PROTOCOL "What the device says of itself"). Changed by properties.ts alone. */
export interface DeviceRecord {
  readonly serial: string;
  /** Null until something tells. */
  kind: DeviceKind | null;
  /** It has spoken as a gateway itself, so no other gateway's word makes an aircraft of it. */
  isGateway: boolean;
  /** An aircraft's gateway. */
  gateway: Reported<string> | null;
  /** Model key `domain-type-sub_type`, as it came (unsafe text). */
  model: string | null;
  firmware_version: Reported<string> | null;
  /** Which message told it last. */
  versionBy: 'osd' | 'state' | null;
  /** 0 = consistent, 1 = consistency upgrade needed. */
  compatible_status: Reported<number> | null;
  /** 0 = idle, 1 = upgrading; some docks report it unreliably. */
  firmware_upgrade_status: Reported<number> | null;
  mode_code: Reported<number> | null;
  /** 1 = pressed. */
  emergency_stop_state: Reported<number> | null;
  /** 1 = inside. */
  drone_in_dock: Reported<number> | null;
  /** Of the aircraft, in percent; on a dock what it knows of its aircraft. -1 = the device does not know it. */
  capacity_percent: Reported<number> | null;
  /** On a dock: the lowest battery of its aircraft while that is off, in percent (`drone_battery_maintenance_info`). -1 as above. */
  batteries_percent: Reported<number> | null;
  /** On a dock: 0 = no battery maintenance needed, 1 = due, 2 = running. */
  maintenance_state: Reported<number> | null;
  /** On a dock: 0 to 4 = busy with a flight or a map, 5 = idle, 255 and 256 = nothing to go by. */
  flighttask_step_code: Reported<number> | null;
  /** On a dock (Dock 1): push rods, 0 = closed, 1 = open, 2 = half open, 3 = abnormal. */
  putter_state: Reported<number> | null;
  /** 1 = 4G is used beside the dock's own radio link. */
  link_workmode: Reported<number> | null;
  /** 1 = connected. */
  four_g_link_state: Reported<number> | null;
  /** `network_state.quality`: 0 = none to 5 = good. */
  network_quality: Reported<number> | null;
  /** Used storage in percent of the total, rounded down. */
  storage_percent: Reported<number> | null;
  /** Media files that are still to be uploaded. */
  remain_upload: Reported<number> | null;
  /** Releases of the payloads, joined by `, ` (unsafe text): what a PSDK upgrade concerns. */
  psdk_version: Reported<string> | null;
  /** Of an aircraft, told by its gateway: its power state on the pad, 0 = off (its usual state in the dock), 1 = on. */
  device_online_status: Reported<number> | null;
  /** Of an aircraft, told by its gateway: 1 = paired with it. Of a dock: 0 = it has said that none is paired. */
  device_paired: Reported<number> | null;
  /** On a dock: serial of its aircraft, the first where the topology has several. */
  aircraft: Reported<string> | null;
  /** Its own last message that was not retained; monotonic milliseconds. */
  heardAt: number | null;
  /** Of a gateway: whether it has told live which aircraft it has, if any. */
  toldAircraft: boolean;
  /** Of a gateway: serials of the aircraft that it has named so far; bounded. */
  named: string[];
}

/** Names of the {@link Reported} values of a record. */
export type Property = {
  [Key in keyof DeviceRecord]: DeviceRecord[Key] extends Reported<string> | Reported<number> | null ? Key : never;
}[keyof DeviceRecord];

export function createRecord(serial: string): DeviceRecord {
  return {
    serial,
    kind: null,
    isGateway: false,
    gateway: null,
    model: null,
    firmware_version: null,
    versionBy: null,
    compatible_status: null,
    firmware_upgrade_status: null,
    mode_code: null,
    emergency_stop_state: null,
    drone_in_dock: null,
    capacity_percent: null,
    batteries_percent: null,
    maintenance_state: null,
    flighttask_step_code: null,
    putter_state: null,
    link_workmode: null,
    four_g_link_state: null,
    network_quality: null,
    storage_percent: null,
    remain_upload: null,
    psdk_version: null,
    device_online_status: null,
    device_paired: null,
    aircraft: null,
    heardAt: null,
    toldAircraft: false,
    named: [],
  };
}

/**
 * Keeps `value` (null = not reported, nothing happens) as what `record` says under `key`, and tells whether that changed
 * anything worth showing. A retained value never replaces one that was heard live, in whichever order they come.
 */
export function report(
  record: DeviceRecord,
  key: Property,
  value: string | number | null,
  retained: boolean,
  now: number,
): boolean {
  if (value === null) return false;
  const reports = record as unknown as Record<Property, { value: string | number; at: number; retained: boolean }>;
  const old = reports[key];
  if (!old) {
    reports[key] = { value, at: now, retained };
    return true;
  }
  if (retained && !old.retained) return false;
  // One release has two spellings, and osd and state may differ in it: the first is kept, so that nothing flickers.
  const same = old.value === value || (key === 'firmware_version' && sameVersion(String(old.value), String(value)));
  const changed = !same || old.retained !== retained;
  if (!same) old.value = value;
  old.at = now;
  old.retained = retained;
  return changed;
}

/** The value where it was heard live, else null: only such a value may decide anything. */
export function live<T>(reported: Reported<T> | null | undefined): T | null {
  return reported && !reported.retained ? reported.value : null;
}
