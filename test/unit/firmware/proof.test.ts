/** The verdict on packages. `firmware-proof` tests the same with files, threads and servers. */
import { describe, expect, it } from 'vitest';
import type { PackageReport } from '../../../src/firmware/package/report.js';
import {
  configurationOf,
  djiPackage,
  entryOf,
  MODULES,
  type Module,
  type PackageOptions,
  xmlOf,
  type ZipEntry,
} from '../../helpers/firmware-package.js';
import { proofOf } from '../../helpers/firmware-proof.js';
import { bytesOf, FACTS_NAME, md5Of } from '../../helpers/firmware-tools.js';

/** The verdict on the same bytes for each way of reading them. */
async function verdicts(bytes: Buffer): Promise<PackageReport> {
  const [file, passing] = [await proofOf(bytes, 'directory'), await proofOf(bytes, 'passing')];
  // With local headers only, entries after a false header cannot be found.
  const { modules, ...other } = passing;
  expect(file).toMatchObject(file.verdict === 'broken' ? other : passing);
  expect(modules.length).toBe(file.modules.length);
  return file;
}

const [camera, battery, otherBattery, radio] = MODULES as [Module, Module, Module, Module];
const change = (name: string, more: Partial<ZipEntry>): PackageOptions => ({
  entries: (all) => all.map((entry) => (entry.name === name ? { ...entry, ...more } : entry)),
});
const flipped = (data: Buffer, at = 100) => {
  const copy = Buffer.from(data);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
const named = (modules: readonly Module[]) => ({ configuration: configurationOf(xmlOf(modules)) });

describe('a package that is proven', () => {
  it('tells all that it says of itself', async () => {
    const bytes = djiPackage();
    expect(await verdicts(bytes)).toMatchObject({
      verdict: 'proven',
      reasons: [],
      product: 'wa345t',
      version: '17.02.0501',
      formal_version: '17.02.05.01',
      release_date: '2026-05-29',
      from: '2026/05/29',
      expire: '2027/05/29',
      enforce: '0',
      antirollback: '2',
      antirollback_ext: 'cn:6',
      modules: MODULES.map((module) => ({
        id: module.id,
        name: module.name,
        version: module.version,
        type: module.type ?? null,
        size: module.data.length,
        md5: md5Of(module.data),
        entry: entryOf(module),
        proven: true,
      })),
      entries: [
        ...MODULES.map((module) => ({ name: entryOf(module), size: module.data.length })),
        { name: FACTS_NAME },
      ],
    });
  });

  it.each<[string, PackageOptions]>([
    ['with ZIP64 sizes', { entries: (all) => all.map((entry) => ({ ...entry, zip64: true })) }],
    ['with compressed entries', { entries: (all) => all.map((entry) => ({ ...entry, packed: true })) }],
    ['with the configuration first', { entries: (all) => all.toReversed() }],
    ['with no names in the XML', named(MODULES.map((module) => ({ ...module, text: null })))],
    [
      'with the batteries the other way round',
      named([camera, otherBattery, battery, radio].map((module) => ({ ...module, text: null }))),
    ],
    [
      'with MD5s in capitals',
      named(MODULES.map((module) => ({ ...module, says: { md5: md5Of(module.data).toUpperCase() } }))),
    ],
    [
      'with a note beside the modules',
      {
        entries: (all) => [
          { name: 'read me.txt', data: Buffer.from('hello') },
          { name: 'folder/', data: Buffer.alloc(0) },
          ...all,
        ],
      },
    ],
    ['with two modules that are one entry', named([...MODULES, { ...radio, text: null, type: '7' }])],
  ])('%s', async (_name, options) => {
    expect(await verdicts(djiPackage(options))).toMatchObject({ verdict: 'proven', reasons: [] });
  });
});

describe('a package that is broken', () => {
  it.each<[string, PackageOptions, string]>([
    [
      'a flipped byte',
      change(entryOf(camera), { data: flipped(camera.data) }),
      `has a module ${entryOf(camera)} whose MD5 is`,
    ],
    [
      'a flipped byte in a compressed module',
      change(entryOf(camera), { data: flipped(camera.data), packed: true }),
      `has a module ${entryOf(camera)} whose MD5 is`,
    ],
    [
      'a missing module',
      { entries: (all) => all.filter(({ name }) => name !== entryOf(radio)) },
      `lacks the module ${entryOf(radio)} that its configuration names`,
    ],
    [
      'a missing module without a name',
      {
        ...named(MODULES.map((module) => ({ ...module, text: null }))),
        entries: (all) => all.filter(({ name }) => name !== entryOf(radio)),
      },
      'lacks the module id 2801, version 07.00.00.01',
    ],
    [
      'a configuration that names ../x',
      named([...MODULES, { ...radio, text: '../x' }]),
      'lacks the module ../x that its configuration names',
    ],
    [
      'a module of another size',
      change(entryOf(radio), { data: bytesOf(51, 4) }),
      `has a module ${entryOf(radio)} of 51 bytes where its configuration says 50`,
    ],
    [
      'a module of another size without a name',
      {
        ...named(MODULES.map((module) => ({ ...module, text: null }))),
        ...change(entryOf(radio), { data: bytesOf(51, 4) }),
      },
      `has a module ${entryOf(radio)} of 51 bytes where its configuration says 50`,
    ],
    [
      'one of two modules of one id',
      {
        ...named(MODULES.map((module) => ({ ...module, text: null }))),
        ...change(entryOf(battery), { data: flipped(battery.data) }),
      },
      `has a module ${entryOf(battery)} whose MD5 is`,
    ],
    [
      'a configuration with another size',
      named(MODULES.map((module) => (module === radio ? { ...module, says: { size: 7 } } : module))),
      `has a module ${entryOf(radio)} of 50 bytes where its configuration says 7`,
    ],
    [
      'a size that the local header lies about',
      change(entryOf(camera), { local: { size: 39_000, stored_size: 39_000 } }),
      `has an entry ${entryOf(camera)} of 39000 bytes by its local header and 40000 bytes by the directory`,
    ],
    [
      'a size that the directory lies about',
      change(entryOf(camera), { directory: { size: 39_000, stored_size: 39_000 } }),
      `has an entry ${entryOf(camera)} of 40000 bytes by its local header and 39000 bytes by the directory`,
    ],
    [
      'two sizes of a stored entry',
      change(entryOf(camera), { directory: { size: 39_000 } }),
      `has an entry ${entryOf(camera)} of two sizes: 40000 bytes stored, 39000 unpacked`,
    ],
    [
      'a compressed entry that unpacks to more',
      change(entryOf(camera), { packed: true, directory: { size: 39_000 }, local: { size: 39_000 } }),
      `has an entry ${entryOf(camera)} that unpacks to more than its 39000 bytes`,
    ],
    [
      'a compressed entry that unpacks to less',
      change(entryOf(camera), { packed: true, directory: { size: 41_000 }, local: { size: 41_000 } }),
      `has an entry ${entryOf(camera)} of 40000 bytes where the directory says 41000`,
    ],
    [
      'a compressed entry that is none',
      change(entryOf(camera), { local: { method: 8 }, directory: { method: 8 } }),
      `has an entry ${entryOf(camera)} that cannot be unpacked`,
    ],
    [
      'an entry that unpacks to a disk full',
      change(entryOf(camera), { packed: true, directory: { size: 5e9 % 2 ** 32 }, local: { size: 5e9 % 2 ** 32 } }),
      `has an entry ${entryOf(camera)}`,
    ],
    [
      'another CRC-32 in the local header',
      change(entryOf(camera), { local: { crc32: 7 } }),
      `has an entry ${entryOf(camera)} with another CRC-32 in its local header than in the directory`,
    ],
    [
      'another name in the local header',
      change(entryOf(camera), { local: { name: 'other' } }),
      `has an entry ${entryOf(camera)} that its local header calls other`,
    ],
    [
      'a duplicate entry',
      { entries: (all) => [...all, { name: entryOf(radio), data: radio.data }] },
      `has two entries named ${entryOf(radio)}`,
    ],
    ['an entry listed twice', change(entryOf(radio), { listed: 2 }), `has two entries named ${entryOf(radio)}`],
    [
      'entries that overlap',
      change(entryOf(radio), { directory: { offset: 50 } }),
      `has entries that overlap: ${entryOf(camera)} and ${entryOf(radio)}`,
    ],
    [
      'an entry beyond the end',
      change(entryOf(radio), { directory: { offset: 3_000_000 } }),
      `has an entry ${entryOf(radio)} that reaches beyond the end of the file`,
    ],
    [
      'an entry that leads out of it',
      { entries: (all) => [...all, { name: '../x', data: radio.data }] },
      'has an entry ../x whose path leads out of it',
    ],
    [
      'a damaged configuration',
      change(FACTS_NAME, { directory: { crc32: 7 } }),
      `has a configuration ${FACTS_NAME} that is damaged (CRC-32)`,
    ],
  ])('%s', async (_name, options, reason) => {
    const found = await verdicts(djiPackage(options));
    expect(found.verdict).toBe('broken');
    expect(found.reasons.join('\n')).toContain(reason);
  });

  it('of an unknown configuration, by the CRC-32s of the ZIP', async () => {
    const options = { configuration: Buffer.from('something else') };
    expect((await verdicts(djiPackage(options))).verdict).toBe('not checked');
    const damaged = flipped(djiPackage(options), 1000);
    const found = await verdicts(damaged);
    expect(found).toMatchObject({
      verdict: 'broken',
      reasons: [`has an entry ${entryOf(camera)} that is damaged (CRC-32)`],
    });
  });

  it('and lists all that could be read', async () => {
    const found = await verdicts(djiPackage(change(entryOf(camera), { data: flipped(camera.data) })));
    expect(found).toMatchObject({ version: '17.02.0501', product: 'wa345t' });
    expect(found.modules.map((module) => module.proven)).toEqual([false, true, true, true]);
  });

  it('and does not list faults without end', async () => {
    const modules = Array.from({ length: 900 }, (_, index) => ({ ...radio, id: String(index) }));
    const found = await verdicts(djiPackage({ modules, ...change('none', {}), entries: (all) => all.slice(-1) }));
    expect(found.reasons).toHaveLength(11);
    expect(found.reasons.at(-1)).toBe('has 890 more faults');
  });
});

describe('a file that is no package', () => {
  it.each<[string, Buffer, string]>([
    ['a ZIP that is cut off', djiPackage().subarray(0, 60_000), 'is a ZIP file that is cut off'],
    [
      'a page',
      Buffer.from('<!doctype html><html><head><title>Sign in</title></head></html>'),
      'is not a ZIP file but an HTML page titled "Sign in"',
    ],
    [
      'an error document',
      Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
      'is not a ZIP file but an XML document with the code "AccessDenied"',
    ],
    [
      'JSON',
      Buffer.from('{"message": "not found", "status": 404, "more": "words"}'),
      'is not a ZIP file but a JSON document that says "not found"',
    ],
    ['an empty file', Buffer.alloc(0), 'is empty'],
    ['anything else', bytesOf(100_000), 'is not a ZIP file'],
  ])('%s', async (_name, bytes, reason) => {
    expect(await verdicts(bytes)).toMatchObject({ verdict: 'broken', reasons: [reason] });
  });
});

describe('a package that is not checked', () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE dji [${Array.from({ length: 10 }, (_, index) => `<!ENTITY a${index + 1} "${`&a${index};`.repeat(10)}">`).join('')}]><dji>&a10;</dji>`;
  const config = `has a configuration ${FACTS_NAME} that`;
  it.each<[string, PackageOptions, string]>([
    [
      'an entity bomb',
      { configuration: configurationOf(bomb) },
      `${config} has a document type (DTD), which is not supported`,
    ],
    [
      'an unknown entity',
      { configuration: configurationOf(xmlOf(MODULES).replace('cn:6', '&bomb;')) },
      `${config} Invalid character entity`,
    ],
    [
      'a configuration of 50 MB',
      { configuration: configurationOf(xmlOf(MODULES) + ' '.repeat(50_000_000)) },
      `${config} has 50`,
    ],
    [
      'a configuration that unpacks to 50 MB',
      {
        configuration: configurationOf(xmlOf(MODULES) + ' '.repeat(50_000_000)),
        ...change(FACTS_NAME, { packed: true }),
      },
      `${config} has 50`,
    ],
    ['a configuration of another kind', { configuration: bytesOf(25_000) }, `${config} holds no readable XML`],
    [
      'XML that breaks off',
      { configuration: configurationOf('<?xml version="1.0"?><dji><device></dji>') },
      `${config} Unexpected close tag`,
    ],
    [
      'XML that is too deep',
      { configuration: configurationOf(`<dji>${'<a>'.repeat(50)}${'</a>'.repeat(50)}</dji>`) },
      `${config} is nested too deeply`,
    ],
    [
      'too many elements',
      { configuration: configurationOf(`<dji>${'<a/>'.repeat(30_000)}</dji>`) },
      `${config} has more than 20000 elements`,
    ],
    ['no release', { configuration: configurationOf('<dji><device id="x"/></dji>') }, `${config} names no release`],
    [
      'two releases',
      { configuration: configurationOf(xmlOf(MODULES).replace('</release>', '</release><release/>')) },
      `${config} names 2 releases`,
    ],
    ['no modules', named([]), 'has a configuration that names no modules'],
    ['no configuration', { configuration: null }, 'is not a DJI package: it has no *.cfg.sig entry at its top level'],
    [
      'two configurations',
      { entries: (all) => [...all, { name: 'x_0_v1.2_20260101.cfg.sig', data: Buffer.from('x') }] },
      'has 2 *.cfg.sig entries at its top level',
    ],
    [
      'a module without an MD5',
      named(MODULES.map((module) => (module === radio ? { ...module, says: { md5: 'none' } } : module))),
      `has a module ${entryOf(radio)} of which its configuration gives no MD5`,
    ],
    [
      'a module that nobody names',
      { entries: (all) => [...all, { name: 'wa345t_5000_v1_20260401.pro.fw.sig', data: radio.data }] },
      'has a module wa345t_5000_v1_20260401.pro.fw.sig that its configuration does not name',
    ],
    [
      'a module packed in a way that is not read',
      change(entryOf(camera), { local: { method: 14 }, directory: { method: 14 } }),
      `has an entry ${entryOf(camera)} that is packed by method 14, which is not supported`,
    ],
  ])('%s', async (_name, options, reason) => {
    const found = await verdicts(djiPackage(options));
    expect(found).toMatchObject({ verdict: 'not checked' });
    expect(found.reasons.join('\n')).toContain(reason);
  });
});
