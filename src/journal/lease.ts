/**
 * The lease of a run: two processes must never write to one journal, or publish for one run. The holder renews the file every
 * few seconds. A holder on another machine or in another container cannot be asked whether it lives, so the content of the file
 * is observed for a minute of this process's monotonic clock. That does not depend on the clocks of two machines, nor on file
 * times, which some network file systems take from the writer's clock.
 */
import path from 'node:path';
import type { Clock } from '../clock.js';
import { type Disk, textIfThere } from '../disk.js';
import { OtaError } from '../errors.js';
import { type Machine, machineOf, thisMachine } from '../machine.js';
import { safeText } from '../text.js';
import { lifeOf, type Owner, ownerOf, thisOwner } from './owner.js';

/** Milliseconds between two renewals, and without a renewal until a holder on another machine has lost its lease. */
const RENEWAL = 5000;
const LEASE = 60_000;
/** Milliseconds between two looks at a lease whose holder is on another machine. */
const LOOK = 500;
/** Milliseconds after which a take-over counts as abandoned, because its process was killed. */
const GUARD = 5000;
const GUARD_LOOK = 20;
/** Milliseconds for which a result of a check may be reused. */
const RECENT = 1000;
/**
 * Digits of the renewal counter. The number of bytes is constant, so that each renewal overwrites the previous one in place.
 */
const COUNT_DIGITS = 12;

/** The lease file of a journal. Names that differ only in case are one run, and share one lease. */
export function leaseFile(journal: string): string {
  return path.join(path.dirname(journal), `${path.basename(journal).toLowerCase()}.lock`);
}

/** What a lease shows without waiting. */
export interface Holder {
  pid: number;
  /** Null in a lease of an earlier version. */
  host: string | null;
  /** For a holder on another machine: whether the lease was renewed within the last minute, by the file's time. */
  alive: boolean;
  /** Wall milliseconds, by the file's time. */
  renewedAt: number;
}

/** Parts of the machine that are not given are those of this process. */
export interface LeaseOptions extends Partial<Machine> {
  clock: Clock;
  /** Called once if it takes a while to find out whether the holder lives. */
  onWait(message: string): void;
  signal?: AbortSignal | undefined;
}

/** A lease that this process holds. */
export interface Lease {
  /** Whether no other process has taken it. `recent`: a result of the last second is enough. @throws Node's own errors */
  isOurs(recent: boolean): boolean;
  /** Releases it. Never throws. */
  release(): Promise<void>;
}

/**
 * Takes the lease `file` for this process, and renews it until it is released.
 * @param onTaken called once if another process takes it
 * @throws OtaError `run_alive` if another process holds it; the signal's reason; Node's own errors if the folder is not
 * writable
 */
export async function takeLease(file: string, run: string, options: LeaseOptions, onTaken: () => void): Promise<Lease> {
  const { onWait, signal } = options;
  const on = { ...machineOf(options), onWait, signal };
  const { disk } = on;
  const me = thisOwner(on);
  const mine = `${file}.${me.token}`;
  await disk.writeFile(mine, textOf(me, 0), { flag: 'wx', mode: 0o600 });
  try {
    await claim(file, mine, run, me, on);
  } finally {
    await disk.unlink(mine).catch(() => {});
  }
  return held(file, me, on, onTaken);
}

/** The holder of the lease `file`; null = nobody holds it. @throws Node's own errors if it cannot be read */
export async function holderOf(file: string, wall: number, on: Machine = thisMachine): Promise<Holder | null> {
  const { disk, processes } = on;
  const owner = ownerOf((await textIfThere(file, disk)) ?? '');
  if (owner === null) return null;
  const renewedAt = await disk.stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  const life = lifeOf(owner, thisOwner(on), processes);
  const alive = life === 'alive' || (life === 'unknown' && Math.abs(wall - renewedAt) < LEASE);
  return { pid: owner.pid, host: owner.host, alive, renewedAt };
}

type On = LeaseOptions & Machine;

async function claim(file: string, mine: string, run: string, me: Owner, on: On): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await placed(mine, file, on.disk)) return;
    const text = await textIfThere(file, on.disk);
    if (text === null) continue;
    const free = await isFree(file, text, run, me, on);
    if (free && (await takeOver(file, text, mine, on))) return;
  }
  throw new OtaError('run_alive', `run ${run} is being resumed by another process`, { hint: 'Try again.' });
}

/** Whether the holder of a lease with the content `text` is gone. @throws OtaError `run_alive` if it is alive */
async function isFree(file: string, text: string, run: string, me: Owner, on: On): Promise<boolean> {
  const { clock, disk } = on;
  const owner = ownerOf(text);
  if (owner === null) {
    // On a file system without hard links, the file may be in the middle of being written.
    if (text === '') await pause(LOOK, on);
    return (await textIfThere(file, disk)) === text;
  }
  const life = lifeOf(owner, me, on.processes);
  if (life === 'dead') return true;
  if (life === 'alive') throw goingOn(run, `in process ${owner.pid}`);
  const where = `in process ${owner.pid} on ${safeText(owner.host ?? '', 64)}`;
  const until = clock.now() + LEASE;
  on.onWait(
    `run ${run} was running ${where}, which cannot be checked from here: waiting up to ${LEASE / 1000} s to see whether it is alive`,
  );
  while (clock.now() < until) {
    await pause(Math.min(LOOK, until - clock.now()), on);
    const now = await textIfThere(file, disk);
    if (now === text) continue;
    if (now !== null && ownerOf(now)?.token === owner.token) throw goingOn(run, where);
    return false;
  }
  return true;
}

function goingOn(run: string, where: string): OtaError {
  return new OtaError('run_alive', `run ${run} is still running, ${where}`, {
    hint: 'Wait until it ends, or stop it first: it is still following the upgrades.',
  });
}

/** Creates the lease by a hard link, which appears with its whole content or not at all, so nobody reads half a lease. */
async function placed(mine: string, file: string, disk: Disk): Promise<boolean> {
  try {
    await disk.link(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  // For file systems without hard links.
  try {
    await disk.writeFile(file, await disk.readFile(mine, 'utf8'), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Replaces the lease with the content `stale` by `mine`. A guard file admits one process at a time, and the content is compared
 * again, so that a slow process does not replace the lease that a faster one has just taken.
 */
async function takeOver(file: string, stale: string, mine: string, { clock, disk }: Machine): Promise<boolean> {
  const guard = `${file}.taking`;
  if (!(await placed(mine, guard, disk))) {
    const other = await textIfThere(guard, disk);
    const until = clock.now() + GUARD;
    while (other !== null && (await textIfThere(guard, disk)) === other) {
      if (clock.now() >= until) await disk.unlink(guard).catch(() => {});
      else await pause(GUARD_LOOK, { clock });
    }
    return false;
  }
  try {
    if ((await textIfThere(file, disk)) !== stale) return false;
    await disk.rename(mine, file);
    return true;
  } finally {
    await disk.unlink(guard).catch(() => {});
  }
}

function held(file: string, me: Owner, { clock, disk }: Machine, onTaken: () => void): Lease {
  let count = 0;
  let ours = true;
  let looked = { now: clock.now(), wall: clock.wall() };

  /** Checks that the lease is still ours, and renews it. Overwriting the same bytes needs no space on a full disk. */
  function look(): boolean {
    if (!ours) return false;
    const fd = openExisting(file, disk);
    try {
      const text = fd === null ? '' : readStart(fd, disk);
      if (fd === null || ownerOf(text)?.token !== me.token) {
        ours = false;
        stop();
        onTaken();
        return false;
      }
      const bytes = Buffer.from(textOf(me, ++count));
      disk.writeSync(fd, bytes, 0, bytes.length, 0);
      looked = { now: clock.now(), wall: clock.wall() };
    } finally {
      if (fd !== null) disk.closeSync(fd);
    }
    return true;
  }

  let stop = () => {};
  const renewLater = () => {
    stop = clock.after(RENEWAL, () => {
      try {
        if (!look()) return;
      } catch {
        // The disk may recover. The lease is checked again before anything is published.
      }
      renewLater();
    });
  };
  renewLater();

  return {
    isOurs(recent) {
      // If the process was stopped or the machine slept, at least one of the two clocks shows it.
      const since = Math.max(clock.now() - looked.now, Math.abs(clock.wall() - looked.wall));
      return recent && since < RECENT ? ours : look();
    },
    async release() {
      stop();
      if (!ours) return;
      ours = false;
      const text = await textIfThere(file, disk).catch(() => null);
      if (text !== null && ownerOf(text)?.token === me.token) await disk.unlink(file).catch(() => {});
    },
  };
}

function openExisting(file: string, disk: Disk): number | null {
  try {
    return disk.openSync(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function readStart(fd: number, disk: Disk): string {
  const bytes = Buffer.alloc(4096);
  return bytes.toString('utf8', 0, disk.readSync(fd, bytes, 0, bytes.length, 0));
}

function textOf(owner: Owner, count: number): string {
  return JSON.stringify({ ...owner, renewals: String(count).padStart(COUNT_DIGITS, '0') });
}

function pause(ms: number, { clock, signal }: { clock: Clock; signal?: AbortSignal | undefined }): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(signal?.reason instanceof OtaError ? signal.reason : new OtaError('interrupted', 'interrupted'));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
