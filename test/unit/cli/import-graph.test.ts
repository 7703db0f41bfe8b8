/** What the built program loads. Start-up time matters, because CI jobs start it thousands of times. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, type Workplace, workplace } from '../../helpers/cli.js';

const PRELOAD = fileURLToPath(new URL('../../helpers/loaded.cjs', import.meta.url));
const PROGRAM = join(dirname(dirname(BIN)), 'dist', 'program');
const contents = JSON.parse(readFileSync(join(PROGRAM, 'contents.json'), 'utf8')) as Record<string, string[]>;
const HEAVY = ['aedes', 'chalk', 'cli-progress', 'conf', 'mqtt', 'ora', 'undici', 'yaml', 'zod'];

let place: Workplace;

beforeAll(async () => {
  place = await workplace();
});

afterAll(() => place.close());

/** The sources and packages that a command line loads, and its exit code. */
async function loadedBy(args: string[]): Promise<{ code: number | null; sources: string[]; packages: string[] }> {
  const file = join(place.folder, 'loaded.json');
  const { code } = await place.spawn(args, { node: ['--require', PRELOAD], env: { LOADED_FILES: file } }).ended;
  const files = (JSON.parse(readFileSync(file, 'utf8')) as string[]).filter((path) => path.startsWith(PROGRAM));
  const inside = files.flatMap((path) => contents[basename(path)] ?? [`unknown: ${path}`]);
  const packages = inside.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return {
    code,
    sources: inside.filter((path) => !path.startsWith('node_modules/')),
    packages: [...new Set(packages)].sort(),
  };
}

const heavyOf = (packages: string[]) => HEAVY.filter((name) => packages.includes(name));

describe('without work', () => {
  test.each([
    [['--version'], 0],
    [['--help'], 0],
    [['push', '--help'], 0],
    [[], 0],
    [['pusk'], 2],
    [['push', '--no-such-option'], 2],
    [['pusk', '--output', 'json'], 2],
  ])('%j loads nothing but commander', async (args, exitCode) => {
    const { code, sources, packages } = await loadedBy(args);
    expect(code).toBe(exitCode);
    expect(packages).toEqual(['commander']);
    expect(sources).toContain('src/cli/program.ts');
    expect(sources.filter((path) => path.startsWith('src/mqtt/') || path.startsWith('src/upgrade/push'))).toEqual([]);
  });
});

describe('push', () => {
  test('a dry run has neither broker nor simulator nor report in it', async () => {
    const manifest = await place.put('plain.json', [{ sn: 'A', pid: 'DOCK', version: '1.0.0' }]);
    const { code, sources, packages } = await loadedBy(['push', manifest, '--dry-run', '--output', 'json']);
    expect(code).toBe(0);
    expect(heavyOf(packages)).toEqual([]);
    expect(sources).toContain('src/cli/commands/push/push.ts');
    expect(sources.filter((path) => /^src\/(?:mqtt|simulator|render\/report)\//.test(path))).toEqual([]);
  });

  test('a run has mqtt in it, and none of aedes, reports, profiles and bars', async () => {
    const manifest = await place.put('plain.json', [{ sn: 'A', pid: 'DOCK', version: '1.0.0' }]);
    const args = ['push', manifest, '--broker', 'mqtt://127.0.0.1:1', '--connect-timeout', '100ms'];
    const { code, sources, packages } = await loadedBy([...args, '--output', 'json']);
    expect(code).toBe(4);
    expect(heavyOf(packages)).toEqual(['mqtt']);
    expect(sources.filter((path) => /^src\/(?:simulator|render\/report|render\/bars)\//.test(path))).toEqual([]);
  });

  test('only --simulate loads the broker', async () => {
    const manifest = await place.put('plain.json', [{ sn: 'A', pid: 'DOCK', version: '1.0.0' }]);
    const { code, packages } = await loadedBy(['push', manifest, '--simulate', 'refused', '--output', 'json']);
    expect(code).toBe(1);
    expect(heavyOf(packages)).toEqual(expect.arrayContaining(['aedes', 'mqtt']));
  });
});
