/** Reads the documentation: its code blocks, and the commands in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Document {
  /** `docs/manifest.md`. */
  name: string;
  text: string;
}

export interface Block {
  document: string;
  /** `sh`, `json`, ...; empty for an indented one. */
  language: string;
  text: string;
}

export function documents(): Document[] {
  const names = [
    'README.md',
    'README.zh-CN.md',
    'SECURITY.md',
    ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
  ];
  return names
    .filter((name) => name.endsWith('.md'))
    .map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }));
}

/** Fenced blocks, and blocks that are indented by four spaces. */
export function blocksOf({ name, text }: Document): Block[] {
  const blocks: Block[] = [];
  const fenced = /^```(\w*)\n([\s\S]*?)^```$/gm;
  for (const [, language = '', code = ''] of text.matchAll(fenced))
    blocks.push({ document: name, language, text: code });
  for (const [block] of text.replace(fenced, '').matchAll(/(?:^ {4}\S.*\n)+/gm)) {
    blocks.push({ document: name, language: '', text: block.replace(/^ {4}/gm, '') });
  }
  return blocks;
}

/** The words of each `dji-ota` command in a text, without redirections and pipes. */
export function commandsOf(text: string): string[][] {
  return text
    .split('\n')
    .flatMap((line) => line.split('&&'))
    .map((line) => line.trim().replace(/^(?:\$|Example:) /, ''))
    .map((line) => line.replace(/^node bin\/dji-ota\.js /, 'dji-ota '))
    .filter((line) => line.startsWith('dji-ota '))
    .map((line) => wordsOf(line).slice(1));
}

/** Splits a line as a shell does, as far as the documentation needs it. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word, single, double] of line.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g)) {
    if (['#', '>', '<', '|'].includes(word)) break;
    words.push(single ?? double ?? word);
  }
  return words;
}
