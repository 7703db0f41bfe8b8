import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { filesUnder, type Import, importsOf, withoutComments } from '../../helpers/imports.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SRC = join(ROOT, 'src');

const LOWER = ['protocol', 'settings', 'manifest', 'firmware', 'mqtt', 'fleet', 'recording', 'simulator'];

/**
 * DESIGN "Rooms", from the ground up. A room imports from itself and from what its row lists, including types. `mqtt/broker` is
 * one file of a room: the interface, without the client.
 */
const ROOMS: Record<string, readonly string[]> = {
  // The files outside the folders, except index.ts.
  ground: [],
  protocol: [],
  settings: ['ground', 'mqtt/broker'],
  manifest: ['ground', 'protocol'],
  firmware: ['ground', 'protocol', 'manifest/model'],
  mqtt: ['ground', 'protocol'],
  fleet: ['ground', 'protocol', 'mqtt/broker'],
  recording: ['ground', 'protocol'],
  simulator: ['ground', 'protocol', 'recording', 'mqtt/broker', 'manifest/model', 'settings/duration'],
  upgrade: ['ground', 'protocol', 'fleet', 'mqtt/broker', 'manifest/model', 'firmware/prepare', 'settings/duration'],
  journal: ['ground', 'protocol', 'upgrade', 'manifest/model'],
  // The use cases, for the command line and for index.ts.
  app: ['ground', ...LOWER, 'upgrade', 'journal', 'render/report'],
  // The library: what app offers, and the types of its results.
  index: ['app', 'ground', ...LOWER, 'upgrade', 'render/report/model'],
  render: ['ground', 'protocol', 'upgrade', 'fleet', 'manifest/model', 'firmware/read/progress'],
  cli: ['*'],
};

/** Packages that only one room, or a few, may use. */
const PACKAGES: Record<string, readonly string[]> = {
  aedes: ['simulator'],
  chalk: ['render'],
  'cli-progress': ['render'],
  commander: ['cli'],
  conf: ['settings'],
  mqtt: ['mqtt'],
  ora: ['render'],
  undici: ['firmware'],
  sax: ['firmware'],
  yauzl: ['firmware'],
};

/** Rooms that may use a terminal. */
const TERMINAL = ['cli', 'render'];

/** What `dji-ota --version` must not load (DESIGN "Traps": 60 to 90 ms each). */
const HEAVY = ['mqtt', 'zod', 'conf', 'ora', 'aedes', 'undici', 'yaml', 'yauzl', 'sax', 'cli-progress'];

function roomOf(file: string): string {
  const path = relative(SRC, file).split(sep);
  if (path.length > 1) return path[0] ?? '';
  return path[0] === 'index.ts' ? 'index' : 'ground';
}

/** The source that a relative import names. */
function targetOf(file: string, specifier: string): string {
  return resolve(dirname(file), specifier.replace(/\.js$/, '.ts'));
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

const sources = filesUnder(SRC, '.ts').map((file) => {
  const text = readFileSync(file, 'utf8');
  return { file, name: relative(ROOT, file), room: roomOf(file), text, imports: importsOf(text) };
});

describe('rooms', () => {
  test('every room of the source has its row', () => {
    const rooms = [...new Set(sources.map(({ room }) => room))];
    expect(rooms.filter((room) => !(room in ROOMS))).toEqual([]);
  });

  test('nothing imports upward', () => {
    const wrong = sources.flatMap(({ file, name, room, imports }) => {
      const allowed = ROOMS[room] ?? [];
      return imports.flatMap(({ specifier }) => {
        if (!specifier.startsWith('.')) return [];
        const target = targetOf(file, specifier);
        const to = roomOf(target);
        const module = relative(SRC, target).split(sep).join('/').replace(/\.ts$/, '');
        const fine =
          to === room || allowed.some((each) => ['*', to, module].includes(each) || module.startsWith(`${each}/`));
        return fine ? [] : [`${name} -> ${module}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('every relative import names a file that exists, with its .js', () => {
    const wrong = sources.flatMap(({ file, name, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('.') && !specifier.endsWith('.json'))
        .filter(({ specifier }) => !specifier.endsWith('.js') || !existsSync(targetOf(file, specifier)))
        .map(({ specifier }) => `${name} -> ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

/**
 * Groups of files that import each other, including types and dynamic imports: none of them can be understood or changed alone.
 */
function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file) ?? 0);
    open.push(file);
    for (const to of edges.get(file) ?? []) {
      if (!order.has(to)) visit(to);
      if (open.includes(to)) lowest.set(file, Math.min(lowest.get(file) ?? 0, lowest.get(to) ?? 0));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const circle = open.splice(open.indexOf(file));
    if (circle.length > 1 || edges.get(file)?.includes(file)) found.push(circle.sort());
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
  return found;
}

test('no file imports itself, directly or through others', () => {
  const edges = new Map(
    sources.map(({ file, name, imports }) => [
      name,
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => relative(ROOT, targetOf(file, specifier))),
    ]),
  );
  expect(circles(edges)).toEqual([]);
  expect(
    circles(
      new Map([
        ['a', ['b']],
        ['b', ['c', 'd']],
        ['c', ['a']],
        ['d', []],
      ]),
    ),
  ).toEqual([['a', 'b', 'c']]);
});

describe('names', () => {
  /** Names that do not say what a file does. */
  const VAGUE = [
    'common',
    'collect',
    'helpers',
    'misc',
    'others',
    'problem',
    'shared',
    'utils',
    'values',
    'wire',
    'words',
  ];

  test('none is so vague that it would fit any room', () => {
    const vague = sources.filter(({ name }) => VAGUE.includes(basename(name, '.ts'))).map(({ name }) => name);
    expect(vague).toEqual([]);
  });
});

describe('packages', () => {
  test('each is imported only where it belongs', () => {
    const wrong = sources.flatMap(({ name, room, imports }) =>
      imports.flatMap(({ specifier }) => {
        const allowed = PACKAGES[packageOf(specifier)];
        return allowed && !allowed.includes(room) ? [`${name} -> ${specifier}`] : [];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('each is declared (to be built in, so not as one that is installed), and Node’s own are named as such', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { devDependencies: object };
    const declared = new Set(Object.keys(manifest.devDependencies));
    const wrong = sources.flatMap(({ name, imports }) =>
      imports
        .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .filter(({ specifier }) => builtinModules.includes(specifier) || !declared.has(packageOf(specifier)))
        .map(({ specifier }) => `${name} -> ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

test('only cli and render know that there is a terminal', () => {
  const wrong = sources
    .filter(({ room }) => !TERMINAL.includes(room))
    .filter(({ text }) => /\bprocess\.(stdout|stderr|exit|exitCode)\b|\bconsole\./.test(withoutComments(text)))
    .map(({ name }) => name);
  expect(wrong).toEqual([]);
});

/** Everything that `entry` loads at its start: its static imports, and theirs. */
function loadedBy(
  entry: string,
  read: (file: string) => { imports: Import[]; resolve: (specifier: string) => string },
) {
  const seen = new Set<string>();
  const packages = new Map<string, string>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const { imports, resolve: to } = read(file);
    for (const { specifier, kind } of imports) {
      if (kind !== 'static') continue;
      if (specifier.startsWith('.')) queue.push(to(specifier));
      else if (!specifier.startsWith('node:')) packages.set(packageOf(specifier), relative(ROOT, file));
    }
  }
  return { files: seen.size, heavy: [...packages].filter(([name]) => HEAVY.includes(name)) };
}

describe('what --version loads', () => {
  test('by the source: nothing heavy', () => {
    const loaded = loadedBy(join(SRC, 'cli', 'main.ts'), (file) => ({
      imports: importsOf(readFileSync(file, 'utf8')),
      resolve: (specifier) => targetOf(file, specifier),
    }));
    expect(loaded.files).toBeGreaterThan(1);
    expect(loaded.heavy).toEqual([]);
  });

  test('by the built program: nothing heavy (needs npm run build)', () => {
    const loaded = loadedBy(join(ROOT, 'dist', 'cli', 'main.js'), (file) => ({
      imports: importsOf(readFileSync(file, 'utf8')),
      resolve: (specifier) => resolve(dirname(file), specifier),
    }));
    expect(loaded.files).toBeGreaterThan(1);
    expect(loaded.heavy).toEqual([]);
  });
});

test('the reading of imports itself: every form, and none out of a comment', () => {
  const text = [
    "import a from 'a';",
    "import type { B } from './b.js';",
    "import { type C } from 'c';",
    "import 'd';",
    "export * from './e.js';",
    "export type { F } from 'f';",
    'import {\n  g,\n  type H,\n} from "g";',
    "const i = await import('i');",
    "type J = import('j').J;",
    "// import k from 'k';",
    "/** import('l') and import m from 'm'; */",
    "const url = 'https://host/path'; // import n from 'n';",
    "let o: typeof import('o') | null;",
  ].join('\n');
  expect(importsOf(text).map(({ specifier, kind }) => `${kind} ${specifier}`)).toEqual([
    'static a',
    'type ./b.js',
    'static c',
    'static d',
    'static ./e.js',
    'type f',
    'static g',
    'dynamic i',
    'type j',
    'type o',
  ]);
});
