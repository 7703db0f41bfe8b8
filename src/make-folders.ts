/**
 * `mkdir -p`. Node's own (`recursive: true`) never returns below a folder that was removed while it is a working folder or a
 * mount point: creating that folder reports that it exists, but nothing can be created in it.
 */
import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Creates `folder` and its parents. @throws Node's own error, for example `ENOENT` below a removed folder, `ENOTDIR`, `EACCES`
 */
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

/** The synchronous {@link makeFolders}. */
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
