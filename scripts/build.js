#!/usr/bin/env node
/**
 * Builds dist/: types with tsc, and in dist/program the command line program and the library as few, small CommonJS files,
 * with the packages that they need inside: nothing has to be installed beside them. Node 20 reads those far faster than as
 * many ES modules (measured: 300 ms in place of 410 for `push --dry-run`).
 *
 * `start.js` declares all commands and does what needs no work (`--version`, help, usage errors); what a command does is
 * in files of its own, loaded when it is reached, with the packages that it needs inside.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { notices } from './notices.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'dist', 'program');
const require = createRequire(import.meta.url);

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  // The licences of what is inside are in NOTICES.txt.
  legalComments: 'none',
  metafile: true,
  alias: {
    debug: join(ROOT, 'scripts', 'no-debug.cjs'),
    // Its CommonJS form finds its parts at run time, which a bundler cannot follow.
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
  },
  write: false,
  logLevel: 'warning',
};

/** Node's own that commander and our words for errors need seldom or never, and that cost 2 to 6 ms each to load. */
const LAZY = ['child_process', 'crypto', 'os', 'tty'];

// `import.meta.url` of each file, where CommonJS has none.
const HERE = {
  define: { 'import.meta.url': '__here' },
  banner: "const __here=require('node:url').pathToFileURL(__filename).href;",
};

/** Builds `start.js`, and tells the sources that it loads when they are needed. */
async function buildStart() {
  const later = new Map();
  const plugin = {
    name: 'start',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
        // What is said of a usage error belongs to the start, colours do not.
        if (kind !== 'dynamic-import' || path === './failure.js') return undefined;
        const source = relative(ROOT, join(resolveDir, path.replace(/\.js$/, '.ts')));
        const name = relative(join('src', 'cli'), source)
          .replace(/\.ts$/, '')
          .split(sep)
          .join('-')
          .replace(/^[.-]+/, '');
        later.set(name, source);
        return { path: `./${name}.js`, external: true };
      });
      onResolve({ filter: new RegExp(`^node:(${LAZY.join('|')})$`) }, ({ path, namespace }) =>
        namespace === 'lazy' ? { path, external: true } : { path, namespace: 'lazy' },
      );
      onLoad({ filter: /./, namespace: 'lazy' }, ({ path }) => {
        const names = JSON.stringify(Object.keys(require(path)));
        const load = `require(${JSON.stringify(path)})`;
        return {
          contents: `for (const name of ${names}) Object.defineProperty(exports, name, { enumerable: true, get: () => ${load}[name] });`,
        };
      });
    },
  };
  const result = await build({
    ...COMMON,
    entryPoints: { start: 'src/cli/main.ts', 'compile-cache': 'src/settings/compile-cache.ts' },
    format: 'cjs',
    outdir: OUT,
    // With its version in it, it does not look for itself.
    define: { __VERSION__: JSON.stringify(version()), 'import.meta.url': '""' },
    supported: { 'dynamic-import': false },
    plugins: [plugin],
  });
  return { files: result.outputFiles, contents: contentsOf(result), later };
}

/** Loading string-width takes 20 ms, for its patterns of all emoji; few texts need it. */
const LAZY_WIDTH = {
  name: 'lazy-width',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^string-width$/ }, ({ path, kind, importer, resolveDir }) =>
      kind === 'import-statement' && !importer.endsWith('?lazy')
        ? { path: createRequire(join(resolveDir, 'x')).resolve(path), suffix: '?lazy' }
        : undefined,
    );
    onLoad({ filter: /string-width/ }, ({ path, suffix }) =>
      suffix === '?lazy'
        ? {
            contents: `let made; export default (...given) => (made ??= require(${JSON.stringify(path)}).default)(...given);`,
          }
        : undefined,
    );
  },
};

/** Conf asks env-paths for its folders, which we give it; loading that asks for a home, which not every user has. */
const NO_ENV_PATHS = {
  name: 'no-env-paths',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^env-paths$/ }, () => ({ path: 'env-paths', namespace: 'none' }));
    onLoad({ filter: /./, namespace: 'none' }, () => ({ contents: 'export default () => ({});' }));
  },
};

/** Builds what is loaded later: parts that several of them need become files of their own. */
async function buildLater(entryPoints) {
  const result = await build({
    ...COMMON,
    entryPoints,
    // Only ES modules can be split; each file is turned into CommonJS afterwards.
    format: 'esm',
    splitting: true,
    outdir: OUT,
    chunkNames: 'part-[hash]',
    // Names are shortened in the second step.
    minifyIdentifiers: false,
    // The single executable has no package.json beside it.
    define: { __VERSION__: JSON.stringify(version()) },
    plugins: [LAZY_WIDTH, NO_ENV_PATHS],
  });
  const files = [];
  for (const { path, text } of result.outputFiles) {
    const banner = text.includes('import.meta.url') ? HERE.banner : '';
    const { code } = await transform(text, {
      format: 'cjs',
      platform: 'node',
      target: COMMON.target,
      minify: true,
      legalComments: 'none',
      define: HERE.define,
      supported: { 'dynamic-import': false },
      banner,
    });
    files.push({ path, text: code });
  }
  return { files, contents: contentsOf(result), exported: exportsOf(result, 'library.js') };
}

/** The names that the file `name` exports. */
function exportsOf({ metafile }, name) {
  const [, output] = Object.entries(metafile.outputs).find(([path]) => basename(path) === name) ?? [];
  return output?.exports ?? [];
}

// Node takes about 0.4 ms to find and read a file, and `push` needs more than fifty parts.
const SMALL = 20_000;

/** The small parts in one file, each as a function that runs when it is first asked for. Says in `loaded` which were. */
function packed(files) {
  const isSmall = ({ path, text }) =>
    basename(path).startsWith('part-') && text.length < SMALL && !text.includes('__filename');
  const small = files.filter(isSmall).map(({ path, text }) => {
    const name = JSON.stringify(`./${basename(path)}`);
    return `${name}:function(module,exports,require){${text}}`;
  });
  const names = new Set(files.filter(isSmall).map(({ path }) => basename(path)));
  const pack = `"use strict";const parts={${small.join(',')}},made={},load=(name)=>{const part=parts[name];if(!part)return require(name);let module=made[name];if(!module){module=made[name]={exports:{}};part(module,module.exports,load)}return module.exports};module.exports={load,loaded:()=>Object.keys(made)};`;
  // As the other parts: another build does not take it from a program that runs.
  const name = `parts-${createHash('sha256').update(pack).digest('hex').slice(0, 8)}.js`;
  const others = files
    .filter((file) => !isSmall(file))
    .map(({ path, text }) => ({
      path,
      text: text.replace(/\brequire\("\.\/(part-\w+\.js)"\)/g, (call, part) =>
        names.has(part) ? `require("./${name}").load("./${part}")` : call,
      ),
    }));
  return [...others, { path: join(OUT, name), text: pack }];
}

/** What each file is made of, by the paths of the sources. */
function contentsOf({ metafile }) {
  return Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, { inputs }]) => [basename(path), Object.keys(inputs).sort()]),
  );
}

function version() {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
}

/** Copies to dist/types the declarations that the library's own lead to; the others concern nobody outside. */
function copyTypes() {
  const from = join(ROOT, 'dist');
  const to = join(from, 'types');
  rmSync(to, { recursive: true, force: true });
  const seen = new Set();
  const queue = ['index.d.ts'];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const text = readFileSync(join(from, name), 'utf8');
    mkdirSync(dirname(join(to, name)), { recursive: true });
    writeFileSync(join(to, name), text);
    for (const [, path] of text.matchAll(/\b(?:from|import\() ?'(\.[^']+)\.js'/g))
      queue.push(join(dirname(name), `${path}.d.ts`));
  }
}

/** Replaces what has changed. A program that runs meanwhile still finds its own parts for a while. */
function write(files) {
  mkdirSync(OUT, { recursive: true });
  const names = new Set();
  for (const { path, text } of files) {
    names.add(relative(OUT, path));
    const half = `${path}.${process.pid}.tmp`;
    writeFileSync(half, text);
    renameSync(half, path);
  }
  const old = Date.now() - 10 * 60_000;
  for (const name of readdirSync(OUT)) {
    if (!names.has(name) && statSync(join(OUT, name)).mtimeMs < old) rmSync(join(OUT, name));
  }
}

execFileSync(
  process.execPath,
  [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(ROOT, 'tsconfig.json')],
  {
    stdio: 'inherit',
  },
);
copyTypes();
const start = await buildStart();
const later = await buildLater({
  ...Object.fromEntries(start.later),
  worker: 'src/firmware/digest/worker.ts',
  library: 'src/index.ts',
});
const contents = { ...start.contents, ...later.contents };
write([
  ...start.files,
  ...packed(later.files),
  { path: join(OUT, 'package.json'), text: '{ "type": "commonjs" }\n' },
  { path: join(OUT, 'NOTICES.txt'), text: notices(ROOT, Object.values(contents).flat()) },
  // ES modules see the names of a CommonJS file only where they can be read off its text, which is shortened here.
  {
    path: join(ROOT, 'dist', 'index.js'),
    text: `import library from './program/library.js';\n\nexport const { ${later.exported.sort().join(', ')} } = library;\n`,
  },
  // For the tests; not part of the package.
  { path: join(OUT, 'contents.json'), text: `${JSON.stringify(contents, null, 1)}\n` },
]);
