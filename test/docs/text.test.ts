/** Compares statements in the documentation with the program. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsJsonSchema } from '../../src/cli/commands/schema/events.js';
import type { Io } from '../../src/cli/io.js';
import { createProgram } from '../../src/cli/program.js';
import { EXIT_CODES } from '../../src/errors.js';
import { readManifest } from '../../src/manifest/read.js';
import { knownResultCodes, resultCode } from '../../src/protocol/result-codes.js';
import { SCENARIOS } from '../../src/simulator/scenario/scenarios.js';
import { blocksOf, documents, ROOT } from './documents.js';

const all = documents();
const blocks = all.flatMap(blocksOf);
const io = { env: {}, stdout: process.stdout, stderr: process.stderr } as unknown as Io;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dji-ota-docs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('every link to a file finds one', () => {
  const broken = all.flatMap(({ name, text }) =>
    [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((target) => !existsSync(join(ROOT, dirname(name), target)))
      .map((target) => `${name}: ${target}`),
  );
  expect(broken.filter((link) => !/^README.*: docs\/push\.svg$/.test(link))).toEqual([]);
});

test('every link to a heading finds one', () => {
  // The anchors that GitHub makes.
  const anchor = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  const anchors = new Map(
    all.map(({ name, text }) => [name, [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading))]),
  );
  const broken = all.flatMap(({ name, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)]
      .filter(([, file = '', at = '']) => !anchors.get(file ? join(dirname(name), file) : name)?.includes(at))
      .map(([link]) => `${name}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('every page is linked to from the README', () => {
  const readme = all.find(({ name }) => name === 'README.md')?.text ?? '';
  expect(all.map(({ name }) => name).filter((name) => name !== 'README.md' && !readme.includes(`](${name})`))).toEqual(
    [],
  );
});

test('the Chinese README has the commands, examples, keys and options of the English one', () => {
  // Only the English README has the benchmarks.
  const [english = '', chinese = ''] = ['README.md', 'README.zh-CN.md'].map(
    (wanted) => all.find(({ name }) => name === wanted)?.text.replace(/^## Performance\n[\s\S]*?(?=^## )/m, '') ?? '',
  );
  const code = (name: string, text: string) => blocksOf({ name, text }).map((block) => block.text);
  expect(code('README.zh-CN.md', chinese)).toEqual(code('README.md', english));
  const spans = (text: string) => [...new Set([...text.matchAll(/`[^`\n]+`/g)].map(([span]) => span))].sort();
  expect(spans(chinese)).toEqual(spans(english));
  const firstCells = (text: string) => [...text.matchAll(/^\| *(`[^|]+`|[\d, ]+?) *\|/gm)].map(([, cell]) => cell);
  expect(firstCells(chinese)).toEqual(firstCells(english));
});

test('every result code is explained, in the words of the program', () => {
  const page = all.find(({ name }) => name === 'docs/troubleshooting.md')?.text ?? '';
  const rows = [...page.matchAll(/^\| (\d{6}) .*$/gm)].map(([row]) => row.split('|').map((cell) => cell.trim()));
  const said = rows.map(([, code, meaning, advice, retry, source]) => [
    ...[Number(code), meaning, advice, retry === 'yes', source],
  ]);
  const meant = knownResultCodes().map((code) => {
    const { meaning, advice, retry, source } = resultCode(code);
    return [code, meaning, advice, retry, source];
  });
  expect(said).toEqual(meant);
});

test('every option that is named is one of the program', () => {
  const options = new Set(['--help', '--version']);
  const walk = (command: Command) => {
    for (const { long } of command.options) if (long) options.add(long);
    command.commands.forEach(walk);
  };
  walk(createProgram(io).command);
  // Options of npm, docker and others are only used with their commands.
  const foreign = /^.*(?:\b(?:npm|npx|docker|rabbitmqctl|kubectl|aws|mc|ossutil|cosign) |password-command=).*$/gm;
  const unknown = all.flatMap(({ name, text }) =>
    [...text.replace(foreign, '').matchAll(/(?<![\w-])--[a-z][a-z0-9-]+/g)]
      .map(([option]) => option)
      .filter((option) => !options.has(option))
      .map((option) => `${name}: ${option}`),
  );
  expect(unknown).toEqual([]);
});

test('scenarios, exit codes and retries are those of the program', () => {
  const protocol = all.find(({ name }) => name === 'docs/protocol.md')?.text ?? '';
  const named = /each of these dialects: ([\s\S]*?), and\s/.exec(protocol)?.[1] ?? '';
  const dialects = [...named.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
  expect(dialects.length).toBeGreaterThan(3);
  expect(dialects.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name))).toEqual([]);
  const retried = /Worth a retry[^:]*:[^\d]*([\d,\s]+)\./.exec(protocol)?.[1]?.match(/\d+/g)?.map(Number);
  const worth = knownResultCodes().filter((code) => resultCode(code).retry);
  expect(retried).toEqual(worth);
  for (const name of ['README.md', 'docs/scripting.md']) {
    const text = all.find((document) => document.name === name)?.text ?? '';
    for (const code of Object.values(EXIT_CODES))
      expect(text).toMatch(new RegExp(`^\\|\\s*(?:${code}|130, 143)\\s*\\|`, 'm'));
  }
});

describe('examples', () => {
  const manifests = blocks.filter(
    ({ language, text }) => ['json', 'yaml', 'csv'].includes(language) && /\bsn\b/.test(text),
  );

  test.each(manifests.filter(({ text }) => !text.includes('"event"')))('a manifest in $document', async (block) => {
    const file = join(folder, `manifest.${block.language}`);
    await writeFile(file, block.text);
    const { devices } = await readManifest(file, { defaultPids: ['7CTXN4A00B0001'], defaultType: null });
    expect(devices.length).toBeGreaterThan(0);
  });

  test('JSON lines match their schema', () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(eventsJsonSchema());
    const lines = blocks.filter(({ language, text }) => language === 'json' && text.includes('"event"'));
    expect(lines).not.toEqual([]);
    for (const { text } of lines) {
      validate(JSON.parse(text));
      expect(validate.errors).toBeNull();
    }
  });

  test('programs compile with the package’s types (needs npm run build)', async () => {
    const programs = blocks.filter(({ language }) => ['ts', 'js'].includes(language));
    expect(programs.length).toBeGreaterThan(1);
    const files = programs.map((_, index) => `example${index}.ts`);
    for (const [index, name] of files.entries()) await writeFile(join(folder, name), programs[index]?.text ?? '');
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2023',
      module: 'nodenext',
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      paths: { 'dji-ota': [join(ROOT, 'dist', 'types', 'index.d.ts')] },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
