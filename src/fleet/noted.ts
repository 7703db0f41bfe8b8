/** What the inventory and a manifest noted of a device, for as long as it may be used. Pure. */
import { isProof, PROVEN_BY, type UpgradeType } from '../protocol/upgrade-types.js';
import type { Inventory } from './inventory.js';

/** A version, when it was heard (milliseconds since 1970), and its source. */
export interface KnownVersion {
  version: string;
  heard_at: number;
  source: 'live' | 'manifest' | 'inventory';
}

/** What `init` wrote about a device in its manifest. */
export interface NotedVersion {
  version: string | null;
  /** Milliseconds since 1970. */
  heard_at: number | null;
}

/**
 * How old a version may be to skip a device, in milliseconds. For plans, warnings and the downgrade guard: {@link INFORMS_FOR}.
 */
export const DECIDES_FOR = 24 * 3_600_000;
/** How old a version may be to inform plans, warnings and the downgrade guard, in milliseconds. */
export const INFORMS_FOR = 30 * 24 * 3_600_000;

/**
 * The last known version of `sn`, from the manifest's `known` or the inventory; null = older than `maxAge` ms, or not known.
 */
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
  // A time in the future comes from a wrong clock, so the age of the report is not known.
  const fresh = found.filter(({ heard_at }) => heard_at <= now && now - heard_at <= maxAge);
  return fresh.sort((a, b) => b.heard_at - a.heard_at)[0] ?? null;
}

/** What an upgrade should achieve: a device of a plan has these keys. */
interface Wanted {
  sn: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
}

/** Whether a device has what an upgrade would bring, and when that was heard (milliseconds since 1970). */
export interface NotedState {
  atTarget: boolean;
  heard_at: number;
  source: KnownVersion['source'];
}

/**
 * Whether `wanted` would change nothing by the last known report (PROTOCOL "ota_create"): for a normal upgrade the version, for
 * a consistency upgrade `compatible_status`, for a PSDK upgrade the payloads' versions; null = not known, or older than
 * `maxAge` ms.
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
