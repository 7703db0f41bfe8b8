/** The protocol's numbers in words (PROTOCOL "What the device says of itself"). */
import { showUpgradeType, type UpgradeType } from '../protocol/upgrade-types.js';

const DOCK_MODES: readonly string[] = [
  'idle',
  'on-site debugging',
  'remote debugging',
  'upgrading',
  'working',
  'waiting for calibration',
];

/** A dock's `mode_code`, name and number together; an unknown one by its number. */
export function showDockMode(mode: number): string {
  const name = DOCK_MODES[mode];
  return name === undefined ? `unknown (${mode})` : `${name} (${mode})`;
}

/** `compatible_status`: whether dock and aircraft firmware fit together; null where it was not reported. */
export function consistencyWord(status: number | null): 'consistent' | 'upgrade needed' | null {
  return status === null ? null : status === 0 ? 'consistent' : 'upgrade needed';
}

/** What a device is to get; of a type that brings something else than a version, which one that is. */
export function showTarget(version: string, type: UpgradeType | null): string {
  return type === null || type === 3 ? version : `${version}, ${showUpgradeType(type)}`;
}
