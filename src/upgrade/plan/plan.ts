/** Groups checked devices into the jobs that are published. No I/O. */
import type { Labels } from '../../manifest/model.js';
import type { OtaDevice, OtaFile } from '../../protocol/messages.js';

/** A firmware file with a URL from which the dock can download it. */
export interface OfferedFile extends OtaFile {
  /** `file_url` belongs to `--serve`, and is valid for this run only. */
  served?: true;
}

/**
 * A file without a URL. `to be served`: this program makes the URL when the run begins. `not kept`: the journal does not store
 * the URL, and the manifest no longer has this file. A job with such a file cannot be published.
 */
interface UnofferedFile extends Omit<OtaFile, 'file_url'> {
  file_url: null;
  why: 'to be served' | 'not kept';
}

/** The firmware file of a planned device, with or without a URL. */
export type PlannedFile = OfferedFile | UnofferedFile;

/** A device as it will be published. */
export interface PlannedDevice extends Omit<OtaDevice, 'file'> {
  pid: string;
  /** Null: the device is sent without file fields. */
  file: PlannedFile | null;
  /** Absent if it has none. */
  labels?: Labels | undefined;
}

/** `device` as it goes into `ota_create`. Throws if its file has no URL: the caller must check that first. */
export function otaDeviceOf(device: PlannedDevice): OtaDevice {
  if (device.file?.file_url === null)
    throw new Error(`the firmware of ${device.sn} has no URL: it is ${device.file.why}`);
  return device as OtaDevice;
}

/** A gateway and its jobs. */
export interface PlannedGateway {
  pid: string;
  /** The devices of each job, as indexes into {@link Plan.devices}, in the manifest's order. */
  jobs: number[][];
}

/** Everything that a run may publish. */
export interface Plan {
  /** In the manifest's order. */
  devices: PlannedDevice[];
  /** In the order in which the manifest first mentions them. */
  gateways: PlannedGateway[];
}

/** The most devices in one `ota_create`: a dock and its aircraft (seed, `"size": "2"`). */
const DEVICES_PER_JOB = 2;

/** Groups devices by gateway into jobs of at most two devices, in the manifest's order. */
export function makePlan(devices: readonly PlannedDevice[]): Plan {
  const gateways = new Map<string, PlannedGateway>();
  devices.forEach((device, index) => {
    const gateway = gateways.get(device.pid);
    if (!gateway) {
      // V8 over-allocates a pushed array (room for 17 items); a literal has exactly the size of its content.
      gateways.set(device.pid, { pid: device.pid, jobs: [[index]] });
      return;
    }
    const last = gateway.jobs.at(-1);
    if (last && last.length < DEVICES_PER_JOB) last.push(index);
    else gateway.jobs.push([index]);
  });
  return { devices: [...devices], gateways: [...gateways.values()] };
}
