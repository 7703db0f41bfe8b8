/** The relations in a fleet: gateways, their aircraft, and what counts if their reports contradict each other. */
import { serialProblem } from '../protocol/topics.js';
import { createRecord, type DeviceKind, type DeviceRecord, type Property, report } from './record.js';

/** A gateway has one aircraft, and sometimes another. More names than this are not real. */
export const MAX_NAMED = 16;

/** All devices that were heard. */
export interface Fleet {
  /** By serial number. Read-only for everything except `applyFleetMessage`. */
  readonly devices: Map<string, DeviceRecord>;
  readonly limit: number;
  /** How many messages came from devices beyond the limit. */
  ignored: number;
}

/** The message that is being applied, and what it has changed so far. */
export interface Context {
  fleet: Fleet;
  record: DeviceRecord;
  retained: boolean;
  now: number;
  serials: Set<string>;
  learned: string[];
}

/** The record of `serial`, created if necessary; null = the fleet is full. */
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

/** The record of the aircraft `serial`, which the sending gateway names; null = it cannot be an aircraft. */
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

/**
 * Sets the gateway of an aircraft. `certain`: it is linked to `gateway` now; otherwise it stays where it was last known to be.
 */
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
    // The reports of the former gateway no longer apply.
    if (old !== undefined && aircraft.gateway?.value !== old) forget(aircraft);
  }
  setModel(context, aircraft, model);
}

/** The aircraft's gateway has another aircraft now. */
export function leave(context: Context, aircraft: DeviceRecord): void {
  aircraft.gateway = null;
  forget(aircraft);
  context.serials.add(aircraft.serial);
}

function forget(aircraft: DeviceRecord): void {
  aircraft.device_online_status = null;
  aircraft.device_paired = null;
}

/** The sender is a gateway, of `kind` if that is known. */
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

/** Sets the model of a device, unless a retained message would replace a known one. */
export function setModel(context: Context, record: DeviceRecord, model: string | null): void {
  if (model === null || model === record.model || (context.retained && record.model !== null)) return;
  record.model = model;
  context.serials.add(record.serial);
}

/** {@link report}s a value and marks the device as changed. Returns whether it changed. */
export function keep(context: Context, record: DeviceRecord, key: Property, value: string | number | null): boolean {
  if (value === null || !report(record, key, value, context.retained, context.now)) return false;
  context.serials.add(record.serial);
  return true;
}
