/** From checked devices to the jobs that are published: pure. */
import type { Labels } from '../manifest/model.js';
import type { OtaDevice, OtaFile } from '../protocol/messages.js';

export interface PlannedFile extends OtaFile {
  /** `file_url` is one of `--serve`, and of this run alone. */
  served?: true;
}

export interface PlannedDevice extends OtaDevice {
  pid: string;
  file: PlannedFile | null;
  /** Absent where there are none. */
  labels?: Labels | undefined;
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
