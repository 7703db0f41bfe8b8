/**
 * The lease of a run: two processes must never write to one journal, or publish for one run. Its file is renewed every few
 * seconds. Whether a holder that cannot be asked (another machine, another container) still lives is decided by watching
 * the file's content for a minute of this process's own monotonic clock: neither the clocks of two machines nor file times,
 * which some network file systems take from the writer's clock, have to agree.
 */
import path from 'node:path';
import type { Clock } from '../clock.js';
import { type Disk, textIfThere } from '../disk.js';
import { OtaError } from '../errors.js';
import { type Machine, machineOf, thisMachine } from '../machine.js';
import { safeText } from '../text.js';
import { lifeOf, type Owner, ownerOf, thisOwner } from './owner.js';

/** Milliseconds between two renewals, and without one until a holder that cannot be asked has lost its lease. */
const RENEWAL = 5000;
const LEASE = 60_000;
/** Milliseconds between two looks at a lease whose holder cannot be asked. */
const LOOK = 500;
/** A take-over takes a moment; one that takes this long was left unfinished by a process that was killed in it. */
const GUARD = 5000;
const GUARD_LOOK = 20;
/** What was looked at so recently, milliseconds, is taken to be so still. */
const RECENT = 1000;
/** Digits of the count of renewals: each renewal writes over the one before, in as many bytes. */
const COUNT_DIGITS = 12;

/** Of names that differ only in case, which are one run, there is one lease. */
export function leaseFile(journal: string): string {
  return path.join(path.dirname(journal), `${path.basename(journal).toLowerCase()}.lock`);
}

/** What can be told of a lease without waiting. */
export interface Holder {
  pid: number;
  /** Null in a lease of an earlier version. */
  host: string | null;
  /** Of a holder that cannot be asked: whether its lease was renewed within the last minute, by the file's time. */
  alive: boolean;
  /** Wall milliseconds, by the file's time. */
  renewedAt: number;
}

/** What is left out of the machine is that of this one. */
export interface LeaseOptions extends Partial<Machine> {
  clock: Clock;
  /** Told once where it takes a while to find out whether the holder lives. */
  onWait(message: string): void;
  signal?: AbortSignal | undefined;
}

export interface Lease {
  /** Whether nobody else has taken it. `recent`: an answer of the last second will do. @throws Node's own errors */
  isOurs(recent: boolean): boolean;
  /** Gives it back. Never throws. */
  release(): Promise<void>;
}

/**
 * Takes the lease `file` for this process, and renews it until it is given back.
 * @param onTaken is told, once, that another process has it.
 * @throws OtaError `run_alive` where another process holds it; the signal's reason; Node's own errors where the folder cannot
 * be written.
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

/** Who holds the lease `file`; null where nobody does. */
export async function holderOf(file: string, wall: number, on: Machine = thisMachine): Promise<Holder | null> {
  const { disk, processes } = on;
  const owner = ownerOf((await textIfThere(file, disk).catch(() => null)) ?? '');
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

/** Whether the holder of the lease that reads `text` is gone. @throws OtaError `run_alive` where it lives */
async function isFree(file: string, text: string, run: string, me: Owner, on: On): Promise<boolean> {
  const { clock, disk } = on;
  const owner = ownerOf(text);
  if (owner === null) {
    // On a file system without links it may just be being written.
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

/** A link appears with its whole content or not at all: nobody ever reads a lease that is half written. */
async function placed(mine: string, file: string, disk: Disk): Promise<boolean> {
  try {
    await disk.link(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  // File systems without links.
  try {
    await disk.writeFile(file, await disk.readFile(mine, 'utf8'), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Puts `mine` in the place of the lease that reads `stale`. One process at a time, and only after another look: who was
 * slower must not replace the lease that a faster one has taken since.
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

  /** Looks, and renews: over the same bytes, which needs no room on a full disk. */
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
        // The disk may come back; before anything is published it is looked at again.
      }
      renewLater();
    });
  };
  renewLater();

  return {
    isOurs(recent) {
      // A process that was stopped, or whose machine slept, sees it by one clock or the other.
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
