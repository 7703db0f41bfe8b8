/**
 * Merges what docks and aircraft report (osd, state and topology) into one record per device. No I/O, no clock. All input is
 * untrusted: wrong types are ignored, texts are cut, and the number of records is limited.
 */
import { object, parseObject, text } from '../protocol/messages.js';
import { parseTopic, serialProblem } from '../protocol/topics.js';
import { code, flag, kindOf, modelKey, percent, share } from './property-readers.js';
import { type DeviceRecord, live } from './record.js';
import {
  attach,
  type Context,
  type Fleet,
  keep,
  leave,
  MAX_NAMED,
  recordOf,
  setAircraft,
  setGateway,
  setModel,
} from './relations.js';

export type { Fleet } from './relations.js';

/** Milliseconds. Docks report about every 2 s (PROTOCOL "Topics"); after 15 missed reports a dock counts as offline. */
export const ONLINE_FOR = 30_000;
/** More devices than any known fleet, in about 100 MB. A broker that invents serial numbers cannot exhaust the memory. */
const MAX_DEVICES = 100_000;

/** What one message changed, by serial number. */
export interface FleetChange {
  serials: string[];
  /** Aircraft that were named for the first time, so that their own topics can be subscribed. */
  learned: string[];
}

/** An empty fleet that keeps at most `limit` devices. */
export function createFleet(limit = MAX_DEVICES): Fleet {
  return { devices: new Map(), limit, ignored: 0 };
}

type Fields = Record<string, unknown>;

/**
 * Merges one message and returns what changed; null = nothing. Never throws.
 * @param retained sent by the broker from storage: its values are known, but do not make a device online or replace live values
 * @param now monotonic milliseconds
 */
export function applyFleetMessage(
  fleet: Fleet,
  topic: string,
  payload: Uint8Array | string,
  retained: boolean,
  now: number,
): FleetChange | null {
  const parsed = parseTopic(topic);
  if (parsed === null) return null;
  const { kind, serial } = parsed;
  if (kind !== 'osd' && kind !== 'state' && kind !== 'status') return null;
  if (!fleet.devices.has(serial) && serialProblem(serial) !== null) return null;
  const message = parseObject(payload);
  const data = object(message?.data);
  if (!message || !data) return null;
  if (kind === 'status' && !isTopology(message, data)) return null;
  const record = recordOf(fleet, serial);
  if (!record) return null;

  const context: Context = { fleet, record, retained, now, serials: new Set(), learned: [] };
  if (!retained) {
    if (!heardLately(record, now)) context.serials.add(serial);
    record.heardAt = now;
  }
  if (kind === 'status') readTopology(context, data);
  else {
    if (text(data.firmware_version) !== null && !retained) record.versionBy = kind;
    readProperties(context, message, data);
  }
  return context.serials.size > 0 || context.learned.length > 0
    ? { serials: [...context.serials], learned: context.learned }
    : null;
}

/** Whether the device itself was heard live within {@link ONLINE_FOR}. */
export function heardLately(record: DeviceRecord, now: number): boolean {
  return record.heardAt !== null && now - record.heardAt <= ONLINE_FOR;
}

/**
 * Whether a device is reachable: a gateway while it reports; an aircraft while its gateway reports and says that it is on, or,
 * if the gateway says nothing about it, while it reports itself.
 */
export function isOnline(fleet: Fleet, record: DeviceRecord, now: number): boolean {
  const gateway = live(record.gateway);
  const linked = live(record.device_online_status);
  const dock = gateway === null || linked === null ? undefined : fleet.devices.get(gateway);
  return dock ? linked === 1 && heardLately(dock, now) : heardLately(record, now);
}

function readProperties(context: Context, message: Fields, data: Fields): void {
  const { record } = context;
  keep(context, record, 'firmware_version', text(data.firmware_version));
  keep(context, record, 'compatible_status', flag(data.compatible_status));
  keep(context, record, 'firmware_upgrade_status', flag(data.firmware_upgrade_status));
  keep(context, record, 'mode_code', code(data.mode_code));
  keep(context, record, 'emergency_stop_state', flag(data.emergency_stop_state));
  keep(context, record, 'drone_in_dock', flag(data.drone_in_dock));
  readForecasts(context, data);
  const charge = object(data.drone_charge_state);
  const subDevice = object(data.sub_device);
  const battery = charge ?? object(data.battery);
  keep(context, record, 'capacity_percent', percent(battery?.capacity_percent));
  // Only docks have these properties (PROTOCOL), whatever the envelope names as the gateway.
  if (charge || subDevice || flag(data.drone_in_dock) !== null || flag(data.emergency_stop_state) !== null) {
    setGateway(context, 'dock');
  }
  if (subDevice) readSubDevice(context, subDevice);

  const gateway = text(message.gateway);
  if (gateway === null || serialProblem(gateway) !== null) return;
  if (gateway === record.serial) setGateway(context, null);
  else if (!record.isGateway) setAircraft(context, record, gateway, null, true);
}

/** An aircraft has two batteries and a few payloads. Further entries are ignored. */
const MAX_PARTS = 8;

/** Reads the properties that predict a refusal (PROTOCOL "What foretells a refusal"), and the payloads' versions. */
function readForecasts(context: Context, data: Fields): void {
  const { record } = context;
  const maintenance = object(data.drone_battery_maintenance_info);
  keep(context, record, 'maintenance_state', code(maintenance?.maintenance_state));
  keep(context, record, 'batteries_percent', lowest(maintenance?.batteries));
  keep(context, record, 'flighttask_step_code', code(data.flighttask_step_code));
  keep(context, record, 'putter_state', code(data.putter_state));
  const link = object(data.wireless_link);
  keep(context, record, 'link_workmode', code(link?.link_workmode));
  keep(context, record, 'four_g_link_state', flag(link?.['4g_link_state']));
  keep(context, record, 'network_quality', code(object(data.network_state)?.quality));
  const storage = object(data.storage);
  keep(context, record, 'storage_percent', share(storage?.used, storage?.total));
  keep(context, record, 'remain_upload', code(object(data.media_file_detail)?.remain_upload));
  const widgets = Array.isArray(data.psdk_widget_values) ? data.psdk_widget_values.slice(0, MAX_PARTS) : [];
  const releases = widgets.flatMap((widget) => text(object(widget)?.psdk_version) ?? []);
  if (releases.length > 0) keep(context, record, 'psdk_version', releases.join(', '));
}

/** The lowest known charge in a list of batteries; -1 = none is known; null = not a list. */
function lowest(batteries: unknown): number | null {
  if (!Array.isArray(batteries)) return null;
  const charges = batteries.slice(0, MAX_PARTS).flatMap((each) => percent(object(each)?.capacity_percent) ?? []);
  if (charges.length === 0) return null;
  const known = charges.filter((charge) => charge >= 0);
  return known.length > 0 ? Math.min(...known) : -1;
}

function readSubDevice(context: Context, subDevice: Fields): void {
  const { fleet, record } = context;
  const serial = text(subDevice.device_sn) ?? record.aircraft?.value ?? null;
  if (serial === null) {
    // None is paired, so there is no serial number.
    if (flag(subDevice.device_paired) === 0) {
      keep(context, record, 'device_paired', 0);
      tellAircraft(context);
    }
    return;
  }
  const online = flag(subDevice.device_online_status);
  const model = text(subDevice.device_model_key) ?? text(subDevice.product_type);
  const before = record.aircraft?.value;
  const aircraft = attach(context, serial, model, online === 1);
  if (!aircraft) return;
  if (record.device_paired) keep(context, record, 'device_paired', flag(subDevice.device_paired));
  if (keep(context, record, 'aircraft', serial) && before !== undefined && before !== serial) {
    const former = fleet.devices.get(before);
    if (former && former.gateway?.value === record.serial) leave(context, former);
  }
  tellAircraft(context);
  // If two docks are paired with one aircraft, only the dock that it is in reports about it.
  if (aircraft.gateway?.value !== record.serial) return;
  keep(context, aircraft, 'device_online_status', online);
  keep(context, aircraft, 'device_paired', flag(subDevice.device_paired));
}

function isTopology(message: Fields, data: Fields): boolean {
  const method = text(message.method);
  return method === 'update_topo' || (method === null && Array.isArray(data.sub_devices));
}

function readTopology(context: Context, data: Fields): void {
  const model = modelKey(data);
  setGateway(context, model === null ? null : kindOf(model));
  setModel(context, context.record, model);
  if (!Array.isArray(data.sub_devices)) return;
  const { fleet, record } = context;
  const listed = new Set<string>();
  for (const item of data.sub_devices.slice(0, MAX_NAMED)) {
    const entry = object(item);
    const serial = text(entry?.sn);
    const aircraft = entry && serial !== null ? attach(context, serial, modelKey(entry), true) : null;
    if (!aircraft) continue;
    listed.add(aircraft.serial);
    if (aircraft.gateway?.value === record.serial) keep(context, aircraft, 'device_online_status', 1);
  }
  // An empty list means that there is no aircraft (PROTOCOL, `update_topo`); an entry without a valid serial number does not.
  if (listed.size === 0 && data.sub_devices.length > 0) return;
  for (const serial of record.named) {
    const aircraft = fleet.devices.get(serial);
    if (!aircraft || listed.has(serial) || aircraft.gateway?.value !== record.serial) continue;
    keep(context, aircraft, 'device_online_status', 0);
  }
  const [first] = listed;
  const known = record.aircraft?.value;
  if (first !== undefined && (known === undefined || !listed.has(known))) keep(context, record, 'aircraft', first);
  tellAircraft(context);
}

/**
 * The gateway has reported which aircraft it has, if any. Marks it as changed even if no value did, because callers wait for
 * this.
 */
function tellAircraft({ record, retained, serials }: Context): void {
  if (retained || record.toldAircraft) return;
  record.toldAircraft = true;
  serials.add(record.serial);
}
