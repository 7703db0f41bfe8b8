/** Measures a process from outside (Linux's `/proc`). */
import { readdirSync, readFileSync } from 'node:fs';

export const MEASURABLE = process.platform === 'linux';

/** Open file descriptors. */
export function descriptors(pid: number | undefined): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Megabytes in memory: now, or the maximum so far. 0 for a process that has just ended. */
export function memory(pid: number | undefined, when: 'now' | 'peak' = 'now'): number {
  const key = when === 'now' ? 'VmRSS' : 'VmHWM';
  const kilobytes = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}
