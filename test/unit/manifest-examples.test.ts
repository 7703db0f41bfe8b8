import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { readManifest } from '../../src/manifest/read.js';
import { sameVersion } from '../../src/protocol/versions.js';
import { NO_DEFAULTS } from '../helpers/manifest.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const read = async (name: string) => (await readManifest(name, { ...NO_DEFAULTS, cwd: EXAMPLES })).devices;

test('the three examples are the same two docks with their aircraft', async () => {
  const json = await read('manifest.json');
  expect(json).toHaveLength(4);
  expect(new Set(json.map(({ pid }) => pid)).size).toBe(2);
  expect(json.filter(({ sn, pid }) => sn === pid)).toHaveLength(2);
  expect(await read('manifest.yaml')).toEqual(json);
  expect(await read('manifest.csv')).toEqual(json);
});

test('what the examples say of their packages is true', async () => {
  const devices = await read('manifest.json');
  for (const device of devices) {
    const bytes = await readFile(device.file as string);
    expect(createHash('md5').update(bytes).digest('hex')).toBe(device.md5);
    if (device.file_size !== null) expect(bytes.length).toBe(device.file_size);
    expect(basename(device.file as string)).toBe(device.file_name);

    const entries = await entriesOf(bytes);
    expect(entries.every(({ compressionMethod }) => compressionMethod === 0)).toBe(true);
    const [config, ...others] = entries.map(({ fileName }) => fileName).filter((name) => name.endsWith('.cfg.sig'));
    expect(others).toEqual([]);
    expect(sameVersion(config?.split('_')[2]?.slice(1) ?? '', device.product_version)).toBe(true);
  }
  expect(devices.some(({ file_size }) => file_size !== null)).toBe(true);
});

async function entriesOf(bytes: Buffer): Promise<Entry[]> {
  const open = promisify<Buffer, ZipFile>(fromBuffer);
  const zip = await open(bytes);
  const entries: Entry[] = [];
  await new Promise((resolve, reject) => {
    zip
      .on('entry', (entry: Entry) => entries.push(entry))
      .on('end', resolve)
      .on('error', reject);
  });
  return entries;
}
