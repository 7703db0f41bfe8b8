/** Names for numbers of the protocol (PROTOCOL "What the device says of itself"). */
import { showUpgradeType, type UpgradeType } from '../protocol/upgrade-types.js';

const DOCK_MODES: readonly string[] = [
  'idle',
  'on-site debugging',
  'remote debugging',
  'upgrading',
  'working',
  'waiting for calibration',
];

/** A dock's `mode_code` with name and number; an unknown one as a number. */
export function showDockMode(mode: number): string {
  const name = DOCK_MODES[mode];
  return name === undefined ? `unknown (${mode})` : `${name} (${mode})`;
}

/** `compatible_status`: whether the firmware of dock and aircraft is consistent; null = not reported. */
export function consistencyWord(status: number | null): 'consistent' | 'upgrade needed' | null {
  return status === null ? null : status === 0 ? 'consistent' : 'upgrade needed';
}

/** The target of an upgrade; with its type, if that is not a normal upgrade. */
export function showTarget(version: string, type: UpgradeType | null): string {
  return type === null || type === 3 ? version : `${version}, ${showUpgradeType(type)}`;
}
