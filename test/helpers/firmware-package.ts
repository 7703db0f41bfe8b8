/** Packages in the form of DJI's, and every way in which one can be wrong. */
import { crc32, deflateRawSync } from 'node:zlib';
import { bytesOf, FACTS_NAME, md5Of } from './firmware-tools.js';

export interface ZipEntry {
  name: string;
  data: Buffer;
  /** Deflate it. */
  packed?: boolean;
  /** Sizes after the data, as streaming writers put them. */
  descriptor?: boolean;
  zip64?: boolean;
  /** Wrong values in the headers. */
  local?: { name?: string; size?: number; stored_size?: number; method?: number; crc32?: number };
  directory?: { name?: string; size?: number; stored_size?: number; method?: number; crc32?: number; offset?: number };
  /** Bytes before its header. */
  gap?: number;
  /** How often the directory lists it. */
  listed?: number;
}

/** A ZIP, written byte by byte. */
export function rawZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    offset += part.length;
  };
  for (const entry of entries) {
    const { name, data, packed, descriptor, zip64, local = {}, directory: listed = {} } = entry;
    const stored = packed ? deflateRawSync(data) : data;
    const truth = { name, size: data.length, stored_size: stored.length, method: packed ? 8 : 0, crc32: crc32(data) };
    if (entry.gap) add(Buffer.alloc(entry.gap));
    const at = offset;
    const here = { ...truth, ...(descriptor ? { size: 0, stored_size: 0, crc32: 0 } : {}), ...local };
    const flags = descriptor ? 8 : 0;
    add(header(here, flags, zip64 === true, null));
    add(stored);
    if (descriptor) {
      const behind = Buffer.alloc(16);
      behind.writeUInt32LE(0x08074b50, 0);
      behind.writeUInt32LE(truth.crc32, 4);
      behind.writeUInt32LE(truth.stored_size, 8);
      behind.writeUInt32LE(truth.size, 12);
      add(behind);
    }
    const there = { ...truth, ...listed };
    for (let count = entry.listed ?? 1; count > 0; count--) {
      directory.push(header(there, flags, zip64 === true, listed.offset ?? at));
    }
  }
  const start = offset;
  for (const one of directory) add(one);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(offset - start, 12);
  end.writeUInt32LE(start, 16);
  add(end);
  return Buffer.concat(parts);
}

function header(
  says: { name: string; size: number; stored_size: number; method: number; crc32: number },
  flags: number,
  zip64: boolean,
  offset: number | null,
): Buffer {
  const name = Buffer.from(says.name);
  const extra = Buffer.alloc(zip64 ? 20 : 0);
  if (zip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(16, 2);
    extra.writeBigUInt64LE(BigInt(says.size), 4);
    extra.writeBigUInt64LE(BigInt(says.stored_size), 12);
  }
  const inDirectory = offset !== null;
  const bytes = Buffer.alloc(inDirectory ? 46 : 30);
  bytes.writeUInt32LE(inDirectory ? 0x02014b50 : 0x04034b50, 0);
  // In the directory, the version of the writer comes first; the other fields follow two bytes later.
  const shift = inDirectory ? 2 : 0;
  bytes.writeUInt16LE(zip64 ? 45 : 20, 4 + shift);
  bytes.writeUInt16LE(flags | 0x800, 6 + shift);
  bytes.writeUInt16LE(says.method, 8 + shift);
  bytes.writeUInt32LE(says.crc32, 14 + shift);
  bytes.writeUInt32LE(zip64 ? 0xffffffff : says.stored_size, 18 + shift);
  bytes.writeUInt32LE(zip64 ? 0xffffffff : says.size, 22 + shift);
  bytes.writeUInt16LE(name.length, 26 + shift);
  bytes.writeUInt16LE(extra.length, 28 + shift);
  if (inDirectory) bytes.writeUInt32LE(offset, 42);
  return Buffer.concat([bytes, name, extra]);
}

export interface Module {
  id: string;
  version: string;
  data: Buffer;
  name?: string;
  type?: string;
  /** The entry's name in the XML; null = it is not there. */
  text?: string | null;
  /** Wrong values in the configuration. */
  says?: { size?: number | string; md5?: string };
}

/** The name of a module's entry. */
export function entryOf({ id, version, type }: Pick<Module, 'id' | 'version' | 'type'>): string {
  return `wa345t_${id}_v${version}_20260401${type ? `_${type}` : ''}.pro.fw.sig`;
}

export const MODULES: readonly Module[] = [
  { id: '0802', version: '03.00.11.07', data: bytesOf(40_000, 1), name: 'camera' },
  { id: '1100', version: '01.02.03.04', data: bytesOf(30_001, 2), name: 'battery', type: '1' },
  { id: '1100', version: '01.02.03.04', data: bytesOf(30_001, 3), name: 'battery', type: '2' },
  { id: '2801', version: '07.00.00.01', data: bytesOf(50, 4), name: 'radio' },
];

export function xmlOf(modules: readonly Module[], release = 'version="17.02.0501"'): string {
  const lines = modules.map((module) => {
    const { id, version, data, name = '', type = '', text = entryOf(module), says = {} } = module;
    const { size = data.length, md5 = md5Of(data) } = says;
    return `   <module id="${id}" name="${name}" version="${version}" type="${type}" group="" size="${size}" md5="${md5}">${text ?? ''}</module>`;
  });
  return `<?xml version="1.0" encoding="utf-8"?>
<dji>
 <device id="wa345t">
  <firmware formal="17.02.05.01">
   <release ${release} antirollback="2" antirollback_ext="cn:6" enforce="0" from="2026/05/29" expire="2027/05/29">
${lines.join('\n')}
   </release>
   <upgrade_center><module id="9999" size="1" md5="x">not a module</module></upgrade_center>
  </firmware>
 </device>
</dji>
`;
}

/** The XML as in a `*.cfg.sig` entry: after a binary header, before padding. */
export function configurationOf(xml: string): Buffer {
  return Buffer.concat([Buffer.from('IM*H'), bytesOf(476, 5), Buffer.from(xml), Buffer.alloc(32)]);
}

export interface PackageOptions {
  modules?: readonly Module[];
  /** Replaces the configuration for `modules`; null = none. */
  configuration?: Buffer | null;
  /** Changes the entries before they are written. */
  entries?: (entries: ZipEntry[]) => ZipEntry[];
}

/** A package like DJI's: its modules, then its configuration, all stored without compression. */
export function djiPackage({ modules = MODULES, configuration, entries = (all) => all }: PackageOptions = {}): Buffer {
  const inside = configuration === undefined ? configurationOf(xmlOf(modules)) : configuration;
  return rawZip(
    entries([
      ...modules.map((module) => ({ name: entryOf(module), data: module.data })),
      ...(inside === null ? [] : [{ name: FACTS_NAME, data: inside }]),
    ]),
  );
}
