import { crc32, inflateRawSync } from 'node:zlib';
import { systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import type { ByteSource } from './byte-source.js';
import { type Directory, type DirectoryEntry, readDirectory, SourceFailure, showEntry } from './central-directory.js';
import { type Configuration, parseConfiguration } from './configuration.js';
import { isConfiguration, parseFactsName } from './entry-name.js';
import { MAX_CONFIGURATION } from './limits.js';
import { NO_FACTS, type PackageFacts } from './report.js';

/** What a package contains, before any module is read. */
export interface PackageLook {
  directory: Directory;
  facts: PackageFacts;
  /** Null: there is none, or it is not understood. */
  configuration: Configuration | null;
  /** Why there is no configuration, in words that follow the name of the file. */
  problem: string | null;
}

const LOCAL_HEADER = 30;

/**
 * Reads the central directory and the configuration of the package in `source`. `passed`: configurations whose bytes are known
 * already, by the offset of their entries. Rejects with {@link SourceFailure} if `source` itself fails.
 */
export async function lookInside(
  source: ByteSource,
  passed: ReadonlyMap<number, Buffer> = new Map(),
): Promise<PackageLook> {
  const directory = await readDirectory(source);
  const nothing = { directory, facts: NO_FACTS, configuration: null };
  const [entry, other, ...more] = directory.entries.filter(({ name }) => isConfiguration(name));
  if (!directory.zip) return { ...nothing, problem: 'is no ZIP file' };
  if (!entry) return { ...nothing, problem: 'is not a DJI package: it has no *.cfg.sig entry at its top level' };
  if (other) {
    const names = `${showEntry(entry.name)} and ${showEntry(other.name)}`;
    return { ...nothing, problem: `has ${2 + more.length} *.cfg.sig entries at its top level (${names})` };
  }
  const named = parseFactsName(entry.name);
  const facts = { ...NO_FACTS, ...named };
  const unread = (problem: string) => ({
    ...nothing,
    facts,
    problem: `has a configuration ${showEntry(entry.name)} that ${problem}`,
  });
  if (Math.max(entry.size, entry.stored_size) > MAX_CONFIGURATION) {
    return unread(`has ${Math.max(entry.size, entry.stored_size)} bytes, which is too much to be read`);
  }
  const bytes = unpack(entry, passed.get(entry.offset) ?? (await readStored(source, entry)));
  if (bytes === null || bytes.length !== entry.size || crc32(bytes) !== entry.crc32) {
    directory.problems.push(`has a configuration ${showEntry(entry.name)} that is damaged (CRC-32)`);
    return unread('is damaged (CRC-32)');
  }
  const configuration = parseConfiguration(bytes);
  if ('problem' in configuration) return unread(configuration.problem);
  const { modules: _, ...said } = configuration;
  // The entry's name is documented, so it takes precedence over the configuration.
  const all = { ...NO_FACTS, ...said, ...named, product: named?.product ?? said.product };
  return { directory, facts: all, configuration, problem: null };
}

/** The stored bytes of an entry; null = they are not inside the file. */
async function readStored(source: ByteSource, entry: DirectoryEntry): Promise<Buffer | null> {
  // The local header repeats the name, and its extra fields may be longer than those of the directory.
  const length = Math.min(LOCAL_HEADER + entry.raw.length + 4096 + entry.stored_size, source.size - entry.offset);
  if (!(length > LOCAL_HEADER)) return null;
  const bytes = Buffer.alloc(length);
  try {
    await source.read(bytes, entry.offset);
  } catch (error) {
    throw new SourceFailure(error);
  }
  const start = LOCAL_HEADER + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  const stored = bytes.subarray(start, start + entry.stored_size);
  return stored.length === entry.stored_size ? stored : null;
}

function unpack({ method, size }: DirectoryEntry, stored: Buffer | null): Buffer | null {
  if (stored === null || method === 0) return stored;
  try {
    return method === 8 ? inflateRawSync(stored, { maxOutputLength: Math.max(1, size) }) : null;
  } catch {
    return null;
  }
}

/** The reason for a package that could not be read. */
export function unseen(error: unknown): string {
  return `could not be read: ${safeText(systemReason(error))}`;
}
