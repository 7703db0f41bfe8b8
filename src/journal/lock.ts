/** Tells whether the process that writes a journal still lives: two must never write to one. */
import { readFileSync } from 'node:fs';
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { OtaError } from '../errors.js';

interface Owner {
  pid: number;
  /** Tells a process from a later one with the same number, where the system says when it began. */
  started: string | null;
}

/**
 * Takes the lock `file` for this process; the result gives it back. Never throws there.
 * @throws OtaError `run_alive` where another living process has it.
 */
export async function takeLock(file: string, run: string): Promise<() => Promise<void>> {
  const me: Owner = { pid: process.pid, started: startOf(process.pid) };
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await writeFile(file, JSON.stringify(me), { flag: 'wx', mode: 0o600 });
      return () => unlink(file).catch(() => {});
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = await readOwner(file);
    if (owner && isAlive(owner)) {
      throw new OtaError('run_alive', `run ${run} is still going on, in process ${owner.pid}`, {
        hint: 'Wait for it, or end it first: it goes on following the upgrades.',
      });
    }
    // Left by a process that died. Moved away first, so that of two that find it only one removes it.
    const stale = `${file}.${process.pid}.stale`;
    await rename(file, stale).catch(() => {});
    await unlink(stale).catch(() => {});
  }
  throw new OtaError('run_alive', `run ${run} is being taken up by another process`, { hint: 'Try again.' });
}

/** Whether the process that holds `file` lives. */
export async function isLocked(file: string): Promise<boolean> {
  const owner = await readOwner(file);
  return owner !== null && isAlive(owner);
}

async function readOwner(file: string): Promise<Owner | null> {
  try {
    const owner = JSON.parse(await readFile(file, 'utf8')) as Partial<Owner>;
    return Number.isSafeInteger(owner.pid) ? { pid: owner.pid as number, started: owner.started ?? null } : null;
  } catch {
    return null;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startOf(owner.pid);
  return started === null || owner.started === null || started === owner.started;
}

// Field 22 of /proc/<pid>/stat; the name before it may hold spaces and brackets.
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
