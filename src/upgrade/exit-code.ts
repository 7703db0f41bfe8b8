import { isBad } from './core.js';
import type { DeviceOutcome } from './events.js';

/** What decides the exit code of a run besides its devices. */
export interface RunEnd {
  /** 130 for SIGINT, 143 for SIGTERM; null = not interrupted. */
  interrupted: 130 | 143 | null;
  /** Stopped by `--max-failures` or by a wave that did not end well. */
  stopped: boolean;
  /** The broker was lost for good, or refused a message. */
  brokerLost: boolean;
  verify: 'off' | 'report' | 'require';
}

/** The exit code of a run that got as far as its devices (CONTRACT "Exit codes": 130/143, then 6, 4, 1, 5, 0). */
export function exitCodeOf(devices: readonly DeviceOutcome[], end: RunEnd): number {
  if (end.interrupted !== null) return end.interrupted;
  if (end.stopped) return 6;
  if (end.brokerLost) return 4;
  if (devices.some((device) => isBad(device, end.verify))) return 1;
  if (devices.some((device) => device.status === 'unknown' || device.status === 'not_started')) return 5;
  return 0;
}
