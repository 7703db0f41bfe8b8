/** Tells whether the process that writes a journal still lives: two must never write to one. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { OtaError } from '../errors.js';

interface Owner {
  pid: number;
  /** Tells a process from a later one with the same number, where the system says when it began. */
  started: string | null;
}

/**
 * Takes the lock `file` for this process; the result gives it back. Never throws there.
 * @throws OtaError `run_alive` where another living process has it; Node's own errors where the folder cannot be written.
 */
export async function takeLock(file: string, run: string): Promise<() => Promise<void>> {
  const me: Owner = { pid: process.pid, started: statOf(process.pid)?.[STARTED] ?? null };
  const mine = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(mine, JSON.stringify(me), { flag: 'wx', mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await claim(mine, file)) return () => unlink(file).catch(() => {});
      const text = await readText(file);
      const owner = ownerOf(text);
      if (owner && isAlive(owner)) {
        throw new OtaError('run_alive', `run ${run} is still going on, in process ${owner.pid}`, {
          hint: 'Wait for it, or end it first: it goes on following the upgrades.',
        });
      }
      if (text !== null) await removeStale(file, mine);
    }
  } finally {
    await unlink(mine).catch(() => {});
  }
  throw new OtaError('run_alive', `run ${run} is being taken up by another process`, { hint: 'Try again.' });
}

/** Whether the process that holds `file` lives. */
export async function isLocked(file: string): Promise<boolean> {
  const owner = ownerOf(await readText(file));
  return owner !== null && isAlive(owner);
}

// A link appears with its whole content or not at all: nobody ever reads a lock that is half written.
async function claim(mine: string, file: string): Promise<boolean> {
  try {
    await link(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
  }
  // File systems without links.
  try {
    await writeFile(file, await readFile(mine, 'utf8'), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes what a dead process left. One at a time, and only after another look: who was slower must not remove the lock that
 * a faster one has taken since.
 */
async function removeStale(file: string, mine: string): Promise<void> {
  const guard = `${file}.taking`;
  if (!(await claim(mine, guard))) {
    const owner = ownerOf(await readText(guard));
    if (owner && !isAlive(owner)) await unlink(guard).catch(() => {});
    else await wait(5);
    return;
  }
  try {
    const text = await readText(file);
    const owner = ownerOf(text);
    if (text !== null && !(owner && isAlive(owner))) await unlink(file).catch(() => {});
  } finally {
    await unlink(guard).catch(() => {});
  }
}

async function readText(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}

function ownerOf(text: string | null): Owner | null {
  try {
    const owner = JSON.parse(text ?? '') as Partial<Owner> | null;
    return Number.isSafeInteger(owner?.pid) ? { pid: owner?.pid as number, started: owner?.started ?? null } : null;
  } catch {
    return null;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = statOf(owner.pid);
  // Killed, and its parent has not asked for its end yet, which in a container without an init it may never do.
  if (stat?.[STATE] === 'Z' || stat?.[STATE] === 'X') return false;
  const started = stat?.[STARTED] ?? null;
  return started === null || owner.started === null || started === owner.started;
}

// Fields of /proc/<pid>/stat after the name, which may hold spaces and brackets itself.
const STATE = 0;
const STARTED = 19;

/** Null where the system has no such file. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
