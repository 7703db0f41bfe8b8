/**
 * Windows refuses to rename, replace or remove a file while another process has it open, such as a virus scanner or a search
 * index.
 */
import { type Clock, systemClock } from './clock.js';

const BUSY: ReadonlySet<unknown> = new Set(['EPERM', 'EACCES', 'EBUSY']);
/** Milliseconds: how long in all, and the longest pause between two attempts. */
const PATIENCE = 2000;
const LONGEST_PAUSE = 200;

/**
 * The result of `work`. On Windows it is repeated for up to 2 s while the system reports that the file is busy.
 * @throws what `work` throws at its last attempt
 */
export async function whenFree<T>(
  work: () => Promise<T>,
  platform: NodeJS.Platform = process.platform,
  clock: Clock = systemClock,
): Promise<T> {
  if (platform !== 'win32') return work();
  for (let waited = 0, pause = 10; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (error) {
      if (waited >= PATIENCE || !BUSY.has((error as NodeJS.ErrnoException).code)) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.after(pause, resolve);
    });
    waited += pause;
  }
}
