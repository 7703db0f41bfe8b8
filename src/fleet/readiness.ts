/**
 * Whether a device can be upgraded now, from the last reports of the docks: the conditions of DJI's demo, and everything that
 * predicts a refusal (PROTOCOL "What the device says of itself"). A property that was not reported means neither "yes" nor
 * "no".
 */
import { isProof, PROVEN_BY, type UpgradeType } from '../protocol/upgrade-types.js';
import { safeText, showDuration } from '../text.js';
import { showDockMode } from './number-names.js';
import { type Fleet, heardLately } from './properties.js';
import { REASONS, type Reason, reason } from './reasons.js';
import { type DeviceRecord, live, type Reported } from './record.js';

/** Whether one device is ready for an upgrade. */
export interface Readiness {
  /** Null: nothing speaks against it, but not all deciding properties were reported (`no_report`). */
  ready: boolean | null;
  /** Why it is not ready; empty = it is. */
  reasons: Reason[];
  /** What may make the upgrade fail or leave it half done, without making the device not ready. */
  warnings: Reason[];
  /** The aircraft is in its dock, paired and off. It is ready, because the dock powers it on for an upgrade. */
  asleep: boolean;
  /** Where the aircraft is; null for a dock, and if it was not reported. */
  presence: Presence | null;
  /** The lowest known charge of the aircraft in percent, and the property that has it; null = not known live. */
  battery: Battery | null;
  /** The last reported version, as received (unsafe text); also from a retained message. */
  current: string | null;
  /** Whether it has what the upgrade would bring; null = not heard live. */
  atTarget: boolean | null;
}

/** `asleep`: in its dock, paired and off; `away`: not in it; `other_dock`: paired with another one. */
export type Presence = 'asleep' | 'awake' | 'away' | 'unpaired' | 'other_dock';

/** The charge of an aircraft, and the property that has it. */
export interface Battery {
  percent: number;
  /** `battery`: reported by the aircraft; the others are reported by the dock. */
  source: 'battery' | 'drone_charge_state' | 'drone_battery_maintenance_info';
}

/** What is to be upgraded: a device of a manifest has these keys. */
interface Candidate {
  sn: string;
  /** The gateway; for a dock, its own serial number. */
  pid: string;
  /** The target version; null = none. */
  product_version: string | null;
  /** Default 3 (normal). */
  firmware_upgrade_type?: UpgradeType | undefined;
}

/** Percent. Upgrades are refused at this charge or less (result code 312704). */
const BATTERY_TOO_LOW = 20;
/** Percent in use. A package is unpacked next to its download; with less space this has failed with 312026. */
const STORAGE_NEARLY_FULL = 95;
/** `mode_code` of an upgrading aircraft (DJI's aircraft properties). Its other values add nothing to what the dock reports. */
const AIRCRAFT_UPGRADING = 13;

const DOCK_STEPS = ['prepares a flight', 'is on a flight', 'recovers after a flight', 'updates its flight area'];

/** Whether `device` is ready for an upgrade, with every reason why not. `now`: monotonic milliseconds. No I/O. */
export function readinessOf(fleet: Fleet, device: Candidate, now: number): Readiness {
  const record = fleet.devices.get(device.sn);
  const dock = fleet.devices.get(device.pid);
  const isDock = device.sn === device.pid;
  const found = findingsOf(fleet, device, now);
  const reasons = found.filter(({ code }) => REASONS[code].refuses);
  const off = !isDock && live(record?.device_online_status) === 0;
  const presence = isDock || !dock || !heardLately(dock, now) ? null : presenceOf(found, dock, record);
  const atTarget = atTargetOf(record, device);
  return {
    ready: reasons.length === 0 ? true : reasons.every(({ code }) => code === 'no_report') ? null : false,
    reasons,
    warnings: found.filter(({ code }) => !REASONS[code].refuses),
    asleep: off && live(record?.device_paired) === 1 && live(dock?.drone_in_dock) === 1,
    presence,
    battery: isDock ? null : batteryOf(dock, record, off),
    current: record?.firmware_version?.value ?? null,
    atTarget,
  };
}

function presenceOf(found: readonly Reason[], dock: DeviceRecord, record: DeviceRecord | undefined): Presence | null {
  if (found.some(({ code }) => code === 'aircraft_of_other_gateway')) return 'other_dock';
  if (found.some(({ code }) => code === 'aircraft_not_linked')) return 'unpaired';
  const inside = live(dock.drone_in_dock);
  if (inside === 0) return 'away';
  const online = live(record?.device_online_status);
  if (inside !== 1 || online === null || live(record?.device_paired) !== 1) return null;
  return online === 0 ? 'asleep' : 'awake';
}

/** Whether the device has what an upgrade of this type brings, by its live reports. */
function atTargetOf(record: DeviceRecord | undefined, device: Candidate): boolean | null {
  const { product_version: target, firmware_upgrade_type: type = 3 } = device;
  const told = live<string | number>(record?.[PROVEN_BY[type]]);
  return target === null || told === null ? null : isProof(type, String(told), target);
}

function findingsOf(fleet: Fleet, device: Candidate, now: number): Reason[] {
  const dock = fleet.devices.get(device.pid);
  const name = `dock ${show(device.pid)}`;
  if (!dock || !heardLately(dock, now)) return [offline(name, dock, now)];
  if (dock.kind === 'other' || dock.kind === 'aircraft') {
    return [reason('not_a_dock', `${show(device.pid)} is not a dock: give the serial number of the dock as gateway`)];
  }
  const record = fleet.devices.get(device.sn);
  const isDock = device.sn === device.pid;
  const missing: string[] = [];
  const known: Known = (key, reported) => {
    const value = live(reported);
    if (value === null) missing.push(key);
    return value;
  };
  const reasons = dockReasons(dock, name, known);
  if (!isDock && record?.isGateway) {
    const message = `${show(device.sn)} is a gateway itself: give its own serial number as its gateway`;
    return [...reasons, reason('aircraft_of_other_gateway', message)];
  }
  // Mode 3 of the dock says the same. Some docks report the status unreliably, so the message names the source.
  if (live(dock.mode_code) !== 3 && upgrading(record, isDock)) {
    const message = `${isDock ? name : `aircraft ${show(device.sn)}`} reports an upgrade under way: wait for its end`;
    reasons.push(reason('already_upgrading', `${message} (firmware_upgrade_status 1 with the dock in another mode)`));
  }
  if (!isDock) reasons.push(...aircraftReasons(record, device, dock, known));
  const storage = live(record?.storage_percent) ?? 0;
  if (storage >= STORAGE_NEARLY_FULL) {
    const media = live(record?.remain_upload) ?? 0;
    const files = media > 0 ? `, ${media} media files are still to be uploaded` : '';
    const message = `the storage of ${show(device.sn)} is ${storage} % full${files}: the package may not be unpacked`;
    reasons.push(reason('storage_nearly_full', message));
  }
  if (
    (device.firmware_upgrade_type ?? 3) === 3 &&
    live(record?.compatible_status) === 1 &&
    atTargetOf(record, device)
  ) {
    const message = `${show(device.sn)} is at the version, but needs a consistency upgrade: give it the type consistency (2)`;
    reasons.push(reason('consistency_needed', message));
  }
  if (missing.length > 0) reasons.push(notReported(name, missing));
  return reasons;
}

type Known = (key: string, reported: Reported<number> | null) => number | null;

/** The reasons that the dock's own reports give. They count for its aircraft, too. */
function dockReasons(dock: DeviceRecord, name: string, known: Known): Reason[] {
  const reasons: Reason[] = [];
  const mode = known('mode_code', dock.mode_code);
  if (mode === 3) {
    reasons.push(reason('already_upgrading', `${name} is upgrading: wait for its end; \`dji-ota watch\` follows it`));
  } else if (mode !== null && mode !== 0) {
    reasons.push(reason('mode_not_idle', `${name} is in mode ${showDockMode(mode)}: try again when it is idle (0)`));
  }
  if (known('emergency_stop_state', dock.emergency_stop_state) === 1) {
    reasons.push(reason('emergency_stop', `the emergency stop of ${name} is pressed: release it on site`));
  }
  const step = live(dock.flighttask_step_code);
  if (step !== null && step <= 4) {
    const does = DOCK_STEPS[step] ?? 'updates terrain obstacles';
    reasons.push(reason('dock_busy', `${name} ${does} (flighttask_step_code ${step}): try again when it is idle`));
  }
  const rods = live(dock.putter_state);
  if (rods === 2 || rods === 3) {
    const state = rods === 2 ? 'half open' : 'abnormal';
    reasons.push(reason('push_rods', `the push rods of ${name} are ${state}: look for an obstruction on site`));
  }
  if (live(dock.maintenance_state) === 2) {
    const message = `${name} is running battery maintenance: try again afterwards, which may take hours`;
    reasons.push(reason('battery_maintenance', message));
  }
  const quality = live(dock.network_quality);
  if (quality !== null && quality <= 1) {
    const message = `the network of ${name} is ${quality === 0 ? 'down' : 'bad'} as it reports (quality ${quality} of 5): the download may be slow or fail`;
    reasons.push(reason('network_poor', message));
  }
  return reasons;
}

function aircraftReasons(
  record: DeviceRecord | undefined,
  device: Candidate,
  dock: DeviceRecord,
  known: Known,
): Reason[] {
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
  if (gateway === null && live(dock.device_paired) === 0) {
    const message = `no aircraft is paired with dock ${show(device.pid)}: pair ${show(device.sn)} with it`;
    reasons.push(reason('aircraft_not_linked', message));
  } else if (gateway === null) known('sub_device', null);
  if (known('drone_in_dock', dock.drone_in_dock) === 0) {
    reasons.push(reason('aircraft_not_in_dock', `${name} is not in its dock: bring it home, then try again`));
  }
  if (live(record?.device_paired) === 0) {
    reasons.push(reason('aircraft_not_linked', `${name} is not paired with dock ${show(device.pid)}: pair them`));
  }
  const battery = batteryOf(dock, record, live(record?.device_online_status) === 0);
  if (battery !== null && battery.percent <= BATTERY_TOO_LOW) {
    const message = `the battery of ${name} is at ${battery.percent} %: charge it to more than ${BATTERY_TOO_LOW} %`;
    reasons.push(reason('battery_low', message));
  }
  // Dock and aircraft each report their side of the link. One of them is enough.
  if ([dock, record].some((each) => live(each?.link_workmode) === 1 || live(each?.four_g_link_state) === 1)) {
    reasons.push(reason('transmission_4g', `the 4G transmission of ${name} is on: turn it off`));
  }
  return reasons;
}

function upgrading(record: DeviceRecord | undefined, isDock: boolean): boolean {
  if (!record) return false;
  return live(record.firmware_upgrade_status) === 1 || (!isDock && live(record.mode_code) === AIRCRAFT_UPGRADING);
}

/**
 * The lowest known charge of the aircraft. While it is off: `drone_battery_maintenance_info.batteries[]`, or `drone_charge_state`
 * if those are not known. While it is on: `drone_charge_state` and its own report.
 */
function batteryOf(dock: DeviceRecord | undefined, record: DeviceRecord | undefined, off: boolean): Battery | null {
  const charge = (reported: Reported<number> | null | undefined, source: Battery['source']): Battery[] => {
    const percent = live(reported);
    return percent === null || percent < 0 ? [] : [{ percent, source }];
  };
  const onPad = charge(dock?.capacity_percent, 'drone_charge_state');
  const asleep = charge(dock?.batteries_percent, 'drone_battery_maintenance_info');
  const own = charge(record?.capacity_percent, 'battery');
  const counts = off ? (asleep.length > 0 ? asleep : onPad) : [...onPad, ...own];
  return counts.sort((a, b) => a.percent - b.percent)[0] ?? null;
}

function offline(name: string, dock: DeviceRecord | undefined, now: number): Reason {
  const check = 'check its power, its network and that it uses this broker';
  if (!dock || dock.heardAt === null) {
    const kept = dock ? ' except messages that the broker had retained' : '';
    return reason('offline', `${name} reported nothing${kept}: ${check}`);
  }
  return reason('offline', `${name} last reported ${showDuration(now - dock.heardAt)} ago: ${check}`);
}

function notReported(name: string, missing: readonly string[]): Reason {
  const message = `${name} has not reported ${missing.join(', ')} yet: wait longer, or check which topics it may publish to`;
  return reason('no_report', message);
}

function show(serial: string): string {
  return safeText(serial, 64);
}
