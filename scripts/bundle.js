/**
 * Bundles the command line program and the library, with the packages they need, into a few small CommonJS files, so that no
 * package has to be installed with them. Node 20 reads these much faster than as many ES modules (measured: 300 ms instead of
 * 410 ms for `push --dry-run`).
 *
 * `start.js` declares all commands and handles what needs no work (`--version`, help, usage errors). The work of each command
 * is in files of its own, which are loaded when they are needed.
 *
 * The same sources and packages produce the same files, wherever they are.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, relative, sep } from 'node:path';
import { build, transform } from 'esbuild';
import { notices } from './notices.js';

const require = createRequire(import.meta.url);

const OUT = 'dist/program';

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  // The licences of the bundled packages are in NOTICES.txt.
  legalComments: 'none',
  metafile: true,
  alias: {
    debug: './scripts/no-debug.cjs',
    // Its CommonJS form loads its modules at run time, which a bundler cannot follow.
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
  },
  write: false,
  logLevel: 'warning',
};

/** Node's own modules that commander and the error texts rarely need, and that take 2 to 6 ms each to load. */
const LAZY = ['child_process', 'crypto', 'os', 'tty'];

// `import.meta.url` of each file, which CommonJS does not have.
const HERE = {
  define: { 'import.meta.url': '__here' },
  banner: "const __here=require('node:url').pathToFileURL(__filename).href;",
};

/** Builds `start.js`, and returns the sources that it loads on demand. */
async function buildStart(root) {
  const later = new Map();
  const plugin = {
    name: 'start',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
        // Errors of usage belong to the start; colours do not.
        if (kind !== 'dynamic-import' || path === './failure.js') return undefined;
        const source = relative(root, join(resolveDir, path.replace(/\.js$/, '.ts')));
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
    absWorkingDir: root,
    entryPoints: { start: 'src/cli/main.ts', 'compile-cache': 'src/settings/compile-cache.ts' },
    format: 'cjs',
    outdir: OUT,
    // The version is built in, so no file has to be read.
    define: { __VERSION__: JSON.stringify(version(root)), 'import.meta.url': '""' },
    supported: { 'dynamic-import': false },
    plugins: [plugin],
  });
  // esbuild asks in the order of its threads, and names chunks after the order of their entry points.
  const sorted = Object.fromEntries([...later].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { files: result.outputFiles, contents: contentsOf(result), later: sorted };
}

/** Loads string-width on demand, because its emoji patterns take 20 ms, and few texts need it. */
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

/**
 * Replaces env-paths, from which Conf gets its folders. The program gives it a folder, and env-paths fails for users without a
 * home folder.
 */
const NO_ENV_PATHS = {
  name: 'no-env-paths',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^env-paths$/ }, () => ({ path: 'env-paths', namespace: 'none' }));
    onLoad({ filter: /./, namespace: 'none' }, () => ({ contents: 'export default () => ({});' }));
  },
};

/** Builds what is loaded on demand. Modules that several files need become chunks of their own. */
async function buildLater(root, entryPoints) {
  const result = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints,
    // Only ES modules can be split. Each file is converted to CommonJS afterwards.
    format: 'esm',
    splitting: true,
    outdir: OUT,
    chunkNames: 'part-[hash]',
    // Names are shortened in the second step.
    minifyIdentifiers: false,
    // The single executable has no package.json next to it.
    define: { __VERSION__: JSON.stringify(version(root)) },
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

// Bytes. Node takes about 0.4 ms to find and read a file, and `push` needs more than fifty chunks.
const SMALL = 20_000;

/** Packs small chunks into one file, each as a function that runs when it is first required. Adds their names to `loaded`. */
function packed(files) {
  const isSmall = ({ path, text }) =>
    basename(path).startsWith('part-') && text.length < SMALL && !text.includes('__filename');
  const small = files.filter(isSmall).map(({ path, text }) => {
    const name = JSON.stringify(`./${basename(path)}`);
    return `${name}:function(module,exports,require){${text}}`;
  });
  const names = new Set(files.filter(isSmall).map(({ path }) => basename(path)));
  const pack = `"use strict";const parts={${small.join(',')}},made={},load=(name)=>{const part=parts[name];if(!part)return require(name);let module=made[name];if(!module){module=made[name]={exports:{}};part(module,module.exports,load)}return module.exports};module.exports={load,loaded:()=>Object.keys(made)};`;
  // Named by its content, like the other chunks, so that another build does not remove it under a running program.
  const name = `parts-${createHash('sha256').update(pack).digest('hex').slice(0, 8)}.js`;
  const others = files
    .filter((file) => !isSmall(file))
    .map(({ path, text }) => ({
      path,
      text: text.replace(/\brequire\("\.\/(part-\w+\.js)"\)/g, (call, part) =>
        names.has(part) ? `require("./${name}").load("./${part}")` : call,
      ),
    }));
  return [...others, { path: name, text: pack }];
}

/** The sources of each file. */
function contentsOf({ metafile }) {
  return Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, { inputs }]) => [basename(path), Object.keys(inputs).sort()]),
  );
}

function version(root) {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}

/**
 * The files of dist/program and dist/index.js.
 * @param {string} root - the repository, without symbolic links in its path
 * @returns {Promise<{ path: string, text: string }[]>} `path`: below `root`, with `/`
 */
export async function bundle(root) {
  const start = await buildStart(root);
  const later = await buildLater(root, {
    ...start.later,
    worker: 'src/firmware/digest/worker.ts',
    library: 'src/index.ts',
  });
  const contents = { ...start.contents, ...later.contents };
  const files = [
    ...start.files,
    ...packed(later.files),
    { path: 'package.json', text: '{ "type": "commonjs" }\n' },
    { path: 'NOTICES.txt', text: notices(root, Object.values(contents).flat()) },
    // For tests; not part of the package.
    { path: 'contents.json', text: `${JSON.stringify(contents, null, 1)}\n` },
  ];
  return [
    ...files.map(({ path, text }) => ({ path: `${OUT}/${basename(path)}`, text })),
    // ES modules recognize the exports of a CommonJS file by its text, which is minified here.
    {
      path: 'dist/index.js',
      text: `import library from './program/library.js';\n\nexport const { ${later.exported.sort().join(', ')} } = library;\n`,
    },
  ];
}
