/** Two builds of the same sources are identical, so anyone can rebuild a release and compare checksums. */
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bundle } from '../../scripts/bundle.js';
import { packageFolders } from '../../scripts/notices.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The sources and the bundled packages, in another folder. */
async function anotherCheckout(to: string): Promise<void> {
  const contents = JSON.parse(await readFile(join(ROOT, 'dist', 'program', 'contents.json'), 'utf8')) as object;
  const packages = packageFolders('', Object.values(contents).flat() as string[]);
  for (const part of ['src', 'scripts', 'package.json', 'tsconfig.json', ...packages]) {
    await mkdir(dirname(join(to, part)), { recursive: true });
    await cp(join(ROOT, part), join(to, part), { recursive: true });
  }
  // The build tools.
  for (const tool of await readdir(join(ROOT, 'node_modules'))) {
    const link = join(to, 'node_modules', tool);
    await symlink(join(ROOT, 'node_modules', tool), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

test('a build in another folder gives the same files under the same names', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'dji-ota-another-checkout-')));
  try {
    await anotherCheckout(folder);
    const built = await bundle(folder);
    expect(built.length).toBeGreaterThan(20);
    const changed: string[] = [];
    for (const { path, text } of built) {
      const here = await readFile(join(ROOT, path), 'utf8').catch(() => null);
      if (here !== text) changed.push(path);
    }
    expect(changed).toEqual([]);
    expect(JSON.stringify(built)).not.toContain(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
