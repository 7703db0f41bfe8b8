/** Firmware as a step of push: read, checked, and put beside each device. */
import { systemClock } from '../clock.js';
import { prepareFirmware } from '../firmware/prepare.js';
import type { ManifestDevice } from '../manifest/model.js';
import { digestCacheFile } from '../settings/state-folders.js';
import type { PlannedDevice } from '../upgrade/plan.js';
import { plannedDevices } from '../upgrade/planned-devices.js';
import type { Io } from './io.js';
import type { RunOutput } from './run-output.js';

/**
 * Reads each firmware file once. `file_url` is empty where the file is still to be served.
 * @throws OtaError `firmware_unreadable`, `firmware_mismatch`
 */
export async function prepareDevices(
  devices: readonly ManifestDevice[],
  flags: { cache?: false | undefined; trustManifest?: true | undefined; allowVersionMismatch?: true | undefined },
  timeout: number | null,
  way: { simulated: boolean; firmwareCa?: Buffer | undefined },
  io: Io,
  output: RunOutput,
  signal: AbortSignal,
): Promise<PlannedDevice[]> {
  const facts = await prepareFirmware(devices, {
    cacheFile: flags.cache === false ? null : digestCacheFile(io.env),
    trustManifest: flags.trustManifest ?? false,
    allowVersionMismatch: flags.allowVersionMismatch ?? false,
    // Simulated docks download nothing.
    probeUrls: !way.simulated,
    expectedEnd: timeout === null ? null : systemClock.wall() + timeout,
    ca: way.firmwareCa,
    signal,
    clock: systemClock,
    env: io.env,
    onReading: (files) => output.renderer.reading(files),
    onReady: (ready) => output.emit({ event: 'firmware_ready', ...ready }),
    onWarning: output.warn,
  });
  return plannedDevices(devices, facts);
}

/** `--ca`, where no connection needs it. @throws OtaError `usage` */
export async function readFirmwareCa(
  flags: { ca?: string | undefined },
  warn: (code: string, message: string) => void,
): Promise<Buffer | undefined> {
  if (flags.ca === undefined) return undefined;
  const { readPem, readSmallFile } = await import('../settings/connection/credential-files.js');
  return readPem('ca', { value: flags.ca, source: '--ca', level: 'option' }, readSmallFile, warn);
}
