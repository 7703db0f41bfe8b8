import { createHash, type Hash } from 'node:crypto';
import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib';
import type { EntryPart, EntryPlan } from '../package/entry-walk.js';

/** The results for the unpacked data of one entry. */
export interface EntryDigest {
  /** Lower-case hex; null = not requested. */
  md5: string | null;
  crc32: number | null;
  /** Bytes. */
  size: number;
  /** Why its data could not be unpacked, in words that follow its name. The other values are then meaningless. */
  problem: string | null;
}

/** Digests the entries of a ZIP from their parts. */
export interface EntryHasher {
  /** If it returns a promise, await it before reusing `piece` and before the next call. */
  write(piece: Uint8Array, parts: readonly EntryPart[]): Promise<void> | undefined;
  /** The results in the order of the entries, without those whose data was incomplete. */
  finish(): EntryDigest[];
}

// Real packages have less than 2 GB. Data that unpacks to more is an attack.
const MAX_UNPACKED = 4 * 1024 ** 3;
const STORED = 0;
const DEFLATED = 8;

/** Creates a hasher for the entries of one file. */
export function entryHasher(): EntryHasher {
  const done: EntryDigest[] = [];
  let entry: Running | null = null;
  let unpacked = 0;

  function begin(plan: EntryPlan): Running {
    const running = runningEntry(plan);
    if (plan.method === DEFLATED) {
      unpacked += plan.size;
      if (unpacked > MAX_UNPACKED) running.problem = 'unpacks to more than any DJI package contains';
      else running.inflate = inflating(running, plan.size);
    } else if (plan.method !== STORED) running.problem = `is packed by method ${plan.method}, which is not supported`;
    return running;
  }

  async function writeAll(piece: Uint8Array, parts: readonly EntryPart[], from: number): Promise<void> {
    for (const part of parts.slice(from)) {
      if (part.plan) entry = begin(part.plan);
      if (!entry) continue;
      const data = piece.subarray(part.from, part.to);
      if (entry.inflate) {
        await entry.inflate.write(data);
        if (part.last) await entry.inflate.end();
      } else if (entry.problem === null) entry.update(data);
      if (part.last) {
        done.push(entry.digest());
        entry = null;
      }
    }
  }

  return {
    write(piece, parts) {
      for (const [index, part] of parts.entries()) {
        const plan = part.plan ?? entry?.plan;
        // Only unpacking is asynchronous.
        if (plan?.method === DEFLATED) return writeAll(piece, parts, index);
        if (part.plan) entry = begin(part.plan);
        if (!entry) continue;
        if (entry.problem === null) entry.update(piece.subarray(part.from, part.to));
        if (!part.last) continue;
        done.push(entry.digest());
        entry = null;
      }
      return undefined;
    },
    finish: () => done,
  };
}

interface Running {
  plan: EntryPlan;
  problem: string | null;
  inflate: Inflating | null;
  /** Takes unpacked data. */
  update(data: Uint8Array): void;
  size(): number;
  digest(): EntryDigest;
}

function runningEntry(plan: EntryPlan): Running {
  const md5: Hash | null = plan.md5 ? createHash('md5') : null;
  let crc = 0;
  let size = 0;
  return {
    plan,
    problem: null,
    inflate: null,
    update(data) {
      md5?.update(data);
      if (plan.crc32) crc = crc32(data, crc);
      size += data.length;
    },
    size: () => size,
    digest() {
      return { md5: md5?.digest('hex') ?? null, crc32: plan.crc32 ? crc : null, size, problem: this.problem };
    },
  };
}

interface Inflating {
  write(data: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** Unpacks into `entry`, but not more than `limit` bytes. */
function inflating(entry: Running, limit: number): Inflating {
  const stream: InflateRaw = createInflateRaw();
  const gone = new Promise<void>((resolve) => stream.once('close', resolve));
  stream.on('error', () => {
    entry.problem ??= 'cannot be unpacked';
  });
  stream.on('data', (data: Buffer) => {
    if (entry.size() + data.length <= limit) return entry.update(data);
    entry.problem ??= `unpacks to more than its ${limit} bytes`;
    stream.destroy();
  });
  return {
    write: (data) =>
      stream.destroyed
        ? gone
        : Promise.race([gone, new Promise<void>((done) => void stream.write(data, () => done()))]),
    async end() {
      if (!stream.destroyed) stream.end();
      await gone;
    },
  };
}
