import yauzl from 'yauzl';
import { systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import type { ByteSource } from './byte-source.js';
import { isFactsEntry, type PackageFacts, parseFactsName } from './entry-name.js';
import { windowReader } from './window-reader.js';

/** One entry of a package. */
export interface PackageEntry {
  /** As in the package, bounded; not yet safe to show. */
  name: string;
  /** Bytes, unpacked. */
  size: number;
}

/** What is inside a package, or why that cannot be told, in words that follow the name of the file. */
export type PackageContents =
  | { ok: true; facts: PackageFacts; entries: PackageEntry[] }
  | {
      ok: false;
      problem: string;
      /** As far as they could be read. */
      entries: PackageEntry[];
    };

// DJI's packages have some dozens of entries. Beyond this a file is made to keep somebody busy.
const MAX_ENTRIES = 10_000;
const MAX_NAME = 1024;
const LOCAL_HEADER = 0x04034b50;

/**
 * Reads the central directory of the ZIP in `source`, and nothing else of it. A file that is no package is no failure:
 * the result says why. Rejects with {@link SourceFailure} where `source` itself fails.
 */
export async function readPackage(source: ByteSource): Promise<PackageContents> {
  const entries: PackageEntry[] = [];
  const reader = windowReader(source);
  try {
    if (source.size < 22) return { ok: false, problem: 'is not a ZIP file', entries };
    const zip = await yauzl.fromRandomAccessReaderPromise(reader.reader, source.size, { autoClose: false });
    if (zip.entryCount > MAX_ENTRIES) {
      return { ok: false, problem: `has ${zip.entryCount} entries, which no DJI package has`, entries };
    }
    for await (const entry of zip.eachEntry()) {
      entries.push({ name: entry.fileName.slice(0, MAX_NAME), size: entry.uncompressedSize });
    }
    return judge(entries);
  } catch (error) {
    if (reader.failure) throw new SourceFailure(reader.failure);
    return { ok: false, problem: await zipProblem(source, error), entries };
  }
}

/** The bytes could not be had, which says nothing about the package. */
export class SourceFailure extends Error {
  constructor(cause: unknown) {
    super(systemReason(cause), { cause });
  }
}

function judge(entries: PackageEntry[]): PackageContents {
  const candidates = entries.filter((entry) => isFactsEntry(entry.name));
  const [first, second] = candidates;
  if (!first) {
    return { ok: false, problem: 'is no DJI package: it has no *.cfg.sig entry at its top level', entries };
  }
  if (second) {
    const names = `${safeText(first.name, 80)} and ${safeText(second.name, 80)}`;
    return { ok: false, problem: `has ${candidates.length} *.cfg.sig entries at its top level (${names})`, entries };
  }
  const facts = parseFactsName(first.name);
  if (facts) return { ok: true, facts, entries };
  return { ok: false, problem: `names no version and release date in ${safeText(first.name, 120)}`, entries };
}

// A ZIP begins with the header of its first entry and ends with its directory: only the first of both means cut off.
async function zipProblem(source: ByteSource, error: unknown): Promise<string> {
  const reason = error instanceof Error ? error.message : String(error);
  if (!reason.startsWith('End of central directory record signature not found')) {
    return `is not a sound ZIP file: ${safeText(reason, 160)}`;
  }
  const start = Buffer.alloc(4);
  try {
    await source.read(start, 0);
  } catch {
    return 'is not a ZIP file, or is cut off';
  }
  return start.readUInt32LE(0) === LOCAL_HEADER ? 'is a ZIP file that is cut off' : 'is not a ZIP file';
}
