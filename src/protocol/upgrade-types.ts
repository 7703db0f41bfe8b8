import { sameVersion } from './versions.js';

/** `firmware_upgrade_type`: 2 and 3 from the seed, 4 from DJI's documentation v1.15 (Dock 3 only). */
export type UpgradeType = 2 | 3 | 4;

/** The names of the upgrade types. */
export const UPGRADE_TYPES: Readonly<Record<UpgradeType, string>> = { 2: 'consistency', 3: 'normal', 4: 'psdk' };
/** The type of devices for which none is given (PROTOCOL "ota_create"). */
export const DEFAULT_UPGRADE_TYPE: UpgradeType = 3;

/** The type for a name or number; null = neither. */
export function upgradeTypeOf(value: string | number): UpgradeType | null {
  const text = String(value).trim().toLowerCase();
  for (const [number, name] of Object.entries(UPGRADE_TYPES)) {
    if (text === number || text === name) return Number(number) as UpgradeType;
  }
  return null;
}

/** Name and number together. DJI's demo swaps the names of 2 and 3, so a name or number alone would be ambiguous. */
export function showUpgradeType(type: UpgradeType): string {
  return `${UPGRADE_TYPES[type]} (${type})`;
}

/** The property that shows whether an upgrade of a type has succeeded (PROTOCOL "ota_create"). */
export const PROVEN_BY = { 2: 'compatible_status', 3: 'firmware_version', 4: 'psdk_version' } as const satisfies Record<
  UpgradeType,
  string
>;

/**
 * Whether a device that reports `told` for {@link PROVEN_BY} has what an upgrade of this type to `target` brings: for a
 * consistency upgrade `compatible_status` 0, because the version does not change; for a PSDK upgrade the payload's version.
 * Null: some of several payloads (joined by `, `) have it, and it is not known which one the upgrade concerns.
 */
export function isProof(type: UpgradeType, told: string, target: string): boolean | null {
  if (type === 2) return told === '0';
  if (type === 3) return sameVersion(told, target);
  const same = told.split(', ').map((release) => sameVersion(release, target));
  return same.every(Boolean) ? true : same.some(Boolean) ? null : false;
}
