/** README, documentation and examples name the version of package.json, and the changelog begins with it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesWithVersion, withVersion } from '../../../scripts/set-version.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { version } = JSON.parse(textOf('package.json')) as { version: string };

test('every page and example names this version', () => {
  const files = filesWithVersion(ROOT);
  const naming = files.filter((file) => withVersion(textOf(file), '9.9.9') !== textOf(file));
  expect(naming).toEqual(expect.arrayContaining(['README.md', 'README.zh-CN.md', 'examples/gitlab-ci.yml']));
  expect(naming.filter((file) => withVersion(textOf(file), version) !== textOf(file))).toEqual([]);
});

test('the lock file has it', () => {
  const lock = JSON.parse(textOf('package-lock.json')) as { version: string; packages: { '': { version: string } } };
  expect([lock.version, lock.packages[''].version]).toEqual([version, version]);
});

test('the changelog has a section Unreleased, then this version', () => {
  const titles = [...textOf('CHANGELOG.md').matchAll(/^## (\S+)(?: \((\d{4}-\d{2}-\d{2})\))?$/gm)];
  expect(titles.map(([, title]) => title).slice(0, 2)).toEqual(['Unreleased', version]);
});
