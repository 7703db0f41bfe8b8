import type { ManifestDevice } from '../manifest/model.js';
import type { FirmwareSource } from './read/source.js';

/** A file, and the devices that name it, in the manifest's order. */
export interface FirmwareGroup {
  source: FirmwareSource;
  devices: ManifestDevice[];
}

/** The files of `devices`, each once; devices without one are in none. */
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
      // Devices that disagree are told of once the bytes are there.
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
