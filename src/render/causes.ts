/** What went wrong, grouped by cause: hundreds of devices fail for a few reasons. */
import { resultCode } from '../protocol/result-codes.js';
import { type Counted, countedAs } from '../upgrade/counting.js';
import { type Ended, needsLook, reasons } from './device-states.js';

/** Devices that ended alike. */
export interface Cause<Device> {
  /** Result code of the devices; null where they gave none. */
  code: number | null;
  counted: Counted;
  meaning: string;
  advice: string | null;
  devices: Device[];
}

// Reasons name times and versions: without a code, a few examples say more than a hundred groups.
const MOST_CAUSES = 40;

const WITHOUT_WORDS: Readonly<Partial<Record<Counted, string>>> = {
  failed: 'failed, and gave no code',
  rejected: 'refused, and gave no code',
  canceled: 'canceled or stopped on the device',
  timeout: 'timed out on the device',
  unknown: 'what became of it is not known',
};

/** Those of `devices` that somebody has to look at: by code, or by end and reason where there is none; the most first. */
export function causesOf<Device extends Ended>(devices: Iterable<Device>): Cause<Device>[] {
  const causes = new Map<string, Cause<Device>>();
  for (const device of devices) {
    if (!needsLook(device)) continue;
    const counted = countedAs(device);
    const code = device.result || null;
    let key = `${counted} ${code ?? device.reason ?? ''}`;
    const other = !causes.has(key) && causes.size >= MOST_CAUSES;
    if (other) key = 'other';
    const cause = causes.get(key);
    if (cause) cause.devices.push(device);
    else {
      const { why, advice } = reasons(device);
      const meaning = code === null ? (why ?? WITHOUT_WORDS[counted] ?? counted) : resultCode(code).meaning;
      causes.set(key, {
        code: other ? null : code,
        counted,
        meaning: other ? 'other reasons' : meaning,
        advice: other ? null : advice,
        devices: [device],
      });
    }
  }
  return [...causes.values()].sort((a, b) => b.devices.length - a.devices.length);
}
