#!/usr/bin/env node
/**
 * Writes the tables of the documentation that follow from the code, each between `<!-- table: NAME -->` and
 * `<!-- end of table -->` (needs `npm run build`). A test holds them against the code.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { knownResultCodes, resultCode } from '../dist/protocol/result-codes.js';

const ROOT = new URL('..', import.meta.url);

/** Rows as a Markdown table whose columns line up. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}

function resultCodes() {
  const rows = knownResultCodes().map((code) => {
    const { meaning, advice, retry, source } = resultCode(code);
    return [String(code), meaning, advice, retry ? 'yes' : '', source];
  });
  return table([['code', 'means', 'what to do', '`--retries`', 'source'], ...rows]);
}

const retried = () =>
  `${knownResultCodes()
    .filter((code) => resultCode(code).retry)
    .join(', ')}.`;

/** By page: the name of each table, and what makes it. */
const PAGES = {
  'docs/troubleshooting.md': { 'result codes': resultCodes },
  'docs/protocol.md': { 'codes worth a retry': retried },
};

for (const [page, tables] of Object.entries(PAGES)) {
  const file = fileURLToPath(new URL(page, ROOT));
  let text = readFileSync(file, 'utf8');
  for (const [name, make] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- table: ${name} -->\n)[\\s\\S]*?(\n<!-- end of table -->)`);
    if (!place.test(text)) throw new Error(`${page} has no place for the table "${name}"`);
    text = text.replace(place, (_all, start, end) => `${start}\n${make()}\n${end}`);
  }
  writeFileSync(file, text);
}
