#!/usr/bin/env node
/**
 * Writes the tables of the documentation that follow from the code (needs `npm run build`), each between two comments; tests hold
 * them against the code:
 *
 *     <!-- options of push: Roll-out -->          the options of a group
 *     <!-- options of push: --waves, --retries --> these options
 *     ...
 *     <!-- end of options -->
 *
 *     <!-- table: result codes -->                 what {@link TABLES} makes
 *     ...
 *     <!-- end of table -->
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TABLE = /(<!-- options of ([\w ]+): (.+) -->\n)[\s\S]*?(<!-- end of options -->)/g;

/** `text` with its tables generated again. `options`: the module `cli/options/declaration`. */
export function withOptionTables(text, commands, options) {
  return text.replace(TABLE, (_, start, command, wanted, end) => {
    const rows = optionsOf(command, wanted, commands, options);
    return `${start}\n${tableOf(rows)}\n\n${end}`;
  });
}

function optionsOf(name, wanted, commands, { flagOf, meaningOf, defaultTextOf }) {
  const command = commands.find((each) => each.name === name);
  if (!command) throw new Error(`there is no command ${name}`);
  const shown = Object.entries(command.options).filter(([, { hidden }]) => !hidden);
  const rows = shown.map(([key, option]) => ({
    flag: flagOf(key, option),
    group: option.group ?? 'Options',
    value: option.value ?? '',
    env: option.env ?? '',
    meaning: meaningOf(option),
    standard: defaultTextOf(option) ?? '',
  }));
  const found = wanted.startsWith('--')
    ? wanted.split(', ').map((flag) => rows.find((row) => row.flag === flag))
    : rows.filter(({ group }) => group === wanted);
  if (found.length === 0 || found.includes(undefined)) throw new Error(`${name} has no ${wanted}`);
  return found;
}

function tableOf(rows) {
  const columns = [
    ['option', ({ flag, value }) => code(`${flag} ${value}`.trim())],
    ['environment', ({ env }) => code(env)],
    ['meaning', ({ meaning }) => meaning.replaceAll('|', '\\|').replace(/--[a-z][a-z-]+/g, code)],
    ['default', ({ standard }) => (/^[\w-]+:\/\//.test(standard) ? code(standard) : standard)],
  ].filter(([title, cell]) => title === 'option' || rows.some((row) => cell(row) !== ''));
  return table([columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]);
}

/** A Markdown table with aligned columns. The first row is the header. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function code(text) {
  return text === '' ? '' : `\`${text}\``;
}

/** The tables by name; result codes come from the module `protocol/result-codes`. */
const TABLES = {
  'result codes': ({ knownResultCodes, resultCode }) =>
    table([
      ['code', 'means', 'what to do', '`--retries`', 'source'],
      ...knownResultCodes().map((code) => {
        const { meaning, advice, retry, source } = resultCode(code);
        return [String(code), meaning, advice, retry ? 'yes' : '', source];
      }),
    ]),
  'codes worth a retry': ({ knownResultCodes, resultCode }) =>
    `${knownResultCodes()
      .filter((code) => resultCode(code).retry)
      .join(', ')}.`,
};

function withCodeTables(text, codes) {
  return text.replace(/(<!-- table: (.+) -->\n)[\s\S]*?(\n<!-- end of table -->)/g, (_, start, name, end) => {
    if (!TABLES[name]) throw new Error(`there is no table "${name}"`);
    return `${start}\n${TABLES[name](codes)}\n${end}`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { COMMANDS } = await import('../dist/cli/program.js');
  const options = await import('../dist/cli/options/declaration.js');
  const codes = await import('../dist/protocol/result-codes.js');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  for (const file of ['README.md', ...pages.map((name) => join('docs', name))].map((name) => join(root, name))) {
    const text = readFileSync(file, 'utf8');
    const written = withCodeTables(withOptionTables(text, COMMANDS, options), codes);
    if (written !== text) writeFileSync(file, written);
  }
}
