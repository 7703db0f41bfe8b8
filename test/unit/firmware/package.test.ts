import { describe, expect, it, test } from 'vitest';
import type { ByteSource } from '../../../src/firmware/package/byte-source.js';
import { readDirectory, SourceFailure } from '../../../src/firmware/package/central-directory.js';
import { parseFactsName, parseModuleName } from '../../../src/firmware/package/entry-name.js';
import { lookInside, type PackageLook } from '../../../src/firmware/package/look.js';
import { NO_FACTS } from '../../../src/firmware/package/report.js';
import { djiPackage, type ZipEntry } from '../../helpers/firmware-package.js';
import { memorySource } from '../../helpers/firmware-proof.js';
import { bytesOf, FACTS_NAME, zipOf } from '../../helpers/firmware-tools.js';

const look = (bytes: Buffer): Promise<PackageLook> => lookInside(memorySource(bytes));
const problemOf = ({ directory, problem }: PackageLook) => directory.problems[0] ?? problem;
const RELEASE = { product: 'wa345t', version: '17.02.0501', release_date: '2026-05-29' };

describe('lookInside', () => {
  it('gives version, release date and entries', async () => {
    const contents = await look(await zipOf(['a.bin', FACTS_NAME, 'folder/b.bin']));
    expect(contents).toMatchObject({ facts: RELEASE });
    expect(contents.directory.entries.map((entry) => entry.name)).toEqual(['a.bin', FACTS_NAME, 'folder/b.bin']);
    expect(contents.directory.entries[0]?.size).toBe('content of a.bin'.length);
  });

  it('reads the end of a large file, and no more', async () => {
    const zip = await zipOf([FACTS_NAME], { filler: 3_000_000 });
    const source = memorySource(zip);
    expect((await lookInside(source)).facts).toMatchObject(RELEASE);
    for (const [position] of source.reads) expect(position).toBeGreaterThan(zip.length - 100_000);
    expect(source.reads.length).toBeLessThanOrEqual(2);
  });

  it('reads ZIP64', async () => {
    const contents = await look(await zipOf([FACTS_NAME, 'a.bin'], { zip64: true }));
    expect(contents).toMatchObject({ facts: RELEASE });
  });

  it('does not count an entry in a folder', async () => {
    expect(problemOf(await look(await zipOf([`folder/${FACTS_NAME}`])))).toMatch(/not a DJI package.*no \*\.cfg\.sig/);
    const both = await look(await zipOf([`folder/x_0000_v1.2.3_20200101.cfg.sig`, FACTS_NAME]));
    expect(both).toMatchObject({ facts: RELEASE });
  });

  it('says that there is no entry, or more than one', async () => {
    expect(problemOf(await look(await zipOf(['a.bin'])))).toMatch(/no \*\.cfg\.sig entry/);
    expect(problemOf(await look(await zipOf([])))).toMatch(/no \*\.cfg\.sig entry/);
    const two = problemOf(await look(await zipOf([FACTS_NAME, 'b_0_v1.2_20200101.cfg.sig'])));
    expect(two).toContain('2 *.cfg.sig entries');
    expect(two).toContain('b_0_v1.2_20200101.cfg.sig');
  });

  it('takes version and product from the configuration if the name has none, but no date', async () => {
    const odd = 'wa345t_0000_v17.02.0501_20260230.pro.cfg.sig';
    expect((await look(await zipOf([odd]))).facts).toEqual(NO_FACTS);
    const entries = (all: ZipEntry[]) => all.map((one) => (one.name === FACTS_NAME ? { ...one, name: odd } : one));
    const { facts } = await look(djiPackage({ entries }));
    expect(facts).toMatchObject({ product: 'wa345t', version: '17.02.0501', release_date: null });
  });

  it('says that a file is cut off, or no ZIP at all', async () => {
    const zip = await zipOf([FACTS_NAME], { filler: 200_000 });
    expect(problemOf(await look(zip.subarray(0, zip.length - 30)))).toBe('is a ZIP file that is cut off');
    expect(problemOf(await look(zip.subarray(0, 1000)))).toBe('is a ZIP file that is cut off');
    expect(problemOf(await look(bytesOf(100_000)))).toBe('is not a ZIP file');
    expect(problemOf(await look(Buffer.from('tiny')))).toBe('is not a ZIP file');
  });

  it('survives a file with a hole in its middle, whose directory points outside', async () => {
    const zip = await zipOf([FACTS_NAME], { filler: 200_000 });
    const holed = Buffer.concat([zip.subarray(0, 50_000), zip.subarray(150_000)]);
    expect(problemOf(await look(holed))).toMatch(/not a sound ZIP file/);
  });

  it('does not iterate billions of times because a file says so', async () => {
    const zip = await zipOf([FACTS_NAME], { zip64: true });
    const end = zip.indexOf(Buffer.from('PK\x06\x06', 'latin1'));
    zip.writeBigUInt64LE(4_000_000_000n, end + 24);
    zip.writeBigUInt64LE(4_000_000_000n, end + 32);
    expect(problemOf(await look(zip))).toBe('has 4000000000 entries, more than any DJI package has');
  });

  it('takes any damage to a ZIP for a problem of the file, and never throws', async () => {
    const zip = await zipOf([FACTS_NAME, 'a.bin'], { zip64: true });
    for (let at = 0; at < zip.length; at++) {
      const damaged = Buffer.from(zip);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      const contents = await look(damaged);
      expect(contents.directory.problems.every((problem) => problem.length > 0)).toBe(true);
    }
  });

  it('shows a hostile name without its control characters', async () => {
    const problem = problemOf(await look(await zipOf(['\u001b[2Jx.cfg.sig'])));
    expect(problem).toContain('\\u{1b}[2Jx.cfg.sig');
    expect(problem).not.toContain('\u001b');
  });

  it('tells a source that fails from a file that is bad', async () => {
    const zip = await zipOf([FACTS_NAME]);
    const broken: ByteSource = { ...memorySource(zip), read: () => Promise.reject(new Error('unplugged')) };
    await expect(readDirectory(broken)).rejects.toThrow(SourceFailure);
    await expect(readDirectory(broken)).rejects.toThrow('unplugged');
  });
});

describe('parseFactsName', () => {
  it.each([
    [FACTS_NAME, RELEASE],
    ['a_b_V01.00.0223_20240229.cfg.sig', { product: 'a', version: '01.00.0223', release_date: '2024-02-29' }],
    ['a_b_v1.2_20240101', { product: 'a', version: '1.2', release_date: '2024-01-01' }],
    ['a_b_v1.2_20240101_more.cfg.sig', { product: 'a', version: '1.2', release_date: '2024-01-01' }],
    ['a_b_v1.2_20230229.cfg.sig', null],
    ['a_b_v1.2_2024010.cfg.sig', null],
    ['a_b_v1.2_202401011.cfg.sig', null],
    ['a_b_1.2.3_20240101.cfg.sig', null],
    ['a_b_v_20240101.cfg.sig', null],
    ['a_b_v1.2.cfg.sig', null],
    ['.cfg.sig', null],
  ])('%s', (name, facts) => {
    expect(parseFactsName(name)).toEqual(facts);
  });
});

test.each([
  ['wa345t_0802_v03.00.11.07_20260401.pro.fw.sig', { id: '0802', version: '03.00.11.07' }],
  ['wa345t_0802.fw.sig', { id: '0802.fw.sig', version: null }],
  ['readme.fw.sig', { id: null, version: null }],
])('parseModuleName %s', (name, parts) => {
  expect(parseModuleName(name)).toEqual(parts);
});
