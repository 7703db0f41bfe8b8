/** Firmware as a step of push: reads and checks it, and combines it with each device. */
import { prepareFirmware } from '../firmware/prepare.js';
import type { ManifestDevice } from '../manifest/model.js';
import type { KnownProducts } from '../protocol/products.js';
import type { Risk } from '../risks.js';
import type { PlannedDevice } from '../upgrade/plan/plan.js';
import { plannedDevices } from '../upgrade/plan/planned-devices.js';
import type { Context } from './context.js';

/** How firmware files are read and judged. */
export interface FirmwareSettings {
  /** File for the digests that are already known; default: none. */
  cacheFile?: string | null | undefined;
  /** Do not read a file for which the manifest has both `md5` and `file_size`. */
  trustManifest?: boolean | undefined;
  /** The most bytes to download of a file whose size is not known; default 8 GB. */
  maxSize?: number | undefined;
  /** PEM of further authorities for https. */
  ca?: Buffer | undefined;
  /** Product codes that are known in addition to the public ones. */
  products?: KnownProducts | undefined;
  /** Send a request to each `file_url`, as a dock would; default true. */
  probeUrls?: boolean | undefined;
}

/**
 * Reads each firmware file once. `file_url` is empty if the file is still to be served. `duration`: how long the docks may need
 * their URLs, in milliseconds. `codes` receives the product code of each device's package, by serial number.
 * @throws OtaError `firmware_unreadable`, `firmware_broken`, `firmware_mismatch`
 */
export async function prepareDevices(
  devices: readonly ManifestDevice[],
  { firmware = {}, allow = [] }: { firmware?: FirmwareSettings | undefined; allow?: readonly Risk[] | undefined },
  duration: number,
  { clock, env, emit, warn, reading, signal }: Context,
  codes?: Map<string, string>,
): Promise<PlannedDevice[]> {
  const { cacheFile = null, trustManifest = false, maxSize, ca, products, probeUrls } = firmware;
  const facts = await prepareFirmware(devices, {
    cacheFile,
    trustManifest,
    allow: new Set(allow),
    maxSize,
    ...(products ? { products } : {}),
    probeUrls,
    expectedEnd: clock.wall() + duration,
    ca,
    signal,
    clock,
    env,
    onReading: (files) => reading?.(files),
    onReady: (ready) => emit({ event: 'firmware_ready', ...ready }),
    onWarning: warn,
  });
  for (const [sn, { package: inside }] of facts) if (inside?.product) codes?.set(sn, inside.product);
  return plannedDevices(devices, facts);
}

/** Reads the file of `--ca` for a command that does not connect to a broker. @throws OtaError `usage` */
export async function readFirmwareCa(ca: string | undefined): Promise<Buffer | undefined> {
  if (ca === undefined) return undefined;
  const { readAuthorities } = await import('../settings/connection/credential-files.js');
  return readAuthorities({ value: ca, source: '--ca', level: 'option' });
}
