/** Finds the devices of a job that a run on this machine published, so that `watch` can name them. */
import path from 'node:path';
import type { Clock } from '../clock.js';
import { type Disk, systemDisk } from '../disk.js';
import { object, type WatchedDevice } from '../protocol/messages.js';
import { factOf } from './check-fact.js';
import { planRecord } from './check-plan.js';
import type { KeptDevice } from './record.js';
import { readLine } from './record.js';

/** How many journals are searched, the newest first, and how many bytes of each: jobs are opened early in a run. */
const MOST_FILES = 30;
const MOST_BYTES = 8 * 1024 * 1024;
/** Milliseconds between two reads of the folder, so that a flood of unknown ids does not keep the disk busy. */
const LOOK_EVERY = 5000;
const OPENED = '"type":"job_opened"';

/**
 * Looks up a `bid` in the journals of `folder`, which need not exist. Files are read on the first lookup, and again only if
 * they have changed. Never throws.
 */
export function knownJobs(
  folder: string,
  clock: Clock,
  disk: Disk = systemDisk,
): (bid: string) => readonly WatchedDevice[] | null {
  const jobs = new Map<string, readonly WatchedDevice[]>();
  const sizes = new Map<string, number>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  function look(): void {
    lookedAt = clock.now();
    for (const file of newest(folder, disk)) {
      try {
        const { size } = disk.statSync(file);
        if (sizes.get(file) === size) continue;
        sizes.set(file, size);
        for (const [bid, devices] of jobsOf(readStart(file, size, disk))) jobs.set(bid, devices);
      } catch {
        // Just removed, or owned by another user.
      }
    }
  }

  return (bid) => {
    if (!jobs.has(bid) && clock.now() - lookedAt >= LOOK_EVERY) look();
    return jobs.get(bid) ?? null;
  };
}

function newest(folder: string, disk: Disk): string[] {
  try {
    const names = disk.readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
    return names
      .sort()
      .slice(-MOST_FILES)
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function readStart(file: string, size: number, disk: Disk): string {
  const bytes = Buffer.alloc(Math.min(size, MOST_BYTES));
  const fd = disk.openSync(file, 'r');
  try {
    return bytes.toString('utf8', 0, disk.readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    disk.closeSync(fd);
  }
}

function* jobsOf(text: string): Generator<[bid: string, devices: WatchedDevice[]]> {
  let plan: readonly KeptDevice[] = [];
  for (const line of text.split('\n')) {
    // Most lines are progress: skip them without parsing.
    if (plan.length > 0 && !line.includes(OPENED)) continue;
    const record = object(readLine(line)?.record);
    if (!record) continue;
    if (record.kind === 'plan') plan = planRecord(record)?.devices ?? [];
    const fact = factOf(record);
    if (fact?.type !== 'job_opened') continue;
    const devices = fact.devices.flatMap((index) => plan[index] ?? []);
    yield [fact.bid, devices.map(({ sn, product_version }) => ({ sn, product_version }))];
  }
}
