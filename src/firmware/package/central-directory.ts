import yauzl from 'yauzl';
import { systemReason } from '../../errors.js';
import { safeText } from '../../text.js';
import type { ByteSource } from './byte-source.js';
import { MAX_ENTRIES, MAX_NAME } from './limits.js';
import { windowReader } from './window-reader.js';

/** One entry of a ZIP, from its central directory. */
export interface DirectoryEntry {
  /** Of limited length; not yet safe to show. */
  name: string;
  /** The bytes of the name. */
  raw: Uint8Array;
  /** The offset of its local header. */
  offset: number;
  /** Bytes in the file, stored or compressed. */
  stored_size: number;
  /** Bytes after unpacking. */
  size: number;
  /** 0 = stored, 8 = deflated. */
  method: number;
  crc32: number;
}

/** The central directory of a file. */
export interface Directory {
  /** Whether the file is a ZIP at all. */
  zip: boolean;
  /** What is wrong with it, each in words that follow the name of the file. */
  problems: string[];
  /** In the file's order, as far as they could be read. */
  entries: DirectoryEntry[];
}

const LOCAL_HEADER = 0x04034b50;
const ENCRYPTED = 1;

/** The bytes could not be read, which says nothing about the package. */
export class SourceFailure extends Error {
  constructor(cause: unknown) {
    super(systemReason(cause), { cause });
  }
}

/**
 * Reads the central directory of the ZIP in `source`, and nothing else. If the file is not a sound ZIP, the result says why.
 * Rejects with {@link SourceFailure} if `source` itself fails.
 */
export async function readDirectory(source: ByteSource): Promise<Directory> {
  const entries: DirectoryEntry[] = [];
  const problems: string[] = [];
  if (source.size < 22) return { zip: false, problems: ['is not a ZIP file'], entries };
  const reader = windowReader(source);
  try {
    // Names and sizes are checked here, because an error can then name the entry.
    const zip = await yauzl.fromRandomAccessReaderPromise(reader.reader, source.size, {
      autoClose: false,
      decodeStrings: false,
      validateEntrySizes: false,
    });
    if (zip.entryCount > MAX_ENTRIES) {
      return { zip: true, problems: [`has ${zip.entryCount} entries, more than any DJI package has`], entries };
    }
    for await (const entry of zip.eachEntry()) {
      const flags = entry.generalPurposeBitFlag;
      const name = yauzl.getFileNameLowLevel(flags, entry.fileNameRaw, entry.extraFields, false).slice(0, MAX_NAME);
      if (flags & ENCRYPTED) problems.push(`has an encrypted entry ${showEntry(name)}`);
      entries.push({
        name,
        raw: Uint8Array.from(entry.fileNameRaw.subarray(0, MAX_NAME + 1)),
        offset: entry.relativeOffsetOfLocalHeader,
        stored_size: entry.compressedSize,
        size: entry.uncompressedSize,
        method: entry.compressionMethod,
        crc32: entry.crc32,
      });
    }
    problems.push(...layoutProblems(entries, source.size));
    return { zip: true, problems, entries };
  } catch (error) {
    if (reader.failure) throw new SourceFailure(reader.failure);
    return { ...(await zipProblem(source, error)), entries };
  }
}

/** The name of an entry, safe to show. */
export function showEntry(name: string): string {
  return safeText(name, 120);
}

function layoutProblems(entries: readonly DirectoryEntry[], fileSize: number): string[] {
  const problems: string[] = [];
  const names = new Set<string>();
  for (const { name, raw, offset, stored_size, size, method } of entries) {
    const shown = showEntry(name);
    if (names.has(name)) problems.push(`has two entries named ${shown}`);
    names.add(name);
    if (raw.length > MAX_NAME) problems.push(`has an entry ${shown} with a name of more than ${MAX_NAME} bytes`);
    const problem = yauzl.validateFileName(name);
    if (problem !== null) problems.push(`has an entry ${shown} whose path leads out of it`);
    if (!Number.isSafeInteger(offset + stored_size) || offset + 30 + raw.length + stored_size > fileSize) {
      problems.push(`has an entry ${shown} that reaches beyond the end of the file`);
    }
    if (method === 0 && stored_size !== size) {
      problems.push(`has an entry ${shown} of two sizes: ${stored_size} bytes stored, ${size} unpacked`);
    }
  }
  let last: DirectoryEntry | undefined;
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (last && entry.offset < last.offset + 30 + last.raw.length + last.stored_size) {
      problems.push(`has entries that overlap: ${showEntry(last.name)} and ${showEntry(entry.name)}`);
    }
    last = entry;
  }
  return problems;
}

// A ZIP begins with the header of its first entry and ends with its directory. If only the beginning is right, it was cut off.
async function zipProblem(source: ByteSource, error: unknown): Promise<{ zip: boolean; problems: string[] }> {
  const reason = error instanceof Error ? error.message : String(error);
  if (!reason.startsWith('End of central directory record signature not found')) {
    return { zip: true, problems: [`is not a sound ZIP file: ${safeText(reason, 160)}`] };
  }
  const start = Buffer.alloc(4);
  try {
    await source.read(start, 0);
  } catch {
    return { zip: false, problems: ['is not a ZIP file, or is cut off'] };
  }
  return start.readUInt32LE(0) === LOCAL_HEADER
    ? { zip: true, problems: ['is a ZIP file that is cut off'] }
    : { zip: false, problems: ['is not a ZIP file'] };
}
