import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Command } from 'commander';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { withOptionTables } from '../../../scripts/docs-tables.js';
import { PUSH } from '../../../src/cli/commands/push/options.js';
import { suggest } from '../../../src/cli/completion/suggest.js';
import { valuesOf } from '../../../src/cli/completion/suggest-values.js';
import { addOptions } from '../../../src/cli/options/commander.js';
import * as declaration from '../../../src/cli/options/declaration.js';
import { defineOptions, flagOf } from '../../../src/cli/options/declaration.js';
import { readOptions } from '../../../src/cli/options/read.js';
import { commaList, each, patterns } from '../../../src/cli/options/value-types.js';
import { COMMANDS, createProgram } from '../../../src/cli/program.js';
import { quietIo } from '../../helpers/inside.js';

describe('options that take several values', () => {
  test('with commas, again and again, each once, blanks left out', async () => {
    expect(commaList('A, B,,C ')).toEqual(['A', 'B', 'C']);
    expect(commaList(' , ')).toEqual([]);
    const pid = commaList('C,A', ['A', 'B']);
    expect((await readOptions(PUSH, { pid }, {})).pid).toEqual(['A', 'B', 'C']);
  });

  test('ten thousand times, each looked at once', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `P${index}`);
    let given: string[] | undefined;
    for (const pid of [...many, ...many]) given = commaList(pid, given);
    expect((await readOptions(PUSH, { pid: given }, {})).pid).toEqual(many);
  });

  test.each([
    ['A,B*', ['A', 'B*']],
    ['1581F{5,6}*', ['1581F{5,6}*']],
    ['7CTXN*, 1581F{5,6}* ,D', ['7CTXN*', '1581F{5,6}*', 'D']],
    ['{A,B{1,2}},C', ['{A,B{1,2}}', 'C']],
    ['A},B', ['A}', 'B']],
    ['{A,B', ['{A,B']],
    [',', []],
  ])('globs %j: a comma in braces is the glob’s own', (value, found) => {
    expect(patterns(value)).toEqual(found);
    expect(patterns(value, ['X'])).toEqual(['X', ...found]);
  });

  test('or each as it stands', () => {
    expect(each('a,b', ['c'])).toEqual(['c', 'a,b']);
  });
});

describe('push', () => {
  const read = (given: Record<string, unknown>, env = {}) => readOptions(PUSH, given, env);

  test('values are parsed, and what is not given has its default or is not there', async () => {
    const nothing = await read({});
    // Not all of them, so that a new option with a default needs no change here.
    expect(nothing).toMatchObject({
      output: 'auto',
      preflight: 'off',
      verify: 'off',
      match: 'bid',
      maxSize: 8_000_000_000,
      retries: 0,
      retryWait: 30_000,
      replyTimeout: 30_000,
      stallTimeout: 1_800_000,
    });
    for (const key of ['timeout', 'cache', 'dryRun', 'pid']) expect(nothing).not.toHaveProperty(key);
    const given = { pid: ['A', 'B'], shard: '2/4', timeout: '1h30m', maxFailures: '5%', cache: true, simulate: true };
    expect(await read(given)).toMatchObject({
      pid: ['A', 'B'],
      shard: { index: 2, of: 4 },
      timeout: 5_400_000,
      maxFailures: { percent: 5 },
      simulate: true,
    });
    expect(await read({ cache: true })).not.toHaveProperty('cache');
    expect(await read({ cache: false })).toMatchObject({ cache: false });
  });

  test('the environment stands behind the option', async () => {
    expect(await read({}, { DJI_OTA_OUTPUT: 'json' })).toMatchObject({ output: 'json' });
    expect(await read({}, { DJI_OTA_OUTPUT: '' })).toMatchObject({ output: 'auto' });
    expect(await read({ output: 'log' }, { DJI_OTA_OUTPUT: 'json' })).toMatchObject({ output: 'log' });
  });

  test.each([
    [{ concurrency: '0' }, '--concurrency "0" is not a whole number from 1'],
    [{ retries: '1.5' }, '--retries "1.5" is not a whole number from 0'],
    [{ verify: 'yes' }, '--verify "yes" is not known'],
    [{ type: '9' }, '--type "9" is not an upgrade type'],
    [{ pid: ['A/B'] }, '--pid "A/B"'],
    [{ timeout: '0' }, '--timeout: "0" must be more than 0'],
    [{ waves: '10%,1%' }, '--waves: 10%,1%'],
    [{ shard: '5/4' }, '--shard "5/4"'],
  ])('%j is an error that names the option', async (given, message) => {
    await expect(read(given)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
  });

  test('of the environment, one that names the variable', async () => {
    await expect(read({}, { DJI_OTA_OUTPUT: 'xml' })).rejects.toMatchObject({
      code: 'usage',
      message: 'DJI_OTA_OUTPUT "xml" is not known',
      hint: 'It can be auto, bars, log, json, quiet.',
    });
  });
});

describe('what follows from a declaration', () => {
  const example = defineOptions({
    example: {
      value: '<words>',
      group: 'Roll-out',
      choices: ['some', 'all'],
      help: 'what the example is for',
      default: 'some',
      env: 'DJI_OTA_EXAMPLE',
    },
    other: { negated: true, help: 'nothing else', everyday: 'nothing' },
  });
  const command = new Command('dji-ota').addCommand(new Command('try'));
  addOptions(command.commands[0] as Command, example);

  test('commander, help and the types', async () => {
    const [tried] = command.commands as [Command];
    tried.parse(['--example', 'all', '--no-other'], { from: 'user' });
    const options = await readOptions(example, tried.opts(), {});
    expectTypeOf(options.example).toEqualTypeOf<'some' | 'all'>();
    expectTypeOf(options.other).toEqualTypeOf<false | undefined>();
    expect(options).toEqual({ example: 'all', other: false });
    expect(tried.helpInformation()).toMatch(
      /Roll-out:\n {2}--example <words> {2}some or all: what the example is for \(default:\s+some\)/,
    );
  });

  test('completion', async () => {
    const offered = (...words: string[]) => suggest(command, words, (place) => valuesOf(place, {}));
    expect((await offered('try', '--')).items.map(({ value }) => value)).toEqual(['--no-other', '--example', '--help']);
    expect((await offered('try', '--example', '')).items.map(({ value }) => value)).toEqual(['some', 'all']);
  });

  test('validation, with the name of the option or of the variable', async () => {
    await expect(readOptions(example, { example: 'none' }, {})).rejects.toThrow('--example "none" is not known');
    const env = { DJI_OTA_EXAMPLE: 'none' };
    await expect(readOptions(example, {}, env)).rejects.toThrow('DJI_OTA_EXAMPLE "none" is not known');
  });

  test('the tables of the documentation', () => {
    const text = '<!-- options of try: Roll-out -->\n<!-- end of options -->\n';
    expect(withOptionTables(text, [{ name: 'try', options: example }], declaration).split('\n')).toContain(
      '| `--example <words>` | `DJI_OTA_EXAMPLE` | some or all: what the example is for | some    |',
    );
  });
});

describe('the documentation', () => {
  const root = new URL('../../../', import.meta.url);
  const pages = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));

  test.each(['README.md', ...pages.map((name) => `docs/${name}`)])(
    '%s has the options as they are declared',
    (page) => {
      const text = readFileSync(new URL(page, root), 'utf8');
      // If it fails: npm run build && npm run docs:tables
      expect(withOptionTables(text, COMMANDS, declaration)).toBe(text);
    },
  );

  test('every option of push is named there', () => {
    const text = ['README.md', ...pages.map((name) => `docs/${name}`)]
      .map((page) => readFileSync(new URL(page, root), 'utf8'))
      .join('\n');
    const flags = Object.entries<declaration.OptionDeclaration>(PUSH)
      .filter(([, { hidden }]) => !hidden)
      .map(([key, option]) => flagOf(key, option));
    expect(flags.filter((flag) => !new RegExp(`${flag}(?![\\w-])`).test(text))).toEqual([]);
  });
});

describe('help of push', () => {
  const help = async (...words: string[]) => {
    const { io, said } = quietIo();
    await createProgram(io)
      .run(['push', ...words])
      .catch(() => {});
    await setImmediate();
    return said();
  };

  test('shows the everyday options, and names the others by their groups', async () => {
    const shown = await help('--help');
    expect(shown).toMatch(/^ {2}--dry-run {2,}show the plan/m);
    expect(shown).not.toContain('--wave-pause');
    expect(shown).toMatch(/--help all: .*Roll-out/);
    expect(shown).toMatch(/^Exit codes: 0 ok/m);
  });

  test.each(['push', 'retry'])('the help of %s fits a screen of 80 columns and 24 lines', async (command) => {
    const { io, said } = quietIo();
    await createProgram(io).run([command, '--help']);
    await setImmediate();
    const lines = said().trimEnd().split('\n');
    expect(lines.length).toBeLessThan(24);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test('shows all of them with --help all', async () => {
    const shown = await help('--help', 'all');
    for (const [key, option] of Object.entries<declaration.OptionDeclaration>(PUSH)) {
      const line = new RegExp(`^ {2}${flagOf(key, option)}(?= )`, 'm');
      if (option.hidden) expect(shown).not.toMatch(line);
      else expect(shown).toMatch(line);
    }
  });

  test('everything fits: the options of push are at most 54, beside those of every command', () => {
    expect(Object.keys(PUSH).length).toBeLessThanOrEqual(54);
  });
});
