/** Writes files completely or not at all. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { systemDisk } from './disk.js';

/**
 * Writes `text` to a temporary file and renames it to `file`, so that nobody reads an incomplete file.
 * @param exclusive do not replace an existing file: fails with `EEXIST`
 */
export async function writeWhole(file: string, text: string, exclusive = false): Promise<void> {
  // In the same folder, because a rename is atomic only within a file system.
  const part = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(4).toString('hex')}.part`);
  const { link, rename, unlink, writeFile } = systemDisk;
  try {
    await writeFile(part, text, { flag: 'wx' });
    if (!exclusive) return await rename(part, file);
    await link(part, file).catch((error: NodeJS.ErrnoException) => {
      // For file systems without hard links.
      if (error.code === 'EEXIST') throw error;
      return writeFile(file, text, { flag: 'wx' });
    });
    await unlink(part);
  } catch (error) {
    await unlink(part).catch(() => {});
    throw error;
  }
}
