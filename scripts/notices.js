/** Collects the notices of the packages that are bundled into the program, as their licences require. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folders of the packages to which `inputs` (paths below `root`) belong.
 * @param {string} root
 * @param {readonly string[]} inputs
 */
export function packageFolders(root, inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input);
    if (found) folders.add(found[0]);
  }
  return [...folders].sort().map((folder) => join(root, folder));
}

/**
 * Name, version and licence text of each package to which one of `inputs` (paths below `root`) belongs.
 * @param {string} root
 * @param {readonly string[]} inputs
 * @throws Error if a package has no licence, because it may not be distributed then
 */
export function notices(root, inputs) {
  const parts = packageFolders(root, inputs).map(noticeOf);
  return `The program is made of dji-ota itself (MIT, see LICENSE) and of these packages.\n\n${[...new Set(parts)].join('\n')}`;
}

function noticeOf(folder) {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(packageFolder(folder), 'package.json'), 'utf8'),
  );
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|-|$)/i.test(each));
  if (!file && !license) throw new Error(`${name} has no licence`);
  const holder = typeof author === 'string' ? author : (author?.name ?? 'its contributors');
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `${license}, copyright ${holder}`;
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`;
}

function packageFolder(folder) {
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(dirname(folder));
}
