import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

interface Locked {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
}

const { packages } = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../package-lock.json', import.meta.url)), 'utf8'),
) as { packages: Record<string, Locked> };
const entries = Object.entries(packages).filter(([path]) => path !== '');

test('each package of the lockfile is pinned by version and SHA-512, and none to a registry', () => {
  expect(entries.length).toBeGreaterThan(100);
  const open = entries.filter(
    ([, { version, integrity }]) => !version || !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''),
  );
  expect(open.map(([path]) => path)).toEqual([]);
  expect(entries.filter(([, { resolved, link }]) => resolved || link).map(([path]) => path)).toEqual([]);
});
