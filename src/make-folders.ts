/**
 * `mkdir -p`, in place of Node's own (`recursive: true`), which never ends below a folder that was removed while it is a working
 * folder or a mount: there the folder is said to exist, and nothing can be made in it.
 */
import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** @throws Node's own error, e.g. `ENOENT` below a folder that was removed, `ENOTDIR`, `EACCES` */
export async function makeFolders(folder: string, mode: number): Promise<void> {
  const make = () =>
    mkdir(folder, { mode }).catch(async (error: unknown) => {
      const there = mayExist(error) && (await stat(folder).catch(() => null))?.isDirectory();
      if (!there) throw error;
    });
  try {
    await make();
  } catch (error) {
    if (!lacksParent(error, folder)) throw error;
    await makeFolders(path.dirname(folder), mode);
    await make();
  }
}

/** {@link makeFolders}, at once. */
export function makeFoldersSync(folder: string, mode: number): void {
  const make = () => {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      if (!(mayExist(error) && statSync(folder, { throwIfNoEntry: false })?.isDirectory())) throw error;
    }
  };
  try {
    make();
  } catch (error) {
    if (!lacksParent(error, folder)) throw error;
    makeFoldersSync(path.dirname(folder), mode);
    make();
  }
}

/** Of a folder that is there Windows may say `EPERM` (`D:\\`) or `EACCES`, and macOS `EISDIR` (`/`). */
function mayExist(error: unknown): boolean {
  return ['EEXIST', 'EPERM', 'EACCES', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function lacksParent(error: unknown, folder: string): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' && path.dirname(folder) !== folder;
}
