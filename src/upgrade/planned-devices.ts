import type { FirmwareFacts } from '../firmware/prepare.js';
import type { ManifestDevice } from '../manifest/model.js';
import { spelledBy } from '../protocol/versions.js';
import type { PlannedDevice, PlannedFile } from './plan.js';

/**
 * The manifest's devices with what is known of their firmware, as they are to be published: with the version as the package
 * spells it. A file without a URL is to be served.
 */
export function plannedDevices(
  devices: readonly ManifestDevice[],
  facts: ReadonlyMap<string, FirmwareFacts>,
): PlannedDevice[] {
  // Most of a fleet gets one file from one place: kept once.
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
