/**
 * The inventory: what each device last reported of itself, and when, kept between runs. It informs plans, warnings and guards;
 * what it may decide is in CONTRACT "Looking, waiting, refusing". Pure; the file is app/inventory/inventory-file.ts.
 */
import type { Clock } from '../clock.js';
import { serialProblem } from '../protocol/topics.js';
import { isProof, PROVEN_BY, type UpgradeType } from '../protocol/upgrade-types.js';
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
  /** The command that heard the version: `push`, `devices`, ...; null in a file of an earlier version. */
  version_by: string | null;
  /** 0 = consistent, 1 = consistency upgrade needed. */
  compatible_status: number | null;
  compatible_at: number | null;
  /** Release of the payloads. */
  psdk_version: string | null;
  psdk_at: number | null;
  /** When it, or its gateway of it, was last heard live. */
  heard_at: number;
  /** The command that heard it then. */
  heard_by: string | null;
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
/** What was not heard for so long is dropped: more than a year, so that a site that rests over a winter stays. Milliseconds. */
export const KEPT_FOR = 400 * 24 * 3_600_000;
/** Longest text of a device that is kept: versions and model keys have about a dozen characters. */
const MAX_TEXT = 100;

export function createInventory(): Inventory {
  return { devices: new Map(), products: new Map() };
}

/**
 * Takes into `inventory` what `fleet` has heard live. What a broker had kept (retained) is no report: it may be years old.
 * @param by the command that listens
 * @param since monotonic: what was not heard from then on is not taken (again), so that devices can be forgotten
 * @returns `values`: a device is new or says something else; `times`: it was only heard again
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
  // Not heard itself, and told of by nobody live: nothing is known that is worth keeping.
  if (!Number.isFinite(own) || serialProblem(record.serial) !== null) return null;
  // An aircraft that sleeps is heard through its dock, every time that this reports.
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

/** What the entries of two reports have in common however often they are told. */
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
 * Takes `entry` into `inventory`: each value with the later of two times stays; what one side does not know, the other one
 * does. A time after `now` comes from a clock that was wrong, and yields to any other one.
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

/** To compare times by: none is before all, one in the future hardly better. */
function age(at: number | null, now: number): number {
  return at === null ? Number.NEGATIVE_INFINITY : at > now ? Number.MIN_SAFE_INTEGER : at;
}

/** Notes that the package with this product code was verified on a device of this model. */
export function learnProduct(inventory: Inventory, code: string, learned: LearnedProduct): void {
  const old = inventory.products.get(code);
  if (old && old.at > learned.at) return;
  inventory.products.set(code, learned);
}

/** Drops what is too old or, beyond the most that is kept, oldest. `now`: milliseconds since 1970. */
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

/** What an upgrade is to bring: a device of a plan will do. */
interface Wanted {
  sn: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
}

/** Whether a device has what an upgrade is to bring, with when that was heard (milliseconds since 1970). */
export interface NotedState {
  atTarget: boolean;
  heard_at: number;
  source: KnownVersion['source'];
}

/**
 * What was noted last of whether `wanted` would bring nothing (PROTOCOL "ota_create"): of a normal upgrade the version, of a
 * consistency upgrade `compatible_status`, of a PSDK upgrade the releases of the payloads; null where that is not known, or
 * older than `maxAge` ms.
 */
export function notedState(
  inventory: Inventory,
  wanted: Wanted,
  known: NotedVersion | null,
  now: number,
  maxAge: number,
): NotedState | null {
  const { sn, product_version: target, firmware_upgrade_type: type } = wanted;
  if (type === 3) {
    const noted = notedVersion(inventory, sn, known, now, maxAge);
    return noted && { ...noted, atTarget: isProof(3, noted.version, target) === true };
  }
  const entry = inventory.devices.get(sn);
  const told = entry?.[PROVEN_BY[type]] ?? null;
  const at = (type === 2 ? entry?.compatible_at : entry?.psdk_at) ?? null;
  const atTarget = told === null ? null : isProof(type, String(told), target);
  if (atTarget === null || at === null || at > now || now - at > maxAge) return null;
  return { atTarget, heard_at: at, source: 'inventory' };
}
