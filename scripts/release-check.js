#!/usr/bin/env node
/**
 * Tests a release as its users would use it: packs it as `npm publish` does, checks its types and its manifest, installs it in
 * a clean folder without running any script, and uses it. Needs the registry. Exits with 1 at the first problem.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONSUMER, EXPECTED } from './consumer.js';
import { makeReleaseFiles } from './make-release-files.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dji-ota-release-'));
const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const env = { ...process.env, DJI_OTA_HOME: join(folder, 'home') };

function run(program, args, options = {}) {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
}

function step(what, work) {
  const start = Date.now();
  const said = work();
  console.log(`ok  ${what}${said ? `: ${said}` : ''} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
}

function mustBe(found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`found ${JSON.stringify(found)} in place of ${JSON.stringify(wanted)}`);
  }
}

/** The sizes in the README, in MB: packed, unpacked, and on disk after the installation. */
const stated = /a package of ([\d.]+) MB \(([\d.]+) MB\s+unpacked,\s+([\d.]+) MB with/
  .exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))
  ?.slice(1)
  .map(Number);
if (!stated) throw new Error('the README does not say how large the package is');

function mustBeAbout(bytes, megabytes) {
  const found = bytes / 1e6;
  // File systems and rounding make a difference, so 15 % is allowed.
  if (Math.abs(found - megabytes) > megabytes * 0.15 + 0.05) {
    throw new Error(`the README says ${megabytes} MB, it is ${found.toFixed(1)} MB`);
  }
}

const local = (tool) => join(ROOT, 'node_modules', '.bin', tool);

try {
  let tarball = '';
  step('packed', () => {
    const [packed] = JSON.parse(
      run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT }).replace(/^[^[]*/, ''),
    );
    tarball = join(folder, packed.filename);
    if (!packed.files.some(({ path }) => path === 'dist/dji-ota.1')) throw new Error('the man page is missing');
    mustBeAbout(packed.size, stated[0]);
    mustBeAbout(packed.unpackedSize, stated[1]);
    return `${(packed.size / 1000).toFixed(0)} kB, ${(packed.unpackedSize / 1000).toFixed(0)} kB unpacked, ${packed.files.length} files`;
  });
  step('publint', () => void run(local('publint'), ['run', tarball, '--strict']));
  // CommonJS programs can use import(), so only ES modules are promised.
  step('types', () => void run(local('attw'), [tarball, '--profile', 'esm-only', '--no-color']));
  step('installed without scripts', () => {
    for (const [file, text] of Object.entries(CONSUMER)) writeFileSync(join(folder, file), text);
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball]);
    const installed = JSON.parse(run('npm', ['ls', '--all', '--parseable', '--json']));
    if (installed.problems) throw new Error(installed.problems.join('\n'));
    const size = run('du', ['-sk', 'node_modules']).split('\t')[0];
    mustBeAbout(Number(size) * 1024, stated[2]);
    return `${((Number(size) * 1024) / 1e6).toFixed(1)} MB installed`;
  });
  const bin = join(folder, 'node_modules', '.bin', name);
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  step('--version', () => mustBe(run(bin, ['--version']).trim(), version));
  step('push --simulate', () => {
    const lines = run(bin, ['push', 'examples/manifest.json', '--simulate', '--output', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { event, exit_code, totals } = JSON.parse(lines.trim().split('\n').at(-1));
    mustBe([event, exit_code, totals.failed], ['run_finished', 0, 0]);
    return `${totals.ok} devices ok`;
  });
  step('installed for the whole machine, with its manual', () => {
    const prefix = join(folder, 'global');
    run('npm', [
      'install',
      '-g',
      '--prefix',
      prefix,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      tarball,
    ]);
    mustBe(run(join(prefix, 'bin', name), ['--version']).trim(), version);
    if (!existsSync(join(prefix, 'share', 'man', 'man1', `${name}.1`)))
      throw new Error('npm has not linked the man page');
  });
  const firmware = join(folder, 'examples', 'firmware', 'Dock3_17.07.04.01_pro.zip');
  for (const program of ['module.mjs', 'common.cjs']) {
    step(program, () => mustBe(JSON.parse(run(process.execPath, [program, firmware])), EXPECTED));
  }
  step('TypeScript', () => {
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '@types/node@20']);
    run(local('tsc'), ['-p', '.']);
  });
  step('the container image’s own steps', () => run('node', [join(ROOT, 'scripts', 'try-dockerfile.js')]).trim());
  step('the action’s own steps', () => run('node', [join(ROOT, 'scripts', 'try-action.js')]).trim());
  const release = join(ROOT, 'dist', 'release');
  step('the executable, the bill of materials and their checksums', () => {
    makeReleaseFiles(release);
    run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: release });
    const { components } = JSON.parse(readFileSync(join(release, 'dji-ota.cdx.json'), 'utf8'));
    return `${components.length} packages are inside`;
  });
  step('the executable, in an empty folder', () => {
    // Neither Node nor anything of this repository is found from there.
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const alone = { cwd: empty, env: { HOME: empty, PATH: empty } };
    const executable = join(release, `${name}-linux-x64`);
    mustBe(run(executable, ['--version'], alone).trim(), version);
    if (!run(executable, ['--help'], alone).includes('push')) throw new Error('its help names no push');
    const about = JSON.parse(run(executable, ['inspect', firmware, '--output', 'json'], alone));
    mustBe(about.file_size, readFileSync(firmware).length);
    const options = { ...alone, stdio: ['ignore', 'pipe', 'ignore'] };
    const lines = run(executable, ['push', '--simulate', '--output', 'json'], options);
    const { event, exit_code, totals } = JSON.parse(lines.trim().split('\n').at(-1));
    mustBe([event, exit_code, totals.failed], ['run_finished', 0, 0]);
    return `${totals.ok} devices ok`;
  });
} catch (error) {
  console.error(error.stdout ? `${error.message}\n${error.stdout}` : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
