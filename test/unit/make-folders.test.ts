import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolders, makeFoldersSync } from '../../src/make-folders.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-folders-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ['later', makeFolders],
  ['at once', async (name: string, mode: number) => makeFoldersSync(name, mode)],
])('made %s', (_, make) => {
  it('makes what is missing, private, and takes what is there', async () => {
    const deep = path.join(folder, 'a', 'b', 'c');
    await make(deep, 0o700);
    await make(deep, 0o700);
    for (const name of ['a', 'a/b', 'a/b/c']) expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o700);
  });

  it('fails where a file is in the way', async () => {
    await writeFile(path.join(folder, 'a'), '');
    await expect(make(path.join(folder, 'a'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(make(path.join(folder, 'a', 'b'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it.skipIf(process.platform !== 'linux')('fails below a folder that was removed while it is held', async () => {
    const held = path.join(folder, 'held');
    await mkdir(held);
    const { open } = await import('node:fs/promises');
    const handle = await open(held);
    try {
      await rm(held, { recursive: true });
      await expect(make(`/proc/self/fd/${handle.fd}/a/b`, 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await handle.close();
    }
  });
});
