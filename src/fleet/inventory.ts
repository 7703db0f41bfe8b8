/**
 * The inventory: what each device last reported of itself, and when, kept between runs. It informs plans, warnings and guards;
 * what it may decide is in CONTRACT "Looking, waiting, refusing". Pure; the file is inventory-file.ts.
 */
import type { Clock } from '../clock.js';
import { serialProblem } from '../protocol/topics.js';
import type { Fleet } from './properties.js';
import { type DeviceKind, type DeviceRecord, live, type Reported } from './record.js';

/** Times are milliseconds since 1970. Texts as they came (unsafe to show). */
export interface InventoryEntry {
  sn: string;
  /** Its gateway when it was last heard; of a gateway itself its own serial. */
  pid: string | null;
  kind: DeviceKind | null;
  /** Model key `domain-type-sub_type`. */
  model: string | null;
  firmware_version: string | null;
  version_at: number | null;
  /** Which message told the version: `state` comes on change, `osd` every 2 s. */
  how: 'osd' | 'state' | null;
  /** 0 = consistent, 1 = consistency upgrade needed. */
  compatible_status: number | null;
  compatible_at: number | null;
  /** Release of the payloads. */
  psdk_version: string | null;
  psdk_at: number | null;
  /** When it, or its gateway of it, was last heard live. */
  heard_at: number;
}

/** A product code whose package was verified on a device: from then on it is known which model it is for. */
export interface LearnedProduct {
  /** Model key. */
  model: string;
  sn: string;
  at: number;
}

export interface Inventory {
  readonly devices: Map<string, InventoryEntry>;
  /** By product code. */
  readonly products: Map<string, LearnedProduct>;
}

/** More devices than any fleet known, in about 20 MB: a broker that invents serials cannot fill the disk. */
export const MAX_INVENTORY = 100_000;
const MAX_PRODUCTS = 1_000;

export function createInventory(): Inventory {
  return { devices: new Map(), products: new Map() };
}

/**
 * Takes into `inventory` what `fleet` has heard live. What a broker had kept (retained) is no report: it may be years old.
 * @returns whether anything changed.
 */
export function takeFleet(inventory: Inventory, fleet: Fleet, clock: Pick<Clock, 'now' | 'wall'>): boolean {
  const offset = clock.wall() - clock.now();
  let changed = false;
  for (const record of fleet.devices.values()) {
    const entry = entryOf(record, fleet, offset);
    if (entry && put(inventory, entry)) changed = true;
  }
  bound(inventory.devices, MAX_INVENTORY, (entry) => entry.heard_at);
  return changed;
}

function entryOf(record: DeviceRecord, fleet: Fleet, offset: number): InventoryEntry | null {
  const gateway = live(record.gateway);
  const told = [record.firmware_version, record.compatible_status, record.device_online_status, record.gateway];
  const times = told.flatMap((reported) => (reported && !reported.retained ? [reported.at] : []));
  const heard = Math.max(record.heardAt ?? Number.NEGATIVE_INFINITY, ...times);
  // Not heard itself, and told of by nobody live: nothing is known that is worth keeping.
  if (!Number.isFinite(heard) || serialProblem(record.serial) !== null) return null;
  // An aircraft that sleeps is heard through its dock, every time that this reports.
  const dock = live(record.device_online_status) === null ? undefined : fleet.devices.get(gateway ?? '');
  const wall = (at: number) => Math.round(at + offset);
  const at = (reported: Reported<unknown> | null) => (reported && !reported.retained ? wall(reported.at) : null);
  const version = live(record.firmware_version);
  return {
    sn: record.serial,
    pid: record.isGateway ? record.serial : gateway,
    kind: record.kind,
    model: record.model,
    firmware_version: version,
    version_at: at(record.firmware_version),
    how: version === null ? null : record.versionBy,
    compatible_status: live(record.compatible_status),
    compatible_at: at(record.compatible_status),
    psdk_version: live(record.psdk_version),
    psdk_at: at(record.psdk_version),
    heard_at: wall(Math.max(heard, dock?.heardAt ?? heard)),
  };
}

/** Each value with the later of two times stays; what one side does not know, the other one does. */
function put(inventory: Inventory, entry: InventoryEntry): boolean {
  const old = inventory.devices.get(entry.sn);
  if (!old) {
    inventory.devices.set(entry.sn, entry);
    return true;
  }
  const newer = entry.heard_at >= old.heard_at;
  const [first, second] = newer ? [entry, old] : [old, entry];
  const version = later(entry, old, 'version_at');
  const compatible = later(entry, old, 'compatible_at');
  const psdk = later(entry, old, 'psdk_at');
  const merged: InventoryEntry = {
    sn: entry.sn,
    pid: first.pid ?? second.pid,
    kind: first.kind ?? second.kind,
    model: first.model ?? second.model,
    firmware_version: version.firmware_version,
    version_at: version.version_at,
    how: version.how,
    compatible_status: compatible.compatible_status,
    compatible_at: compatible.compatible_at,
    psdk_version: psdk.psdk_version,
    psdk_at: psdk.psdk_at,
    heard_at: first.heard_at,
  };
  const keys = Object.keys(merged) as (keyof InventoryEntry)[];
  if (keys.every((key) => merged[key] === old[key])) return false;
  inventory.devices.set(entry.sn, merged);
  return true;
}

function later(a: InventoryEntry, b: InventoryEntry, key: 'version_at' | 'compatible_at' | 'psdk_at'): InventoryEntry {
  return (a[key] ?? Number.NEGATIVE_INFINITY) >= (b[key] ?? Number.NEGATIVE_INFINITY) ? a : b;
}

/** Notes that the package with this product code was verified on a device of this model. */
export function learnProduct(inventory: Inventory, code: string, learned: LearnedProduct): void {
  const old = inventory.products.get(code);
  if (old && old.at > learned.at) return;
  inventory.products.set(code, learned);
  bound(inventory.products, MAX_PRODUCTS, (product) => product.at);
}

/** Takes everything of `other` into `inventory`; two programs may have heard different things. */
export function mergeInventory(inventory: Inventory, other: Inventory): void {
  for (const entry of other.devices.values()) put(inventory, entry);
  for (const [code, learned] of other.products) learnProduct(inventory, code, learned);
  bound(inventory.devices, MAX_INVENTORY, (entry) => entry.heard_at);
}

/** Drops what is oldest beyond `most`. */
function bound<T>(map: Map<string, T>, most: number, time: (value: T) => number): void {
  if (map.size <= most) return;
  const oldest = [...map].sort(([, a], [, b]) => time(a) - time(b)).slice(0, map.size - most);
  for (const [key] of oldest) map.delete(key);
}

/** A version, with when it was heard (milliseconds since 1970) and where that is known from. */
export interface KnownVersion {
  version: string;
  heard_at: number;
  source: 'live' | 'manifest' | 'inventory';
}

/** What `init` noted of a device in its manifest. */
export interface NotedVersion {
  version: string | null;
  /** Milliseconds since 1970. */
  heard_at: number | null;
}

/** To leave a device out, its version may be this old; for plans, warnings and the downgrade guard, {@link INFORMS_FOR}. */
export const DECIDES_FOR = 24 * 3_600_000;
export const INFORMS_FOR = 30 * 24 * 3_600_000;

/** What was noted of `sn` last: in the manifest's `known` or in the inventory; null where that is older than `maxAge` ms. */
export function notedVersion(
  inventory: Inventory,
  sn: string,
  known: NotedVersion | null,
  now: number,
  maxAge: number,
): KnownVersion | null {
  const found: KnownVersion[] = [];
  const entry = inventory.devices.get(sn);
  if (entry?.firmware_version && entry.version_at !== null) {
    found.push({ version: entry.firmware_version, heard_at: entry.version_at, source: 'inventory' });
  }
  if (known?.version && known.heard_at !== null) {
    found.push({ version: known.version, heard_at: known.heard_at, source: 'manifest' });
  }
  // A time in the future is a clock that was wrong: how old such a report is, nobody knows.
  const fresh = found.filter(({ heard_at }) => heard_at <= now && now - heard_at <= maxAge);
  return fresh.sort((a, b) => b.heard_at - a.heard_at)[0] ?? null;
}
