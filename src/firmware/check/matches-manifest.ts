import { safeText } from '../../text.js';
import { groupBy } from '../group-by.js';
import type { FirmwareGroup } from '../group-by-file.js';
import { showDevices, showSource } from '../shown-source.js';
import type { Problems } from './problems.js';

/** Compares size, MD5 and SHA-256 with the manifest, for each device. Returns whether all match. */
export function judgeBytes(
  group: FirmwareGroup,
  actual: { md5: string; file_size: number; sha256: string | null },
  found: Problems,
): boolean {
  const file = showSource(group.source);
  let sound = true;
  for (const key of ['file_size', 'md5', 'sha256'] as const) {
    for (const [value, devices] of groupBy(group.devices, (device) => device[key] ?? null)) {
      const expected = typeof value === 'string' ? value.toLowerCase() : value;
      if (expected === null || actual[key] === null || expected === actual[key]) continue;
      sound = false;
      const shown = safeText(String(value), 64);
      found.mismatch(`${file}: ${key} is ${actual[key]}, but the manifest says ${shown} for ${showDevices(devices)}`);
    }
  }
  return sound;
}
