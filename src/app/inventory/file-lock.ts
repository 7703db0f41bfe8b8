/**
 * A lock file for changes of well under a second. It waits for the holder, and replaces the lock of a process that was killed.
 */
import { textIfThere } from '../../disk.js';
import { lifeOf, ownerOf, thisOwner } from '../../journal/owner.js';
import type { Machine } from '../../machine.js';

/** Milliseconds. A change takes well under a second, so an older lock was left by a killed process. */
const LOCK_STALE = 15_000;
const LOCK_RETRY = 50;

/** A lock that this process holds. `isOurs`: no other process has taken it. `release` never throws. */
interface FileLock {
  isOurs(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * Creates the lock file `file`, after waiting for a living process that has it.
 * @throws Error if it cannot be written
 */
export async function takeFileLock(file: string, on: Machine): Promise<FileLock> {
  const { clock, disk, processes } = on;
  const me = thisOwner(on);
  const text = JSON.stringify(me);
  const read = (name = file) => disk.readFile(name, 'utf8').catch(() => null);
  const remove = (name: string) => disk.unlink(name).catch(() => {});
  const isOurs = async () => (await read()) === text;
  for (let waited = 0; ; waited += LOCK_RETRY) {
    try {
      await disk.writeFile(file, text, { mode: 0o600, flag: 'wx' });
      return { isOurs, release: async () => ((await isOurs()) ? remove(file) : undefined) };
    } catch (error) {
      // If the disk is full, the file is created but stays empty.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        if ((await read()) === '') await remove(file);
        throw error;
      }
    }
    // Gone in the meantime: try again. A file that cannot be read for another reason may stay unreadable.
    const held = await textIfThere(file, disk);
    if (held === null) continue;
    const holder = ownerOf(held);
    const life = holder ? lifeOf(holder, me, processes) : 'unknown';
    const age = await disk.stat(file).then(
      ({ mtimeMs }) => clock.wall() - mtimeMs,
      () => 0,
    );
    if (life === 'dead' || (life === 'unknown' && age > LOCK_STALE) || waited > 2 * LOCK_STALE) {
      // Rename before removing: of two processes that find the lock stale, only one gets the file, and one that gets a fresh
      // lock puts it back.
      const stale = `${file}.${me.token}`;
      await disk.rename(file, stale).catch(() => {});
      if ((await read(stale)) !== held) await disk.link(stale, file).catch(() => {});
      await remove(stale);
      continue;
    }
    await new Promise<void>((resolve) => {
      clock.after(LOCK_RETRY, resolve);
    });
  }
}
