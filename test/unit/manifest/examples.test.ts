import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readManifest } from '../../../src/manifest/read.js';
import { modelClaims } from '../../../src/protocol/products.js';
import { sameVersion } from '../../../src/protocol/versions.js';
import { proofOf } from '../../helpers/firmware-proof.js';
import { NO_DEFAULTS } from '../../helpers/manifest.js';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));
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

    const report = await proofOf(bytes, 'directory');
    expect(report).toMatchObject({ verdict: 'proven', content: 'zip' });
    expect(report.modules).toHaveLength(4);
    expect(sameVersion(report.version ?? '', device.product_version)).toBe(true);
    // Invented: not a real product code, and no other model than that of the file name.
    expect(modelClaims({ product: report.product, file_name: '' })).toEqual([]);
    expect(modelClaims({ product: null, file_name: device.file_name ?? '' })).toHaveLength(1);
  }
  expect(devices.some(({ file_size }) => file_size !== null)).toBe(true);
});
