import type { ManifestDevice } from '../manifest/model.js';
import type { FirmwareSource } from './read/source.js';

/** A file and the devices that use it, in the manifest's order. */
export interface FirmwareGroup {
  source: FirmwareSource;
  devices: ManifestDevice[];
}

/** Groups devices by file. Devices without a file are in no group. */
export function groupByFile(devices: readonly ManifestDevice[]): FirmwareGroup[] {
  const groups: FirmwareGroup[] = [];
  const byPlace = { file: new Map<string, FirmwareGroup>(), url: new Map<string, FirmwareGroup>() };
  for (const device of devices) {
    const location = device.file ?? device.file_url;
    if (location === null) continue;
    const kind = device.file === null ? 'url' : 'file';
    const known = byPlace[kind].get(location);
    if (known) {
      known.devices.push(device);
      // Contradicting sizes are reported when the bytes are known.
      if (device.file_size !== null) known.source.file_size = Math.max(device.file_size, known.source.file_size ?? 0);
      if (device.sha256) known.source.sha256 = true;
    } else {
      const { file_size, file_name, sha256 } = device;
      const source = { kind, location, file_name: file_name ?? '', file_size, sha256: Boolean(sha256) } as const;
      const group: FirmwareGroup = { source, devices: [device] };
      byPlace[kind].set(location, group);
      groups.push(group);
    }
  }
  return groups;
}
