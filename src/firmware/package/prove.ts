import { safeText } from '../../text.js';
import type { Digested } from '../digest/digester.js';
import type { EntryDigest } from '../digest/entry-hasher.js';
import { groupBy } from '../group-by.js';
import { type DirectoryEntry, showEntry } from './central-directory.js';
import { isModule, parseModuleName } from './entry-name.js';
import type { MetEntry } from './entry-walk.js';
import type { PackageLook } from './look.js';
import type { PackageModule, PackageReport } from './report.js';

/** An entry with its computed digests. */
interface ReadEntry {
  entry: DirectoryEntry;
  /** A problem with it was reported already. */
  faulty: boolean;
  /** Its CRC-32 differs. */
  damaged: boolean;
  /** The MD5 of a module was compared, which is stronger than the CRC-32. */
  compared: boolean;
  /** Lower-case hex; null = not computed. */
  md5: string | null;
}

type Bytes = Pick<Digested, 'entries' | 'lost'>;

// A few of a thousand faulty entries are sufficient.
const MAX_REASONS = 10;

/** The verdict on a package, from its directory and configuration and, if they were read, its bytes. */
export function provePackage(look: PackageLook, bytes: Bytes | null): PackageReport {
  const { directory, facts, configuration } = look;
  const report = (verdict: PackageReport['verdict'], all: string[], modules: PackageModule[] = []): PackageReport => {
    const rest = all.length - MAX_REASONS;
    const reasons = rest > 0 ? [...all.slice(0, MAX_REASONS), `has ${rest} more faults`] : all;
    const entries = directory.entries.map(({ name, size }) => ({ name, size }));
    return { verdict, reasons, content: directory.zip ? 'zip' : 'other', ...facts, modules, entries };
  };

  const broken = [...directory.problems];
  const unsure: string[] = [];
  const entries = readEntries(directory.entries, bytes, broken, unsure);
  const modules = matchModules(configuration?.modules ?? [], entries, bytes !== null, broken, unsure);
  for (const { entry, damaged, compared } of entries) {
    if (damaged && !compared) broken.push(`has an entry ${showEntry(entry.name)} that is damaged (CRC-32)`);
  }
  if (broken.length > 0) return report('broken', broken, modules);
  if (!configuration) return report('not checked', [look.problem ?? 'has no configuration']);
  if (bytes === null) unsure.push('has modules that were not read');
  if (modules.length === 0) unsure.push('has a configuration that names no modules');
  return unsure.length > 0 ? report('not checked', unsure, modules) : report('proven', [], modules);
}

/** Compares the directory with the local headers and sizes that were found. */
function readEntries(
  directory: readonly DirectoryEntry[],
  bytes: Bytes | null,
  broken: string[],
  unsure: string[],
): ReadEntry[] {
  const byOffset = new Map(bytes?.entries.map((one) => [one.met.offset, one]));
  if (bytes?.lost) unsure.push('cannot be followed from entry to entry, and the server sends no part of it');
  return directory.map((entry) => {
    const { met, digest } = byOffset.get(entry.offset) ?? {};
    const unknown = { entry, faulty: false, damaged: false, compared: false, md5: null };
    if (bytes === null || (!met && bytes.lost)) return unknown;
    const fault = met ? entryFault(entry, met, digest ?? null) : 'in its directory that is not where it should be';
    const unread = fault !== null && entry.method !== 0 && entry.method !== 8;
    if (fault !== null) {
      (unread ? unsure : broken).push(`has an entry ${showEntry(entry.name)} ${fault}`);
      return { ...unknown, faulty: !unread };
    }
    const { md5 = null, crc32 = null } = digest ?? {};
    return { ...unknown, damaged: crc32 !== null && crc32 !== entry.crc32, md5 };
  });
}

/** What is wrong with an entry, in words that follow its name; null = nothing. */
function entryFault(entry: DirectoryEntry, met: MetEntry, digest: EntryDigest | null): string | null {
  const name = Buffer.from(met.raw);
  if (!name.equals(entry.raw)) return `that its local header calls ${showEntry(name.toString('utf8'))}`;
  // Sizes that follow the data are taken from the directory.
  const { method, size = null, stored_size = null } = met;
  if (
    method !== entry.method ||
    (size ?? entry.size) !== entry.size ||
    (stored_size ?? entry.stored_size) !== entry.stored_size
  ) {
    return `of ${showSizes({ method, size, stored_size })} by its local header and ${showSizes(entry)} by the directory`;
  }
  if ((met.crc32 ?? entry.crc32) !== entry.crc32)
    return 'with another CRC-32 in its local header than in the directory';
  if (!digest) return 'that is cut off';
  if (digest.problem !== null) return `that ${digest.problem}`;
  return digest.size === entry.size ? null : `of ${digest.size} bytes where the directory says ${entry.size}`;
}

function showSizes({ method, size, stored_size }: Pick<MetEntry, 'method' | 'size' | 'stored_size'>): string {
  return method === 0 ? `${size} bytes` : `${size} bytes (${stored_size} packed by method ${method})`;
}

type NamedModule = Omit<PackageModule, 'proven'>;

/** Finds the entry of each module, and compares size and MD5. */
function matchModules(
  named: readonly NamedModule[],
  entries: readonly ReadEntry[],
  read: boolean,
  broken: string[],
  unsure: string[],
): PackageModule[] {
  const byName = new Map(entries.map((one) => [one.entry.name, one]));
  const byId = groupBy(
    entries.filter(({ entry }) => isModule(entry.name)),
    ({ entry }) => idKey(parseModuleName(entry.name)),
  );
  const alike = (module: NamedModule) => byId.get(idKey(module)) ?? [];
  const fits = (module: NamedModule, { entry, md5 }: ReadEntry) =>
    entry.size === module.size && (md5 === null || md5 === module.md5);
  const claims = new Map<NamedModule, ReadEntry>();
  const claimed = new Set<ReadEntry>();
  const claim = (module: NamedModule, one: ReadEntry | undefined) => {
    if (!one) return;
    claims.set(module, one);
    claimed.add(one);
  };

  for (const module of named) if (module.entry !== null) claim(module, byName.get(module.entry));
  // Modules without a name are found by id and version. Several may match (two batteries), so exact matches are assigned first.
  const bare = named.filter((module) => module.entry === null);
  for (const module of bare)
    claim(
      module,
      alike(module).find((one) => !claimed.has(one) && fits(module, one)),
    );
  for (const module of bare) {
    if (claims.has(module)) continue;
    // One entry may serve two identical modules.
    claim(module, alike(module).find((one) => !claimed.has(one)) ?? alike(module).find((one) => fits(module, one)));
  }
  for (const one of entries) {
    if (!isModule(one.entry.name) || claimed.has(one)) continue;
    unsure.push(`has a module ${showEntry(one.entry.name)} that its configuration does not name`);
  }

  return named.map((module) => {
    const one = claims.get(module);
    if (!one) {
      broken.push(`lacks the module ${showModule(module)} that its configuration names`);
      return { ...module, proven: false };
    }
    const { name, size } = one.entry;
    const shown = `has a module ${showEntry(name)}`;
    let proven: boolean | null = null;
    if (one.faulty) proven = false;
    else if (module.size !== null && size !== module.size) {
      proven = false;
      broken.push(`${shown} of ${size} bytes where its configuration says ${module.size}`);
    } else if (module.md5 === null) unsure.push(`${shown} of which its configuration gives no MD5`);
    else if (one.md5 !== null) {
      proven = one.md5 === module.md5;
      one.compared = true;
      if (!proven) broken.push(`${shown} whose MD5 is ${one.md5} where its configuration says ${module.md5}`);
    } else if (read) unsure.push(`${shown} that could not be compared`);
    return { ...module, entry: name, proven };
  });
}

function idKey({ id, version }: { id: string | null; version: string | null }): string {
  return `${id}\n${version}`;
}

/** A module in messages: `wa345t_0802_v1.pro.fw.sig`, or `id 0802, version 1, type 2` without a name. */
function showModule({ entry, id, version, type }: NamedModule): string {
  if (entry !== null) return showEntry(entry);
  const parts = [
    `id ${id ?? 'unknown'}`,
    `version ${version ?? 'unknown'}`,
    ...(type === null ? [] : [`type ${type}`]),
  ];
  return safeText(parts.join(', '), 120);
}
