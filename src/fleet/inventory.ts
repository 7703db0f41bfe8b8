/**
 * The inventory: what each device last reported of itself, and when, stored between runs. It informs plans, warnings and
 * guards; CONTRACT "Looking, waiting, refusing" says what it may decide. No I/O; app/inventory/inventory-file.ts has the file.
 */
import type { Clock } from '../clock.js';
import { serialProblem } from '../protocol/topics.js';
import type { Fleet } from './properties.js';
import { type DeviceKind, type DeviceRecord, live, type Reported } from './record.js';

/** The last reports of one device. Times are milliseconds since 1970; texts are as received (unsafe to show). */
export interface InventoryEntry {
  sn: string;
  /** The gateway that it last reported; for a gateway, its own serial number. */
  pid: string | null;
  kind: DeviceKind | null;
  /** Model key `domain-type-sub_type`. */
  model: string | null;
  firmware_version: string | null;
  version_at: number | null;
  /** Which message had the version: `state` is sent on change, `osd` every 2 s. */
  how: 'osd' | 'state' | null;
  /** The command that received the version: `push`, `devices`, ...; null in a file of an earlier version. */
  version_by: string | null;
  /** 0 = consistent, 1 = consistency upgrade needed. */
  compatible_status: number | null;
  compatible_at: number | null;
  /** The firmware versions of the payloads. */
  psdk_version: string | null;
  psdk_at: number | null;
  /** When it was last heard live, or its gateway last reported it. */
  heard_at: number;
  /** The command that heard it. */
  heard_by: string | null;
}

/** A product code whose package was verified on a device, so the model that it belongs to is known. */
export interface LearnedProduct {
  /** Model key. */
  model: string;
  sn: string;
  at: number;
}

/** The reports of all devices, and the learned product codes. */
export interface Inventory {
  readonly devices: Map<string, InventoryEntry>;
  /** By product code. */
  readonly products: Map<string, LearnedProduct>;
}

/** More devices than any known fleet, in about 20 MB. A broker that invents serial numbers cannot fill the disk. */
export const MAX_INVENTORY = 100_000;
const MAX_PRODUCTS = 1_000;
/**
 * Milliseconds after which a device that was not heard is dropped: more than a year, so that a site that closes for the winter
 * stays.
 */
export const KEPT_FOR = 400 * 24 * 3_600_000;
/** The most characters of a stored text. Versions and model keys have about a dozen. */
const MAX_TEXT = 100;

/** An empty inventory. */
export function createInventory(): Inventory {
  return { devices: new Map(), products: new Map() };
}

/**
 * Copies what `fleet` has heard live to `inventory`. Retained messages are no reports: they may be years old.
 * @param by the command that listens
 * @param since monotonic: devices that were not heard since then are not copied (again), so that devices can be removed
 * @returns `values`: a device is new or reported something else; `times`: it was only heard again
 */
export function takeFleet(
  inventory: Inventory,
  fleet: Fleet,
  clock: Pick<Clock, 'now' | 'wall'>,
  by: string,
  since = Number.NEGATIVE_INFINITY,
): 'values' | 'times' | null {
  const now = clock.wall();
  const offset = now - clock.now();
  let changed: 'values' | 'times' | null = null;
  for (const record of fleet.devices.values()) {
    const entry = entryOf(record, fleet, offset, by, since);
    const told = entry && noteEntry(inventory, entry, now);
    if (told) changed = changed === 'values' ? changed : told;
  }
  return changed;
}

function entryOf(record: DeviceRecord, fleet: Fleet, offset: number, by: string, since: number): InventoryEntry | null {
  const gateway = live(record.gateway);
  const told = [record.firmware_version, record.compatible_status, record.device_online_status, record.gateway];
  const times = told.flatMap((reported) => (reported && !reported.retained ? [reported.at] : []));
  const own = Math.max(record.heardAt ?? Number.NEGATIVE_INFINITY, ...times);
  // Neither the device nor its gateway reported anything live, so there is nothing to store.
  if (!Number.isFinite(own) || serialProblem(record.serial) !== null) return null;
  // A sleeping aircraft is heard through its dock, with every report of the dock.
  const dock = live(record.device_online_status) === null ? undefined : fleet.devices.get(gateway ?? '');
  const heard = Math.max(own, dock?.heardAt ?? own);
  if (heard < since) return null;
  const at = (reported: Reported<unknown> | null) =>
    reported && !reported.retained ? Math.round(reported.at + offset) : null;
  const version = live(record.firmware_version);
  return {
    sn: record.serial,
    pid: record.isGateway ? record.serial : gateway,
    kind: record.kind,
    model: short(record.model),
    firmware_version: short(version),
    version_at: at(record.firmware_version),
    how: version === null ? null : record.versionBy,
    version_by: version === null ? null : by,
    compatible_status: live(record.compatible_status),
    compatible_at: at(record.compatible_status),
    psdk_version: short(live(record.psdk_version)),
    psdk_at: at(record.psdk_version),
    heard_at: Math.round(heard + offset),
    heard_by: by,
  };
}

function short(text: string | null): string | null {
  return text !== null && text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

/** The keys that change with every report, even if nothing else does. */
const TIMES: ReadonlySet<keyof InventoryEntry> = new Set([
  'version_at',
  'version_by',
  'how',
  'compatible_at',
  'psdk_at',
  'heard_at',
  'heard_by',
]);

/**
 * Merges `entry` into `inventory`: of two values the later one stays; a value that one side does not have comes from the other.
 * A time after `now` comes from a wrong clock, and any other time takes precedence.
 */
export function noteEntry(inventory: Inventory, entry: InventoryEntry, now: number): 'values' | 'times' | null {
  const old = inventory.devices.get(entry.sn);
  if (!old) {
    inventory.devices.set(entry.sn, entry);
    return 'values';
  }
  const later = (key: 'version_at' | 'compatible_at' | 'psdk_at' | 'heard_at') =>
    age(entry[key], now) >= age(old[key], now) ? entry : old;
  const first = later('heard_at');
  const second = first === entry ? old : entry;
  const { firmware_version, version_at, how, version_by } = later('version_at');
  const { compatible_status, compatible_at } = later('compatible_at');
  const { psdk_version, psdk_at } = later('psdk_at');
  const { heard_at, heard_by } = first;
  const merged: InventoryEntry = {
    sn: entry.sn,
    pid: first.pid ?? second.pid,
    kind: first.kind ?? second.kind,
    model: first.model ?? second.model,
    firmware_version,
    version_at,
    how,
    version_by,
    compatible_status,
    compatible_at,
    psdk_version,
    psdk_at,
    heard_at,
    heard_by,
  };
  const changed = (Object.keys(merged) as (keyof InventoryEntry)[]).filter((key) => merged[key] !== old[key]);
  if (changed.length === 0) return null;
  inventory.devices.set(entry.sn, merged);
  return changed.every((key) => TIMES.has(key)) ? 'times' : 'values';
}

/** A time for comparing: no time is before all others, and a future time is only slightly better. */
function age(at: number | null, now: number): number {
  return at === null ? Number.NEGATIVE_INFINITY : at > now ? Number.MIN_SAFE_INTEGER : at;
}

/** Stores that the package with this product code was verified on a device of this model. */
export function learnProduct(inventory: Inventory, code: string, learned: LearnedProduct): void {
  const old = inventory.products.get(code);
  if (old && old.at > learned.at) return;
  inventory.products.set(code, learned);
}

/** Drops entries that are too old, and the oldest ones beyond the limit. `now`: milliseconds since 1970. */
export function boundInventory({ devices, products }: Inventory, now: number, most = MAX_INVENTORY): void {
  for (const [sn, { heard_at }] of devices) if (now - heard_at > KEPT_FOR) devices.delete(sn);
  bound(devices, most, (entry) => age(entry.heard_at, now));
  bound(products, MAX_PRODUCTS, (product) => age(product.at, now));
}

function bound<T>(map: Map<string, T>, most: number, time: (value: T) => number): void {
  if (map.size <= most) return;
  const oldest = [...map].sort(([, a], [, b]) => time(a) - time(b)).slice(0, map.size - most);
  for (const [key] of oldest) map.delete(key);
}
