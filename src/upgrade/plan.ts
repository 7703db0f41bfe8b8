/** From checked devices to the jobs that are published: pure. */
import { type OtaDevice, otaCreate, type RequestIds } from '../protocol/messages.js';
import type { UpgradeType } from '../protocol/upgrade-types.js';

/** What a dock needs to download a package; sent as it stands. */
export interface PlannedFile {
  file_url: string;
  /** Lower-case hex, of the whole file. */
  md5: string;
  /** Bytes. */
  file_size: number;
  file_name: string;
}

export interface PlannedDevice {
  sn: string;
  pid: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
  /** Null for a device that is sent without file fields. */
  file: PlannedFile | null;
}

export interface PlannedGateway {
  pid: string;
  /** Each job's devices, as indexes into {@link Plan.devices}, in the manifest's order. */
  jobs: number[][];
}

export interface Plan {
  /** In the manifest's order. */
  devices: PlannedDevice[];
  /** In the order in which the manifest first names them. */
  gateways: PlannedGateway[];
}

/** The most devices that one `ota_create` holds: a dock and its aircraft (seed, `"size": "2"`). */
export const DEVICES_PER_JOB = 2;

/** Groups devices by gateway into jobs of at most two, in the manifest's order. */
export function makePlan(devices: readonly PlannedDevice[]): Plan {
  const gateways = new Map<string, PlannedGateway>();
  devices.forEach((device, index) => {
    const gateway = gateways.get(device.pid);
    if (!gateway) {
      // As a literal, a list takes the room of what is in it; one that is pushed to takes that of seventeen.
      gateways.set(device.pid, { pid: device.pid, jobs: [[index]] });
      return;
    }
    const last = gateway.jobs.at(-1);
    if (last && last.length < DEVICES_PER_JOB) last.push(index);
    else gateway.jobs.push([index]);
  });
  return { devices: [...devices], gateways: [...gateways.values()] };
}

/** The request for one job. */
export function jobRequest(ids: RequestIds, devices: readonly PlannedDevice[]): string {
  return otaCreate(ids, devices.map(wireDevice));
}

/** One element of `data.devices`. */
export function wireDevice(device: PlannedDevice): OtaDevice {
  const { sn, product_version, firmware_upgrade_type, file } = device;
  if (file === null) return { sn, product_version, firmware_upgrade_type };
  const { file_url, md5, file_size, file_name } = file;
  return { sn, product_version, file_url, md5, file_size, file_name, firmware_upgrade_type };
}
