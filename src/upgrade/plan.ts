/** From checked devices to the jobs that are published: pure. */
import type { Labels } from '../manifest/model.js';
import type { OtaDevice, OtaFile } from '../protocol/messages.js';

/** A file that its dock can download. */
export interface OfferedFile extends OtaFile {
  /** `file_url` is one of `--serve`, and of this run alone. */
  served?: true;
}

/**
 * A file whose URL is not there: it is `to be served` by this program, which makes the URL when the run begins; or it was
 * `not kept` in the journal, and the manifest has it no more. A job with such a file cannot be published.
 */
interface UnofferedFile extends Omit<OtaFile, 'file_url'> {
  file_url: null;
  why: 'to be served' | 'not kept';
}

export type PlannedFile = OfferedFile | UnofferedFile;

export interface PlannedDevice extends Omit<OtaDevice, 'file'> {
  pid: string;
  /** Null: it is sent without file fields. */
  file: PlannedFile | null;
  /** Absent where there are none. */
  labels?: Labels | undefined;
}

/** `device` as it is published. Throws where its file has no URL: whoever publishes has looked. */
export function otaDeviceOf(device: PlannedDevice): OtaDevice {
  if (device.file?.file_url === null)
    throw new Error(`the firmware of ${device.sn} has no URL: it is ${device.file.why}`);
  return device as OtaDevice;
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
const DEVICES_PER_JOB = 2;

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
