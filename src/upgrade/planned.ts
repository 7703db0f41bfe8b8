import type { FirmwareFacts } from '../firmware/prepare.js';
import type { ManifestDevice } from '../manifest/model.js';
import type { PlannedDevice } from './plan.js';

/**
 * The manifest's devices with what is known of their firmware, as they are to be published. `file_url` is empty where the
 * file is still to be served.
 */
export function plannedDevices(
  devices: readonly ManifestDevice[],
  facts: ReadonlyMap<string, FirmwareFacts>,
): PlannedDevice[] {
  return devices.map(({ sn, pid, product_version, firmware_upgrade_type, file_url }) => {
    const known = facts.get(sn);
    const file = known
      ? { file_url: file_url ?? '', md5: known.md5, file_size: known.file_size, file_name: known.file_name }
      : null;
    return { sn, pid, product_version, firmware_upgrade_type, file };
  });
}
