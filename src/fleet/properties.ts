/**
 * Merges what docks and aircraft say of themselves (osd, state and topology) into one record a device. Pure: no transport,
 * no clock. Everything read is untrusted: wrong types are ignored, texts are cut, and the number of records is bounded.
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

/** Docks report about every 2 s (PROTOCOL "Topics"); after 15 missed reports one counts as offline. */
export const ONLINE_FOR = 30_000;
/** More devices than any fleet known, and about 100 MB: a broker that invents serials cannot use up the memory. */
const MAX_DEVICES = 100_000;

/** What one message changed, by serial number. */
export interface FleetChange {
  serials: string[];
  /** Aircraft named for the first time: their own topics are worth listening to. */
  learned: string[];
}

/** An empty fleet that keeps at most `limit` devices. */
export function createFleet(limit = MAX_DEVICES): Fleet {
  return { devices: new Map(), limit, ignored: 0 };
}

type Fields = Record<string, unknown>;

/**
 * Merges one received message and tells what it changed, or null where nothing did. Never throws.
 * @param retained kept by the broker: known from then on, but it makes nothing online and replaces nothing live.
 * @param now monotonic milliseconds.
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

/** Whether `record` itself was heard live within {@link ONLINE_FOR}. */
export function heardLately(record: DeviceRecord, now: number): boolean {
  return record.heardAt !== null && now - record.heardAt <= ONLINE_FOR;
}

/**
 * Whether the device of `record` can be reached: a gateway while it reports; an aircraft while its gateway does and says so,
 * or, where the gateway says nothing of it, while it reports itself.
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
  // Properties that docks alone have (PROTOCOL), under whatever gateway the envelope names.
  if (charge || subDevice || flag(data.drone_in_dock) !== null || flag(data.emergency_stop_state) !== null) {
    setGateway(context, 'dock');
  }
  if (subDevice) readSubDevice(context, subDevice);

  const gateway = text(message.gateway);
  if (gateway === null || serialProblem(gateway) !== null) return;
  if (gateway === record.serial) setGateway(context, null);
  else if (!record.isGateway) setAircraft(context, record, gateway, null, true);
}

/** A fleet's aircraft has two batteries and a handful of payloads: more are not looked at. */
const MAX_PARTS = 8;

/** What foretells a refusal (PROTOCOL "What foretells a refusal"), and what a PSDK upgrade concerns. */
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

/** The lowest charge of a list of batteries that is known; -1 where none is, null where there is no list. */
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
    // None is paired, so there is none to be named.
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
  // Of two docks paired with one aircraft, only the one that it is with speaks for it.
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
  // An entry without a usable serial is no proof of absence, an empty list is (PROTOCOL, `update_topo`).
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

/** The gateway has said which aircraft it has, if any. Who waits for that must hear of it, though no value changed. */
function tellAircraft({ record, retained, serials }: Context): void {
  if (retained || record.toldAircraft) return;
  record.toldAircraft = true;
  serials.add(record.serial);
}
