import type { FirmwareFacts } from '../../firmware/prepare.js';
import type { ManifestDevice } from '../../manifest/model.js';
import { spelledBy } from '../../protocol/versions.js';
import type { PlannedDevice, PlannedFile } from './plan.js';

/**
 * Combines the manifest's devices with the facts of their firmware. The version gets the package's own spelling. A file without
 * a URL will be served by this program.
 */
export function plannedDevices(
  devices: readonly ManifestDevice[],
  facts: ReadonlyMap<string, FirmwareFacts>,
): PlannedDevice[] {
  // Most devices of a fleet share one file from one URL: keep one object for all of them.
  let last: { known: FirmwareFacts; file: PlannedFile } | undefined;
  const fileOf = (known: FirmwareFacts, file_url: string | null) => {
    if (last?.known !== known || last.file.file_url !== file_url) {
      const { md5, file_size, file_name } = known;
      const facts = { md5, file_size, file_name };
      last = { known, file: file_url === null ? { file_url, ...facts, why: 'to be served' } : { file_url, ...facts } };
    }
    return last.file;
  };
  return devices.map(({ sn, pid, product_version, firmware_upgrade_type, file_url, labels }) => {
    const known = facts.get(sn);
    const file = known ? fileOf(known, file_url) : null;
    const spelled = spelledBy(known?.package?.version, product_version);
    const planned = { sn, pid, product_version: spelled, firmware_upgrade_type, file };
    return Object.keys(labels).length === 0 ? planned : { ...planned, labels };
  });
}
