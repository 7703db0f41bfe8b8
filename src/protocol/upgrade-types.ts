/** `firmware_upgrade_type`: 2 and 3 from the seed, 4 from DJI's documentation v1.15 (Dock 3 only). */
export type UpgradeType = 2 | 3 | 4;

export const UPGRADE_TYPES: Readonly<Record<UpgradeType, string>> = { 2: 'consistency', 3: 'normal', 4: 'psdk' };
export const DEFAULT_UPGRADE_TYPE: UpgradeType = 3;

/** The type that a user wrote as name or number, or null where it is neither. */
export function upgradeTypeOf(value: string | number): UpgradeType | null {
  const text = String(value).trim().toLowerCase();
  for (const [number, name] of Object.entries(UPGRADE_TYPES)) {
    if (text === number || text === name) return Number(number) as UpgradeType;
  }
  return null;
}

/** Name and number together: DJI's demo swaps the names of 2 and 3, so neither alone is safe to show. */
export function showUpgradeType(type: UpgradeType): string {
  return `${UPGRADE_TYPES[type]} (${type})`;
}
