/** The tarball: its contents, and that it works when unpacked. `npm run release:check` does the same with an install. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONSUMER, EXPECTED } from '../../scripts/consumer.js';
import { filesUnder, importsOf } from '../helpers/imports.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  dependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
};

let folder: string;
let installed: string;
let files: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dji-ota-package-'));
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const [tarball] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  files = tarball.files.map(({ path }) => path).sort();
  // As npm installs it, with what a TypeScript project also has.
  installed = join(folder, 'node_modules', 'dji-ota');
  await mkdir(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, tarball.filename), '-C', installed, '--strip-components=1']);
  for (const name of ['@types/node', 'undici-types']) {
    const from = join(ROOT, 'node_modules', name);
    if (!existsSync(from)) continue;
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true });
    await symlink(from, join(folder, 'node_modules', name));
  }
  for (const [name, text] of Object.entries(CONSUMER)) await writeFile(join(folder, name), text);
  await cp(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const bin = () => join(installed, 'bin', 'dji-ota.js');
const home = () => ({ PATH: process.env.PATH ?? '', HOME: folder, DJI_OTA_HOME: join(folder, 'home') });

describe('what is in it', () => {
  test('the program, its types, and the documents', () => {
    const other = files.filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path));
    const papers = [
      'CHANGELOG.md',
      'CODE_OF_CONDUCT.md',
      'LICENSE',
      'README.md',
      'README.zh-CN.md',
      'SECURITY.md',
      'bin/dji-ota.js',
      'package.json',
    ];
    // The markers for CommonJS in an ES module package, and the licences of the bundled packages.
    papers.push('bin/package.json', 'dist/program/NOTICES.txt', 'dist/program/package.json');
    // The man page is only made for a release.
    const shown = /^(docs|examples)\//;
    expect(other.filter((path) => path !== 'dist/dji-ota.1' && !shown.test(path))).toEqual(papers.sort());
    // The files that help and README name are there after an install.
    const named = ['docs/manifest.md', 'examples/manifest.json', 'examples/scenarios/rollout.yaml'];
    expect(files).toEqual(expect.arrayContaining(named));
    const links = [...readFileSync(join(installed, 'README.md'), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)];
    const dead = links.map(([, path]) => path ?? '').filter((path) => !existsSync(join(installed, path)));
    expect(dead).toEqual([]);
    expect(files.filter((path) => /^(test|bench)\/|\.test\.|\.map$|^tsconfig/.test(path))).toEqual([]);
  });

  test('every module that is imported, and nothing that would have to be installed beside it', () => {
    const missing = [bin(), ...filesUnder(join(installed, 'dist'), '.js')].flatMap((file) =>
      importsOf(readFileSync(file, 'utf8'))
        .filter(({ specifier }) => !specifier.startsWith('node:') && !builtinModules.includes(specifier))
        .filter(({ specifier }) => !specifier.startsWith('.') || !existsSync(resolve(dirname(file), specifier)))
        .map(({ specifier }) => `${relative(installed, file)}: ${specifier}`),
    );
    expect(missing).toEqual([]);
    expect(manifest.dependencies ?? {}).toEqual({});
  });

  test('every type that the library names', () => {
    const seen = new Set<string>();
    const queue = [join(installed, 'dist', 'types', 'index.d.ts')];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      for (const { specifier } of importsOf(readFileSync(file, 'utf8'))) {
        if (specifier.startsWith('.')) queue.push(resolve(dirname(file), specifier.replace(/\.js$/, '.d.ts')));
        // Users would have to install a package whose types ours use.
        else expect(specifier).toMatch(/^node:/);
      }
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  test('what is built in is declared by carets', () => {
    expect(Object.entries(manifest.devDependencies).filter(([, range]) => !/^\^\d/.test(range))).toEqual([]);
  });
});

describe('as it is unpacked', () => {
  test('the program runs', () => {
    const run = (...args: string[]) => spawnSync(process.execPath, [bin(), ...args], { cwd: folder, env: home() });
    expect(run('--version').stdout.toString().trim()).toBe(manifest.version);
    const alone = run('push', '--simulate', 'refused', '--dry-run');
    expect(alone.status).toBe(0);
    expect(alone.stderr.toString()).toContain(`the built-in example ${join(installed, 'examples', 'manifest.json')}`);
    expect(alone.stdout.toString()).toContain('4 devices on 2 gateways');
    const simulated = run('push', 'examples/manifest.json', '--simulate', 'refused', '--output', 'json');
    expect(simulated.status).toBe(1);
    const last = simulated.stdout.toString().trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ event: 'run_finished', exit_code: 1 });
  });

  test.each(['module.mjs', 'common.cjs'])('the library runs from %s', async (program) => {
    const firmware = (await readdir(join(folder, 'examples', 'firmware')))[0] ?? '';
    const args = [join(folder, program), join(folder, 'examples', 'firmware', firmware)];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      cwd: folder,
      env: home(),
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    // The only line is the program's own: the library prints nothing.
    expect(JSON.parse(stdout)).toEqual(EXPECTED);
  });

  test('its types are those of a strict TypeScript project', () => {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
