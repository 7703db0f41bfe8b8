#!/usr/bin/env node
/**
 * Writes the version of package.json wherever else a version to be used is named; `npm version` runs it. Measurements and
 * fixtures keep the version that they are of.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A tarball, a container image, and the tag of this action (whose commit in the examples is all zeros). */
const NAMED = [
  /(?<=dji-ota-)\d+\.\d+\.\d+(?=\.tgz)/g,
  /(?<=\/dji-ota:)\d+\.\d+\.\d+/g,
  /(?<=\b0{40}"? # v)\d+\.\d+\.\d+/g,
];

/**
 * The files that may name the version, by their paths below `root`.
 * @param {string} root
 */
export function filesWithVersion(root) {
  const below = (folder, ends) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((name) => ends.test(name) && !name.includes('/node_modules/'));
  const pages = readdirSync(root).filter((name) => /^README.*\.md$/.test(name));
  return [...pages, ...below('docs', /\.md$/), ...below('examples', /\.ya?ml$/)].sort();
}

/**
 * `text` with `version` in place of the one that it names.
 * @param {string} text
 * @param {string} version
 */
export function withVersion(text, version) {
  return NAMED.reduce((changed, pattern) => changed.replace(pattern, version), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const file of filesWithVersion(ROOT)) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const changed = withVersion(text, version);
    if (changed === text) continue;
    writeFileSync(join(ROOT, file), changed);
    console.log(file);
  }
}
