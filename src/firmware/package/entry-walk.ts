import type { DirectoryEntry } from './central-directory.js';
import { isConfiguration } from './entry-name.js';
import { MAX_CONFIGURATION, MAX_ENTRIES, MAX_NAME } from './limits.js';

/** What to compute for an entry. */
export interface EntryPlan {
  md5: boolean;
  crc32: boolean;
  method: number;
  /** Bytes after unpacking. Data beyond is not unpacked. */
  size: number;
}

/** A part of a piece that belongs to the data of an entry. */
export interface EntryPart {
  /** The entry's number, in the order of the file. */
  entry: number;
  /** Its range within the piece. */
  from: number;
  to: number;
  /** Only in the entry's first part. */
  plan?: EntryPlan;
  /** The entry's last part. */
  last: boolean;
}

/** An entry that was found in the file, from its local header. */
export interface MetEntry {
  /** The offset of its local header. */
  offset: number;
  raw: Uint8Array;
  method: number;
  /** Bytes in the file, and after unpacking; null = they follow the data. */
  stored_size: number | null;
  size: number | null;
  crc32: number | null;
}

/** A walk over the entries of a ZIP. */
export interface EntryWalk {
  /** The parts of the next piece. */
  next(piece: Uint8Array): EntryPart[] | Promise<EntryPart[]>;
  /** In the order of the file. */
  readonly met: readonly MetEntry[];
  /** The stored bytes of the configurations that were found, by the offset of their entries. */
  readonly configurations: ReadonlyMap<number, Buffer>;
  /** Whether the entries could not be followed to the end. */
  readonly lost: boolean;
}

interface WalkOptions {
  /** Null: entries are followed from one local header to the next. */
  directory: readonly DirectoryEntry[] | null;
  /** Called if the local headers alone are not sufficient; null = there is no directory. */
  askDirectory?(): Promise<readonly DirectoryEntry[] | null>;
  /** What to compute for the entry with this name. */
  plan(name: string): Pick<EntryPlan, 'md5' | 'crc32'>;
}

const LOCAL = 0x04034b50;
/** The records that may follow the last entry: the directory, its end, and records that belong to it. */
const BEHIND = new Set([0x02014b50, 0x06054b50, 0x06064b50, 0x08064b50, 0x05054b50]);
const HEADER = 30;
const SIZES_BEHIND = 8;

/** Finds the entries of a ZIP in its bytes, which come in order, in pieces, once. */
export function entryWalk({ directory, askDirectory, plan }: WalkOptions): EntryWalk {
  const met: MetEntry[] = [];
  const configurations = new Map<number, Buffer>();
  let ahead = directory === null ? null : inOrder(directory, 0);
  /** The offset of the next byte in the file. */
  let position = 0;
  let state: 'between' | 'header' | 'data' | 'end' = 'between';
  /** The remaining bytes of the entry's data. */
  let left = 0;
  let begun: EntryPlan | undefined;
  let header: Buffer = Buffer.alloc(0);
  let collected: { offset: number; parts: Buffer[] } | null = null;
  let lost = false;

  function end(isLost: boolean): void {
    state = 'end';
    lost = isLost;
  }

  function walk(piece: Uint8Array, from: number, parts: EntryPart[]): EntryPart[] | Promise<EntryPart[]> {
    let at = from;
    const step = (length: number) => {
      at += length;
      position += length;
    };
    while (state !== 'end' && (at < piece.length || (state === 'data' && left === 0))) {
      if (state === 'between') {
        if (ahead !== null) {
          const next = ahead[0];
          if (!next) {
            end(false);
            break;
          }
          // An overlap is an error of the directory, which is reported already.
          if (next.offset < position) {
            ahead.shift();
            continue;
          }
          step(Math.min(piece.length - at, next.offset - position));
          if (position < next.offset) continue;
        }
        state = 'header';
        header = Buffer.alloc(0);
      } else if (state === 'header') {
        const need = header.length < HEADER ? HEADER : headerLength(header);
        const taken = piece.subarray(at, at + need - header.length);
        header = Buffer.concat([header, taken]);
        step(taken.length);
        if (header.length < need) continue;
        const signature = header.readUInt32LE(0);
        if (signature === LOCAL && header.length < headerLength(header)) continue;
        const entry = ahead?.[0];
        const offset = position - header.length;
        if (signature !== LOCAL && entry) {
          // There is no entry where the directory says so: it counts as not found.
          ahead?.shift();
          state = 'between';
          continue;
        }
        if (signature !== LOCAL && BEHIND.has(signature)) {
          end(false);
          break;
        }
        const local = signature === LOCAL ? parseHeader(header, offset) : null;
        if (!entry && (local?.stored_size ?? null) === null) return askAhead(piece, at, parts, offset);
        if (local === null || met.length === MAX_ENTRIES) {
          end(true);
          break;
        }
        begin(local, entry ?? null);
      } else {
        const to = Math.min(piece.length, at + left);
        left -= to - at;
        parts.push({ entry: met.length - 1, from: at, to, last: left === 0, ...(begun ? { plan: begun } : {}) });
        begun = undefined;
        collected?.parts.push(Buffer.from(piece.subarray(at, to)));
        step(to - at);
        if (left > 0) continue;
        if (collected) configurations.set(collected.offset, Buffer.concat(collected.parts));
        collected = null;
        state = 'between';
      }
    }
    position += piece.length - at;
    return parts;
  }

  function begin(local: MetEntry, entry: DirectoryEntry | null): void {
    met.push(local);
    ahead?.shift();
    left = entry ? entry.stored_size : (local.stored_size ?? 0);
    const name = entry?.name ?? Buffer.from(local.raw).toString('utf8');
    begun = { ...plan(name), method: entry?.method ?? local.method, size: entry?.size ?? local.size ?? 0 };
    const wanted = isConfiguration(name) && left <= MAX_CONFIGURATION;
    collected = wanted ? { offset: local.offset, parts: [] } : null;
    state = 'data';
  }

  async function askAhead(piece: Uint8Array, at: number, parts: EntryPart[], offset: number): Promise<EntryPart[]> {
    const asked = (await askDirectory?.()) ?? null;
    if (asked === null) {
      end(true);
      return parts;
    }
    ahead = inOrder(asked, offset);
    const entry = ahead[0];
    const local = header.readUInt32LE(0) === LOCAL ? parseHeader(header, offset) : null;
    if (entry?.offset === offset && local) begin(local, entry);
    // The walk cannot go back to an entry that begins before the current position.
    else if (entry && entry.offset < position) end(true);
    else state = 'between';
    return walk(piece, at, parts);
  }

  return {
    met,
    configurations,
    get lost() {
      return lost;
    },
    next: (piece) => walk(piece, 0, []),
  };
}

function inOrder(directory: readonly DirectoryEntry[], from: number): DirectoryEntry[] {
  return directory.filter(({ offset }) => offset >= from).sort((a, b) => a.offset - b.offset);
}

function headerLength(header: Buffer): number {
  return HEADER + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function parseHeader(header: Buffer, offset: number): MetEntry {
  const nameEnd = HEADER + header.readUInt16LE(26);
  let stored_size: number | null = header.readUInt32LE(18);
  let size: number | null = header.readUInt32LE(22);
  let crc32: number | null = header.readUInt32LE(14);
  if (size === 0xffffffff || stored_size === 0xffffffff) {
    // ZIP64: both sizes are in the extra field, the unpacked one first.
    const sizes = zip64Sizes(header.subarray(nameEnd));
    size = sizes?.size ?? null;
    stored_size = sizes?.stored_size ?? null;
  }
  if (header.readUInt16LE(6) & SIZES_BEHIND) stored_size = size = crc32 = null;
  const raw = Uint8Array.from(header.subarray(HEADER, Math.min(nameEnd, HEADER + MAX_NAME + 1)));
  return { offset, raw, method: header.readUInt16LE(8), stored_size, size, crc32 };
}

function zip64Sizes(extra: Buffer): { size: number; stored_size: number } | null {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1 && length >= 16 && at + 20 <= extra.length) {
      return { size: Number(extra.readBigUInt64LE(at + 4)), stored_size: Number(extra.readBigUInt64LE(at + 12)) };
    }
    at += 4 + length;
  }
  return null;
}
