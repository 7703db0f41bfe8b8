/** Groups failures by cause, because hundreds of devices fail for a few reasons. */
import { resultCode } from '../protocol/result-codes.js';
import { type Counted, countedAs } from '../upgrade/counting.js';
import { type Ended, needsLook, reasons } from './device-states.js';

/** Devices that ended for the same reason. */
export interface Cause<Device> {
  /** The result code of the devices; null = none. */
  code: number | null;
  counted: Counted;
  meaning: string;
  advice: string | null;
  devices: Device[];
}

// Reasons without a code contain times and versions. A few examples are better than a hundred groups.
const MOST_CAUSES = 40;

/** The cause of a device that needs attention, and a key for it. The devices of a report have their advice already. */
export function causeOf(
  device: Ended & { advice?: string | null },
  simulated = false,
): Omit<Cause<never>, 'devices'> & { key: string } {
  const counted = countedAs(device);
  const code = device.result || null;
  const { why, advice } = reasons(device, simulated);
  const meaning = code === null ? (why ?? counted) : resultCode(code).meaning;
  return {
    key: `${counted} ${code ?? device.reason ?? ''}`,
    code,
    counted,
    meaning,
    advice: device.advice === undefined ? advice : device.advice,
  };
}

/** The causes of `devices` that need attention: by code, or by end and reason if there is no code; the most frequent first. */
export function causesOf<Device extends Ended>(devices: Iterable<Device>, simulated = false): Cause<Device>[] {
  const causes = new Map<string, Cause<Device>>();
  for (const device of devices) {
    if (!needsLook(device)) continue;
    const { key: own, ...cause } = causeOf(device, simulated);
    const other = !causes.has(own) && causes.size >= MOST_CAUSES;
    const key = other ? 'other' : own;
    const known = causes.get(key);
    if (known) known.devices.push(device);
    else causes.set(key, { ...cause, ...(other ? OTHERS : {}), devices: [device] });
  }
  return [...causes.values()].sort((a, b) => b.devices.length - a.devices.length);
}

const OTHERS = { code: null, meaning: 'other reasons', advice: null };
