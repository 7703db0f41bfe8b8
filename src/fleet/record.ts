/** What is known of one gateway or aircraft from its reports. Its size is bounded, whatever a device sends. */
import { sameVersion } from '../protocol/versions.js';

/** A value as a device reported it. */
export interface Reported<T> {
  readonly value: T;
  /** When it was last received, in monotonic milliseconds of the clock. */
  readonly at: number;
  /** Stored by the broker: it may be years old, so it decides nothing. */
  readonly retained: boolean;
}

/** `other`: a gateway or device of another kind, for example a remote controller. */
export type DeviceKind = 'dock' | 'aircraft' | 'other';

/** One device, with the protocol's own names (PROTOCOL "What the device says of itself"). Only properties.ts changes it. */
export interface DeviceRecord {
  readonly serial: string;
  /** Null = not known yet. */
  kind: DeviceKind | null;
  /** It has sent messages as a gateway, so another gateway cannot name it as its aircraft. */
  isGateway: boolean;
  /** The gateway of an aircraft. */
  gateway: Reported<string> | null;
  /** Model key `domain-type-sub_type`, as it came (unsafe text). */
  model: string | null;
  firmware_version: Reported<string> | null;
  /** Which message had the version last. */
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
  /** The charge of the aircraft in percent; on a dock, of its aircraft. -1 = the device does not know it. */
  capacity_percent: Reported<number> | null;
  /**
   * On a dock: the lowest battery of its aircraft while that is off, in percent (`drone_battery_maintenance_info`). -1 = not
   * known.
   */
  batteries_percent: Reported<number> | null;
  /** On a dock: 0 = no battery maintenance needed, 1 = due, 2 = running. */
  maintenance_state: Reported<number> | null;
  /** On a dock: 0 to 4 = busy with a flight or a map, 5 = idle, 255 and 256 = unknown. */
  flighttask_step_code: Reported<number> | null;
  /** On a dock (Dock 1): push rods, 0 = closed, 1 = open, 2 = half open, 3 = abnormal. */
  putter_state: Reported<number> | null;
  /** 1 = 4G is used in addition to the dock's own radio link. */
  link_workmode: Reported<number> | null;
  /** 1 = connected. */
  four_g_link_state: Reported<number> | null;
  /** `network_state.quality`: 0 = none to 5 = good. */
  network_quality: Reported<number> | null;
  /** Used storage in percent of the total, rounded down. */
  storage_percent: Reported<number> | null;
  /** Media files that have not been uploaded yet. */
  remain_upload: Reported<number> | null;
  /** Versions of the payloads, joined by `, ` (unsafe text). A PSDK upgrade concerns these. */
  psdk_version: Reported<string> | null;
  /** Of an aircraft, reported by its gateway: its power state on the pad, 0 = off (normal in the dock), 1 = on. */
  device_online_status: Reported<number> | null;
  /** Of an aircraft, reported by its gateway: 1 = paired. Of a dock: 0 = it has reported that no aircraft is paired. */
  device_paired: Reported<number> | null;
  /** On a dock: the serial number of its aircraft; the first one if the topology has several. */
  aircraft: Reported<string> | null;
  /** When its own last message arrived that was not retained, in monotonic milliseconds. */
  heardAt: number | null;
  /** Of a gateway: whether it has reported live which aircraft it has, if any. */
  toldAircraft: boolean;
  /** Of a gateway: the serial numbers of the aircraft that it has named; the number is bounded. */
  named: string[];
}

/** The names of the {@link Reported} values of a record. */
export type Property = {
  [Key in keyof DeviceRecord]: DeviceRecord[Key] extends Reported<string> | Reported<number> | null ? Key : never;
}[keyof DeviceRecord];

/** An empty record. */
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
 * Stores `value` (null = not reported, nothing happens) under `key`. Returns whether that changed anything worth showing. A
 * retained value never replaces a live one, whichever comes first.
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
  // One release has two spellings, and osd and state may use different ones. Keep the first, so that the display does not
  // flicker.
  const same = old.value === value || (key === 'firmware_version' && sameVersion(String(old.value), String(value)));
  const changed = !same || old.retained !== retained;
  if (!same) old.value = value;
  old.at = now;
  old.retained = retained;
  return changed;
}

/** The value if it was received live, otherwise null. Only live values may decide anything. */
export function live<T>(reported: Reported<T> | null | undefined): T | null {
  return reported && !reported.retained ? reported.value : null;
}
