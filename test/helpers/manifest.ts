import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { OtaError } from '../../src/errors.js';
import type { ManifestDevice } from '../../src/manifest/model.js';
import { type ReadManifestOptions, readManifest } from '../../src/manifest/read.js';

export const NO_DEFAULTS: ReadManifestOptions = { defaultPids: [], defaultType: null };

/** A folder that exists while `use` runs. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'dji-ota-manifest-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The devices of a manifest file called `name` with this content. In the result, `folder` is replaced by `/`. */
export function readFileAs(
  name: string,
  contents: string | Uint8Array,
  options: Partial<ReadManifestOptions> = {},
): Promise<ManifestDevice[]> {
  return inFolder(async (folder) => {
    await writeFile(join(folder, name), contents);
    const { devices } = await readManifest(name, { ...NO_DEFAULTS, cwd: folder, ...options });
    return devices.map((device) => ({ ...device, file: device.file?.replace(folder, '') ?? null }));
  });
}

/** The devices of a manifest on standard input. */
export async function readText(text: string, options: Partial<ReadManifestOptions> = {}): Promise<ManifestDevice[]> {
  const stdin = () => Readable.from([text]);
  return (await readManifest('-', { ...NO_DEFAULTS, stdin, cwd: '/fleet', ...options })).devices;
}

/** The devices of entries as in JSON. */
export function readEntries(entries: unknown, options: Partial<ReadManifestOptions> = {}): Promise<ManifestDevice[]> {
  return readText(JSON.stringify(entries), options);
}

/** The error with which `work` ends. Anything else fails the test. */
export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<OtaError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof OtaError) return error;
    throw error;
  }
  throw new Error('no error came');
}

/** A checked device, for code that comes after reading. */
export function manifestDevice(sn: string, pid: string, index = 0): ManifestDevice {
  return {
    index,
    sn,
    pid,
    product_version: '17.02.05.01',
    firmware_upgrade_type: 3,
    file_url: null,
    file: null,
    md5: null,
    sha256: null,
    file_size: null,
    file_name: null,
    labels: {},
    known: null,
  };
}
