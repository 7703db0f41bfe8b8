#!/usr/bin/env node
/**
 * Writes docs/api.md from the declarations in the package (needs `npm run build`); a test compares them. They are read as the
 * text that the compiler writes, which is regular: each statement begins at the start of a line.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DECLARATION = /^(?:export )?(?:declare )?(interface|type|class|function|const) (\w+)/;
const COMMENT = /\/\*\*[\s\S]*?\*\//g;

/**
 * The statements of a `.d.ts`, each with the comment above it.
 * @param {string} text
 * @returns {{ doc: string, code: string }[]}
 */
export function statementsOf(text) {
  const statements = [];
  let doc = '';
  let lines = [];
  let inComment = false;
  for (const line of text.split('\n')) {
    if (lines.length === 0 && line.trim() === '') continue;
    lines.push(line);
    if (/^ ?\/\*\*/.test(line)) inComment = true;
    if (inComment) {
      if (!line.includes('*/')) continue;
      inComment = false;
      // A comment within a statement belongs to it, for example between the members of a union.
      if (lines[0]?.startsWith('/**')) {
        doc = lines.join('\n');
        lines = [];
      }
      continue;
    }
    const code = lines.join('\n');
    const bare = code.replace(COMMENT, '');
    const depth = bare.split(/[{(]/).length - bare.split(/[})]/).length;
    const ends = /^(?:export )?(?:declare )?(?:interface|class) /.test(bare) ? /}$/ : /;$/;
    if (depth !== 0 || !ends.test(bare)) continue;
    statements.push({ doc, code });
    doc = '';
    lines = [];
  }
  if (lines.length > 0) throw new Error(`a declaration without an end: ${lines[0]}`);
  return statements;
}

/** Reads the files of `folder`, each once. */
function reader(folder) {
  const files = new Map();
  return (file) => {
    let read = files.get(file);
    if (read) return read;
    read = { names: new Map(), declared: new Map(), exported: [] };
    files.set(file, read);
    for (const { doc, code } of statementsOf(readFileSync(join(folder, file), 'utf8'))) {
      const from = /^(import|export) (?:type )?{([\s\S]*)} from '(\..*)\.js';$/.exec(code);
      const declaration = DECLARATION.exec(code);
      if (from) {
        for (const part of from[2].split(',').map((name) => name.trim().replace(/^type /, ''))) {
          if (part === '') continue;
          const [name, as = name] = part.split(' as ');
          const to = { file: `${join(dirname(file), from[3])}.d.ts`, name };
          read.names.set(as, to);
          if (from[1] === 'export') read.exported.push(as);
        }
      } else if (declaration) {
        const [, kind, name] = declaration;
        read.declared.set(name, { file, name, kind, doc, code });
      }
    }
    return read;
  };
}

/** The declaration of `name` as seen from `file`; undefined for names of Node or the language. */
function find(read, file, name) {
  const { names, declared } = read(file);
  const to = names.get(name);
  return to ? find(read, to.file, to.name) : declared.get(name);
}

/** A declaration with the values of a type in place of the constant that it is made from, and without what is internal. */
function spelledOut(read, declaration) {
  const codeOf = (name) => find(read, declaration.file, name)?.code ?? '';
  const union = (names, kept) => (names.length > 0 ? names.join(' | ') : kept);
  const code = declaration.code
    .replace(/\(typeof (\w+)\)\[number\]/g, (kept, name) =>
      union([...(/readonly \[([^\]]*)\]/.exec(codeOf(name))?.[1] ?? '').matchAll(/'[^']*'/g)].flat(), kept),
    )
    .replace(/keyof typeof (\w+)/g, (kept, name) =>
      union(
        [...codeOf(name).matchAll(/^ {4}(?:readonly )?(\w+):/gm)].map(([, key]) => `'${key}'`),
        kept,
      ),
    )
    .replace(/^ *\/\*\* @internal \*\/\n.*\n/gm, '');
  return { ...declaration, code };
}

/**
 * The exports of the package in `folder`, and the types that they use, each once, by name.
 * @param {string} folder - `dist/types`
 * @returns {Record<'exported' | 'named', { file: string, name: string, shown: string, kind: string, doc: string, code: string
 * }[]>}
 */
export function declarationsOf(folder) {
  const read = reader(folder);
  const { exported } = read('index.d.ts');
  const own = exported.map((name) => {
    const found = find(read, 'index.d.ts', name);
    if (!found) throw new Error(`${name} is exported, and declared nowhere`);
    return { ...spelledOut(read, found), shown: name };
  });
  const keyOf = ({ file, name }) => `${file} ${name}`;
  const seen = new Set(own.map(keyOf));
  const named = [];
  const queue = [...own];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const [word] of withoutComments(at.code).matchAll(/\b[A-Z]\w*/g)) {
      const found = find(read, at.file, word);
      if (!found || seen.has(keyOf(found))) continue;
      seen.add(keyOf(found));
      const spelled = spelledOut(read, found);
      named.push({ ...spelled, shown: found.name });
      queue.push(spelled);
    }
  }
  const byName = (a, b) => (a.shown < b.shown ? -1 : 1);
  return { exported: own.sort(byName), named: named.sort(byName) };
}

function withoutComments(code) {
  return code.replace(COMMENT, '').replace(/'[^']*'/g, "''");
}

/** A doc comment as Markdown. */
function prose(doc) {
  const text = doc
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .replace(/^ \* ?/gm, '')
    .replace(/{@link (\w+)}/g, '`$1`')
    // Internal documents, which users do not have.
    .replace(/ ?\((?:CONTRACT|PROTOCOL|DESIGN) "[^)]*\)/g, '')
    .trim();
  const [said = '', ...tags] = text.split(/(?:^|\s)@(?=(?:param|returns|throws|example|packageDocumentation)\b)/);
  const parts = tags.map((tag) => {
    const [, name, rest = ''] = /^(\w+)\s*([\s\S]*)$/.exec(tag) ?? [];
    if (name === 'example') return `\`\`\`typescript\n${rest.trim()}\n\`\`\``;
    if (name === 'throws') return `Throws ${rest.trim()}.`;
    if (name === 'returns') return `Gives ${rest.trim()}.`;
    if (name === 'param') return `- ${rest.trim()}`;
    return '';
  });
  return [said.trim(), ...parts].filter((part) => part !== '').join('\n\n');
}

function entry({ shown, name, doc, code }) {
  const plain = code
    .replace(/^(?:export )?(?:declare )?/, '')
    .replace(/^( {4})+/gm, (spaces) => spaces.replaceAll('    ', '  '));
  const known = shown === name ? '' : `\n\nExported as \`${shown}\`.`;
  // Not `ts`, because a single declaration does not compile on its own.
  return `### ${shown}\n\n${[prose(doc) + known, `\`\`\`typescript\n${plain}\n\`\`\``].filter((part) => part !== '').join('\n\n')}`;
}

/**
 * The page about the exports of the package in `folder`.
 * @param {string} folder - `dist/types`
 */
export function apiPage(folder) {
  const { exported, named } = declarationsOf(folder);
  const isType = ({ kind }) => kind === 'interface' || kind === 'type';
  const sections = [
    ['Functions', exported.filter(({ kind }) => kind === 'function')],
    ['Classes and constants', exported.filter((each) => !isType(each) && each.kind !== 'function')],
    ['Types', exported.filter(isType)],
    ['Types that these name', named],
  ];
  const links = (entries) => entries.map(({ shown }) => `[\`${shown}\`](#${shown.toLowerCase()})`).join(', ');
  return [
    '<!-- Made by scripts/docs-api.js from the types of the package: run `npm run docs:api` instead of editing it. -->',
    '# API',
    "What `import ... from 'dji-ota'` gives. [library.md](library.md) shows it in use. The last section has what the exported types refer to without being exported itself.",
    ...sections.slice(0, 3).map(([title, entries]) => `${title}: ${links(entries)}.`),
    ...sections.flatMap(([title, entries]) => [`## ${title}`, ...entries.map(entry)]),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(ROOT, 'docs', 'api.md'), apiPage(join(ROOT, 'dist', 'types')));
}
