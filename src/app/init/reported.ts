/** Decides which reported devices `init` can give firmware to, and why it cannot for others. No I/O. */
import type { Inventory } from '../../fleet/inventory.js';
import type { Fleet } from '../../fleet/properties.js';
import { type DeviceRecord, live } from '../../fleet/record.js';
import { textProblem, versionProblem } from '../../manifest/device/field-values.js';
import { dockOf, modelName } from '../../protocol/models.js';
import { serialDoubt } from '../../protocol/topics.js';
import { byText, safeText } from '../../text.js';

interface ReportedDevice {
  sn: string;
  pid: string;
  /** Model key. */
  model: string;
  /** The dock has not reported its model; it follows from the model of its aircraft. */
  deduced: boolean;
  /** Null: not known, or not a text that a manifest can contain. */
  version: string | null;
  /** When it reported the version; without a version, when it was last heard. Milliseconds since 1970. */
  heard_at: number | null;
}

/** A device that gets no firmware. */
export interface LeftOut {
  /** Null: the aircraft of the gateway, of which nothing is known. */
  sn: string | null;
  pid: string | null;
  /** In words that follow the device: `has not told its model`. */
  reason: string;
  /** Listening again, or longer, may change it. */
  unknown: boolean;
}

interface Reported {
  /** By gateway; each dock before its aircraft. */
  devices: ReportedDevice[];
  leftOut: LeftOut[];
  /** The number of gateways that are not docks, among those that were not named. */
  others: number;
}

const KEY = /^\d{1,4}-\d{1,6}-\d{1,6}$/;

/**
 * Sorts the devices of `fleet` into usable and left out.
 * @param pids the named gateways; `all` = every gateway that was heard
 */
export function reportedDevices(fleet: Fleet, inventory: Inventory, pids: readonly string[] | 'all'): Reported {
  const found: Reported = { devices: [], leftOut: [], others: 0 };
  const named = namedBy(fleet);
  const leave = (sn: string | null, pid: string | null, reason: string, unknown = false) =>
    void found.leftOut.push({ sn, pid, reason, unknown });
  const add = (record: DeviceRecord, pid: string, domain: string, kind: string) => {
    const { serial: sn } = record;
    const told = modelOf(record, inventory);
    const model = told ?? (sn === pid ? deduced(record) : null);
    if (model === null) return leave(sn, pid, 'has not reported its model', true);
    if (model.split('-', 1)[0] !== domain) return leave(sn, pid, `is no ${kind}, but ${modelName(model)}`);
    const entry = inventory.devices.get(sn);
    const reported = entry?.firmware_version ?? null;
    const version = reported !== null && isVersion(reported) ? reported : null;
    found.devices.push({
      sn,
      pid,
      model,
      deduced: told === null,
      version,
      heard_at: (version && entry?.version_at) || entry?.heard_at || null,
    });
  };
  // A dock reports its model only when it connects, perhaps weeks ago, but every 2 s which aircraft is in it.
  const deduced = ({ serial, kind, named: names }: DeviceRecord) => {
    const [sn = ''] = names;
    const aircraft = fleet.devices.get(sn);
    const isItsOwn = names.length === 1 && named.get(sn)?.size === 1 && live(aircraft?.gateway) === serial;
    return kind === 'dock' && isItsOwn && aircraft?.model ? dockOf(aircraft.model) : null;
  };
  const gateway = (pid: string) => {
    const record = fleet.devices.get(pid);
    const doubt = pids === 'all' ? serialDoubt(pid) : null;
    if (doubt !== null) return leave(pid, pid, doubt);
    if (!record || record.heardAt === null) return leave(pid, pid, 'was not heard', true);
    const model = modelOf(record, inventory);
    if (pids === 'all' && (record.kind === 'other' || model?.startsWith('2-'))) {
      found.others++;
      return;
    }
    if (!record.isGateway && live(record.gateway) !== null) {
      return leave(pid, pid, `is an aircraft; give its dock instead, ${safeText(live(record.gateway) ?? '', 128)}`);
    }
    add(record, pid, '3', 'dock');
    if (!record.toldAircraft) return leave(null, pid, 'has not reported its aircraft', true);
    for (const sn of [...record.named].sort(byText)) aircraft(sn, pid);
  };
  const aircraft = (sn: string, pid: string) => {
    const record = fleet.devices.get(sn);
    const docks = [...(named.get(sn) ?? [])];
    const doubt = serialDoubt(sn);
    if (!record) return;
    if (doubt !== null) return leave(sn, pid, doubt);
    if (docks.length > 1) {
      const list = docks.slice(0, 3).map((dock) => safeText(dock, 128));
      return leave(
        sn,
        pid,
        `is reported by ${docks.length} docks: ${list.join(', ')}${docks.length > 3 ? ', ...' : ''}`,
      );
    }
    // The aircraft has left, or reports another gateway itself.
    const at = live(record.gateway);
    if (at === null) return;
    if (at !== pid) return leave(sn, pid, `reports that it is on ${safeText(at, 128)}`);
    if (live(record.device_paired) === 0) return leave(sn, pid, 'is not paired with its dock');
    add(record, pid, '0', 'aircraft');
  };
  for (const pid of pids === 'all' ? gatewaysOf(fleet) : pids) gateway(pid);
  if (pids !== 'all') return found;
  for (const { serial, gateway: on, heardAt } of fleet.devices.values()) {
    if (heardAt === null || on === null || named.has(serial)) continue;
    leave(serial, on.value, 'is reported by no dock', true);
  }
  return found;
}

/**
 * Whether a gateway has reported all that {@link reportedDevices} needs: its model, its aircraft and their models. `version`:
 * and their versions, which an aircraft that is off cannot report.
 */
export function hasToldAll(fleet: Fleet, inventory: Inventory, pid: string, version: boolean): boolean {
  const record = fleet.devices.get(pid);
  if (!record || record.heardAt === null || !record.toldAircraft) return false;
  return [pid, ...record.named].every((sn) => {
    const device = fleet.devices.get(sn);
    if (!device) return true;
    const hasVersion = !version || live(device.firmware_version) !== null || live(device.device_online_status) === 0;
    return hasVersion && modelOf(device, inventory) !== null;
  });
}

/** The model of a device. It does not change, so an earlier report is as good as a new one. */
function modelOf(record: DeviceRecord, inventory: Inventory): string | null {
  const told = [record.model, inventory.devices.get(record.serial)?.model];
  return told.find((model) => model && KEY.test(model)) ?? null;
}

/** The docks that report each aircraft. */
function namedBy(fleet: Fleet): Map<string, Set<string>> {
  const docks = new Map<string, Set<string>>();
  for (const { serial, named, heardAt } of fleet.devices.values()) {
    if (heardAt === null) continue;
    for (const sn of named) docks.set(sn, (docks.get(sn) ?? new Set()).add(serial));
  }
  return docks;
}

function gatewaysOf(fleet: Fleet): string[] {
  const records = [...fleet.devices.values()].filter(({ heardAt, gateway }) => heardAt !== null && gateway === null);
  return records.map(({ serial }) => serial).sort(byText);
}

/** Whether a manifest may contain the version, a spreadsheet keeps it, and a person can read it. */
function isVersion(text: string): boolean {
  return text.length <= 64 && /^[\p{L}\d]/u.test(text) && textProblem(text) === null && versionProblem(text) === null;
}
