/** Files that are written whole or not at all. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { systemDisk } from './disk.js';

/**
 * Writes `text` beside `file` and puts it in place in one step, so that nobody reads a half of it.
 * @param exclusive what is there already stays: fails with `EEXIST`.
 */
export async function writeWhole(file: string, text: string, exclusive = false): Promise<void> {
  // In the same folder, since only there a rename replaces the file in one step.
  const part = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(4).toString('hex')}.part`);
  const { link, rename, unlink, writeFile } = systemDisk;
  try {
    await writeFile(part, text, { flag: 'wx' });
    if (!exclusive) return await rename(part, file);
    await link(part, file).catch((error: NodeJS.ErrnoException) => {
      // Not every file system has links.
      if (error.code === 'EEXIST') throw error;
      return writeFile(file, text, { flag: 'wx' });
    });
    await unlink(part);
  } catch (error) {
    await unlink(part).catch(() => {});
    throw error;
  }
}
