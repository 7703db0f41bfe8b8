import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { provenModules } from '../../src/firmware/package/report.js';
import { cases, damage, patience } from '../helpers/damage.js';
import { configurationOf, djiPackage, MODULES, xmlOf, type ZipEntry } from '../helpers/firmware-package.js';
import { proofOf } from '../helpers/firmware-proof.js';

const modules = MODULES.map((module, index) => ({
  ...module,
  data: module.data.subarray(0, 50 + index),
  // One module by its name, the others by id, version and size.
  ...(index === 0 ? {} : { text: null }),
}));
const XML = xmlOf(modules);
const each = (change: Partial<ZipEntry>) => (all: ZipEntry[]) => all.map((entry) => ({ ...entry, ...change }));
const WHOLE = [
  djiPackage({ modules }),
  djiPackage({ modules, entries: each({ packed: true }) }),
  djiPackage({ modules, entries: each({ zip64: true }) }),
  djiPackage({ modules, entries: each({ descriptor: true }) }),
];

/** The result of an independent reader: the MD5 of each entry by its name. */
async function md5ByName(bytes: Buffer): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  const zip = await fromBufferPromise(bytes);
  for await (const entry of zip.eachEntry()) {
    const data = await buffer(await zip.openReadStreamPromise(entry));
    sums.set(entry.fileName, createHash('md5').update(data).digest('hex'));
  }
  return sums;
}

/** For any bytes: no exception, texts that can be shown, and `proven` is true. */
async function check(bytes: Buffer): Promise<void> {
  const ways = [await proofOf(bytes, 'directory', 97), await proofOf(bytes, 'passing', 131)];
  for (const report of ways) {
    expect(report.reasons.length === 0).toBe(report.verdict === 'proven');
    expect(report.reasons.length).toBeLessThan(12);
    for (const reason of report.reasons) expect(reason).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    if (report.verdict !== 'proven') continue;
    const sums = await md5ByName(bytes);
    expect(report.modules.length).toBeGreaterThan(0);
    expect(provenModules(report)).toEqual({ proven: report.modules.length, total: report.modules.length });
    for (const module of report.modules) expect(sums.get(module.entry ?? '')).toBe(module.md5);
  }
  // The same bytes must not be proven in one way of reading, and broken in the other.
  expect(new Set(ways.map(({ verdict }) => verdict))).not.toEqual(new Set(['proven', 'broken']));
}

test('packages that nobody damaged are proven, in pieces of any size', async () => {
  for (const bytes of WHOLE.slice(0, 3)) {
    for (const pieces of [1, 2, 29, 30, 31, 64, 4096]) {
      expect((await proofOf(bytes, 'directory', pieces)).reasons).toEqual([]);
      expect((await proofOf(bytes, 'passing', pieces)).reasons).toEqual([]);
    }
  }
});

test(
  'a damaged package is never proven wrongly, and harms nobody',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...WHOLE), damage, (whole, change) => check(change(whole))),
      cases(0.1),
    );
  },
  patience(0.1),
);

test(
  'a damaged configuration, in a ZIP that is sound',
  async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (change) => {
        const configuration = configurationOf(change(Buffer.from(XML)).toString('latin1'));
        await check(djiPackage({ modules, configuration }));
      }),
      cases(0.04),
    );
  },
  patience(0.04),
);
