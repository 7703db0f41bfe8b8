/**
 * Whether a device can be upgraded now, from what the docks last said. The conditions are those of DJI's demo (target online,
 * dock idle, emergency stop released) and of the result codes (aircraft in the dock, battery over 20 %); see PROTOCOL.
 */
import { sameVersion } from '../protocol/versions.js';
import { safeText, showDuration } from '../text.js';
import { type Fleet, heardLately } from './properties.js';
import { type DeviceRecord, live, type Reported } from './record.js';
import { showDockMode } from './words.js';

export type ReasonCode =
  | 'offline'
  | 'no_report'
  | 'not_a_dock'
  | 'mode_not_idle'
  | 'already_upgrading'
  | 'emergency_stop'
  | 'aircraft_of_other_gateway'
  | 'aircraft_not_in_dock'
  | 'aircraft_not_linked'
  | 'aircraft_offline'
  | 'battery_low';

export interface Reason {
  code: ReasonCode;
  /** In words, with the values and what to do; safe to show. */
  message: string;
}

export interface Readiness {
  /** Null: nothing speaks against it, but not everything that has to be known was reported (`no_report`). */
  ready: boolean | null;
  /** Why not; empty when ready. */
  reasons: Reason[];
  /** The version it last reported, as it came (unsafe text); also a retained one. */
  current: string | null;
  /** Whether that is the target; null where no version was heard live. */
  atTarget: boolean | null;
}

/** What is to be upgraded: a manifest device will do. */
export interface Candidate {
  sn: string;
  /** Gateway; of a dock its own serial. */
  pid: string;
  /** Target; null = none in mind. */
  product_version: string | null;
}

/** Upgrades are refused at this charge or less (result code 312704), in percent. */
const BATTERY_TOO_LOW = 20;
/** `mode_code` of an aircraft while it upgrades (DJI's aircraft properties); its other values say nothing that the dock does not. */
const AIRCRAFT_UPGRADING = 13;

/** Whether `device` is ready for an upgrade, or every reason why it is not. `now`: monotonic milliseconds. Pure. */
export function readinessOf(fleet: Fleet, device: Candidate, now: number): Readiness {
  const record = fleet.devices.get(device.sn);
  const version = record?.firmware_version ?? null;
  const heard = live(version);
  const target = device.product_version;
  const reasons = reasonsAgainst(fleet, device, now);
  return {
    ready: reasons.length === 0 ? true : reasons.every((reason) => reason.code === 'no_report') ? null : false,
    reasons,
    current: version?.value ?? null,
    atTarget: heard === null || target === null ? null : sameVersion(heard, target),
  };
}

function reasonsAgainst(fleet: Fleet, device: Candidate, now: number): Reason[] {
  const dock = fleet.devices.get(device.pid);
  const name = `dock ${show(device.pid)}`;
  if (!dock || !heardLately(dock, now)) return [offline(name, dock, now)];
  if (dock.kind === 'other' || dock.kind === 'aircraft') {
    return [reason('not_a_dock', `${show(device.pid)} is not a dock: give the serial number of the dock as gateway`)];
  }
  const reasons: Reason[] = [];
  const missing: string[] = [];
  const known = <T>(key: string, reported: Reported<T> | null): T | null => {
    const value = live(reported);
    if (value === null) missing.push(key);
    return value;
  };

  const mode = known('mode_code', dock.mode_code);
  if (mode === 3) {
    reasons.push(reason('already_upgrading', `${name} is upgrading: wait for its end, \`dji-ota watch\` follows it`));
  } else if (mode !== null && mode !== 0) {
    reasons.push(reason('mode_not_idle', `${name} is in mode ${showDockMode(mode)}: try again when it is idle (0)`));
  }
  if (known('emergency_stop_state', dock.emergency_stop_state) === 1) {
    reasons.push(reason('emergency_stop', `the emergency stop of ${name} is pressed: release it on site`));
  }

  const record = fleet.devices.get(device.sn);
  const isDock = device.sn === device.pid;
  if (!isDock && record?.isGateway) {
    const message = `${show(device.sn)} is a gateway itself: give its own serial number as its gateway`;
    return [...reasons, reason('aircraft_of_other_gateway', message)];
  }
  // With the dock's mode 3 it is said already. Some docks report the status unreliably, so where it comes from is said too.
  if (mode !== 3 && upgrading(record, isDock)) {
    const message = `${isDock ? name : `aircraft ${show(device.sn)}`} reports an upgrade under way: wait for its end`;
    reasons.push(reason('already_upgrading', `${message} (firmware_upgrade_status 1 with the dock in another mode)`));
  }
  if (!isDock) reasons.push(...aircraftReasons(fleet, device, dock, known, now));
  if (missing.length > 0) reasons.push(notReported(name, missing));
  return reasons;
}

function aircraftReasons(
  fleet: Fleet,
  device: Candidate,
  dock: DeviceRecord,
  known: <T>(key: string, reported: Reported<T> | null) => T | null,
  now: number,
): Reason[] {
  const record = fleet.devices.get(device.sn);
  const name = `aircraft ${show(device.sn)}`;
  const attached = live(dock.aircraft);
  const gateway = live(record?.gateway);
  if (gateway !== device.pid && (gateway !== null || attached !== null)) {
    const message =
      gateway !== null
        ? `${name} is on gateway ${show(gateway)}, not on ${show(device.pid)}`
        : `the aircraft of dock ${show(device.pid)} is ${show(attached ?? '')}, not ${show(device.sn)}`;
    return [reason('aircraft_of_other_gateway', `${message}: check sn and pid`)];
  }
  const reasons: Reason[] = [];
  if (gateway === null && dock.toldAircraft) {
    const message = `dock ${show(device.pid)} has no aircraft now: power ${show(device.sn)} on, check battery and pairing`;
    reasons.push(reason('aircraft_offline', message));
  } else if (gateway === null) known('sub_device', null);
  if (known('drone_in_dock', dock.drone_in_dock) === 0) {
    reasons.push(reason('aircraft_not_in_dock', `${name} is not in its dock: bring it home, then try again`));
  }
  if (live(record?.device_paired) === 0) {
    reasons.push(reason('aircraft_not_linked', `${name} is not paired with dock ${show(device.pid)}: pair them`));
  }
  const linked = live(record?.device_online_status);
  if (linked === 0) {
    const message = `${name} is off or not linked to its dock: power it on, check battery and pairing`;
    reasons.push(reason('aircraft_offline', message));
  } else if (linked === null && gateway !== null && !(record && heardLately(record, now))) {
    known('device_online_status', null);
  }
  const battery = latest(dock.capacity_percent, record?.capacity_percent ?? null);
  if (battery !== null && battery >= 0 && battery <= BATTERY_TOO_LOW) {
    const message = `the battery of ${name} is at ${battery} %: charge it to more than ${BATTERY_TOO_LOW} %`;
    reasons.push(reason('battery_low', message));
  }
  return reasons;
}

function upgrading(record: DeviceRecord | undefined, isDock: boolean): boolean {
  if (!record) return false;
  return live(record.firmware_upgrade_status) === 1 || (!isDock && live(record.mode_code) === AIRCRAFT_UPGRADING);
}

/** The later of two live reports that knows the value (-1 = the device does not). */
function latest(a: Reported<number> | null, b: Reported<number> | null): number | null {
  const heard = [a, b].filter((one) => one !== null && !one.retained && one.value >= 0) as Reported<number>[];
  return heard.sort((x, y) => y.at - x.at)[0]?.value ?? null;
}

function offline(name: string, dock: DeviceRecord | undefined, now: number): Reason {
  const check = 'check its power, its network and that it uses this broker';
  if (!dock || dock.heardAt === null) {
    const kept = dock ? ' but messages that the broker had kept' : '';
    return reason('offline', `nothing was heard of ${name}${kept}: ${check}`);
  }
  return reason('offline', `${name} was last heard ${showDuration(now - dock.heardAt)} ago: ${check}`);
}

function notReported(name: string, missing: readonly string[]): Reason {
  const message = `${name} has not reported ${missing.join(', ')} yet: wait longer, or check what it may publish`;
  return reason('no_report', message);
}

function reason(code: ReasonCode, message: string): Reason {
  return { code, message };
}

function show(serial: string): string {
  return safeText(serial, 64);
}
