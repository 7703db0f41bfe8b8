import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import yazl from 'yazl';
import type { Clock } from '../../src/clock.js';
import {
  type FirmwareFacts,
  type FirmwareReady,
  type PrepareOptions,
  prepareFirmware,
} from '../../src/firmware/prepare.js';
import type { Reading } from '../../src/firmware/read/progress.js';
import type { ManifestDevice } from '../../src/manifest/model.js';
import { manifestDevice } from './manifest.js';

/** A temporary folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dji-ota-firmware-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The real time, but every wait ends at once. `waits` are the requested milliseconds. */
export function hastyClock(ahead = 0): Clock & { waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => performance.now(),
    wall: () => Date.now() + ahead,
    after(ms, run) {
      waits.push(ms);
      const pending = setImmediate(run);
      return () => clearImmediate(pending);
    },
  };
}

/** Random-looking bytes that are the same for one seed: a random block, numbered and repeated. */
export function bytesOf(length: number, seed = 1): Buffer {
  const next = seededRandom(seed);
  const block = Buffer.from(Uint32Array.from({ length: 4096 }, () => Math.floor(next() * 2 ** 32)).buffer);
  const bytes = Buffer.alloc(length, block);
  for (let at = 0; at + 4 <= length; at += block.length) bytes.writeUInt32LE(at, at);
  return bytes;
}

/** Numbers from 0 to 1 that are the same for one seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

export const FACTS_NAME = 'wa345t_0000_v17.02.0501_20260529.pro.cfg.sig';

/** A ZIP of stored entries with these names, like firmware packages. */
export async function zipOf(
  names: readonly string[],
  options: { zip64?: boolean; filler?: number } = {},
): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  const entry = { compress: false, forceZip64Format: options.zip64 === true };
  if (options.filler) zip.addBuffer(bytesOf(options.filler, 7), 'wa345t_module.bin', entry);
  for (const name of names) zip.addBuffer(Buffer.from(`content of ${name}`), name, entry);
  zip.end({ forceZip64Format: options.zip64 === true, comment: '' });
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function device(change: Partial<ManifestDevice> = {}): ManifestDevice {
  const place = change.file ?? change.file_url ?? null;
  return {
    ...manifestDevice('DRONE1', 'DOCK1'),
    file_name: place === null ? null : (place.split('?')[0]?.split('/').pop() ?? null),
    ...change,
  };
}

export interface Prepared {
  facts: Map<string, FirmwareFacts> | null;
  error: { code: string; message: string; hint: string | undefined; details: readonly string[] } | null;
  ready: FirmwareReady[];
  warnings: [code: string, message: string][];
  readings: (readonly Reading[])[];
  /** All output of any kind, for the search for secrets. */
  said: string;
}

/** Runs the preparation and collects its results. Errors that are not the program's own are thrown. */
export async function prepare(devices: ManifestDevice[], options: Partial<PrepareOptions> = {}): Promise<Prepared> {
  const result: Prepared = { facts: null, error: null, ready: [], warnings: [], readings: [], said: '' };
  try {
    result.facts = await prepareFirmware(devices, {
      cacheFile: null,
      trustManifest: false,
      allow: new Set(),
      clock: hastyClock(),
      env: {},
      onReading: (files) => void result.readings.push(files),
      onReady: (ready) => void result.ready.push(ready),
      onWarning: (code, message) => void result.warnings.push([code, message]),
      ...options,
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'OtaError') throw error;
    result.error = error as unknown as NonNullable<Prepared['error']>;
  }
  const { code, message, hint, details } = result.error ?? {};
  result.said = JSON.stringify([result, code, message, hint, details, [...(result.facts?.values() ?? [])]]);
  return result;
}
