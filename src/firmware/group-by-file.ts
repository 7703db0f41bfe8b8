import type { ManifestDevice } from '../manifest/model.js';
import type { FirmwareSource } from './read/read-firmware.js';

/** A file, and the devices that name it, in the manifest's order. */
export interface Group {
  source: FirmwareSource;
  devices: ManifestDevice[];
}

/** The files of `devices`, each once; devices without one are in none. */
export function groupByFile(devices: readonly ManifestDevice[]): Group[] {
  const groups: Group[] = [];
  const byPlace = { file: new Map<string, Group>(), url: new Map<string, Group>() };
  for (const device of devices) {
    const location = device.file ?? device.file_url;
    if (location === null) continue;
    const kind = device.file === null ? 'url' : 'file';
    const known = byPlace[kind].get(location);
    if (known) {
      known.devices.push(device);
      // Devices that disagree are told of once the bytes are there.
      if (device.file_size !== null) known.source.file_size = Math.max(device.file_size, known.source.file_size ?? 0);
    } else {
      const { file_size, file_name } = device;
      const group: Group = { source: { kind, location, file_name: file_name ?? '', file_size }, devices: [device] };
      byPlace[kind].set(location, group);
      groups.push(group);
    }
  }
  return groups;
}

/** The devices by the value of `key`, in the order in which the values come first. */
export function groupBy<K>(
  devices: readonly ManifestDevice[],
  key: (device: ManifestDevice) => K,
): Map<K, ManifestDevice[]> {
  const groups = new Map<K, ManifestDevice[]>();
  for (const device of devices) {
    const group = groups.get(key(device));
    if (group) group.push(device);
    else groups.set(key(device), [device]);
  }
  return groups;
}
