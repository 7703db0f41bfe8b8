/** Who is who in a fleet: gateways, their aircraft, and what to believe when they contradict each other. */
import { serialProblem } from '../protocol/topics.js';
import { createRecord, type DeviceKind, type DeviceRecord, type Property, report } from './record.js';

/** A gateway has one aircraft, and now and then another one: more names than this are no swap but nonsense. */
export const MAX_NAMED = 16;

export interface Fleet {
  /** By serial. Live, read-only for everyone but `applyFleetMessage`. */
  readonly devices: Map<string, DeviceRecord>;
  readonly limit: number;
  /** Messages of devices for which there was no room. */
  ignored: number;
}

/** One message on its way into the fleet, and what it changed so far. */
export interface Context {
  fleet: Fleet;
  record: DeviceRecord;
  retained: boolean;
  now: number;
  serials: Set<string>;
  learned: string[];
}

/** The record of `serial`, made where there is room; null where there is none. */
export function recordOf(fleet: Fleet, serial: string): DeviceRecord | null {
  const known = fleet.devices.get(serial);
  if (known) return known;
  if (fleet.devices.size >= fleet.limit) {
    fleet.ignored++;
    return null;
  }
  const record = createRecord(serial);
  fleet.devices.set(serial, record);
  return record;
}

/** The record of the aircraft `serial` that the speaking gateway names; null where it cannot be one. */
export function attach(context: Context, serial: string, model: string | null, online: boolean): DeviceRecord | null {
  const { fleet, record } = context;
  if (serial === record.serial || serialProblem(serial) !== null) return null;
  const known = fleet.devices.get(serial);
  if (known?.isGateway) return null;
  if (!record.named.includes(serial)) {
    if (record.named.length >= MAX_NAMED) {
      fleet.ignored++;
      return null;
    }
    if (!known && !recordOf(fleet, serial)) return null;
    record.named.push(serial);
    context.learned.push(serial);
  }
  const aircraft = fleet.devices.get(serial) ?? null;
  if (aircraft) setAircraft(context, aircraft, record.serial, model, online);
  return aircraft;
}

/** `certain`: it is linked to `gateway` now; without that it stays where it was last known to be. */
export function setAircraft(
  context: Context,
  aircraft: DeviceRecord,
  gateway: string,
  model: string | null,
  certain: boolean,
): void {
  if (aircraft.kind !== 'aircraft') {
    aircraft.kind = 'aircraft';
    context.serials.add(aircraft.serial);
  }
  const before = aircraft.gateway;
  if (before === null || before.retained || certain || before.value === gateway) {
    const old = before?.value;
    keep(context, aircraft, 'gateway', gateway);
    // What the former gateway said of it is over.
    if (old !== undefined && aircraft.gateway?.value !== old) forget(aircraft);
  }
  setModel(context, aircraft, model);
}

/** Its gateway has another aircraft now. */
export function leave(context: Context, aircraft: DeviceRecord): void {
  aircraft.gateway = null;
  forget(aircraft);
  context.serials.add(aircraft.serial);
}

function forget(aircraft: DeviceRecord): void {
  aircraft.device_online_status = null;
  aircraft.device_paired = null;
}

/** The record speaks as a gateway itself, of `kind` where that is known. */
export function setGateway(context: Context, kind: DeviceKind | null): void {
  const { record, serials } = context;
  if (!record.isGateway) {
    record.isGateway = true;
    record.gateway = null;
    if (record.kind === 'aircraft') record.kind = null;
    serials.add(record.serial);
  }
  if (kind !== null && kind !== 'aircraft' && record.kind !== kind && record.kind !== 'dock') {
    record.kind = kind;
    serials.add(record.serial);
  }
}

export function setModel(context: Context, record: DeviceRecord, model: string | null): void {
  if (model === null || model === record.model || (context.retained && record.model !== null)) return;
  record.model = model;
  context.serials.add(record.serial);
}

/** {@link report}s a value and notes the change; true where it was one. */
export function keep(context: Context, record: DeviceRecord, key: Property, value: string | number | null): boolean {
  if (value === null || !report(record, key, value, context.retained, context.now)) return false;
  context.serials.add(record.serial);
  return true;
}
