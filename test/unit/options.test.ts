import { describe, expect, test } from 'vitest';
import { PUSH } from '../../src/cli/commands/push/options.js';
import { readOptions } from '../../src/cli/options/read.js';
import { commaList, each, patterns } from '../../src/cli/options/value-types.js';

describe('options that take several values', () => {
  test('with commas, again and again, each once, blanks left out', () => {
    expect(commaList('A, B,,C ', undefined)).toEqual(['A', 'B', 'C']);
    expect(commaList('C,A', ['A', 'B'])).toEqual(['A', 'B', 'C']);
    expect(commaList(' , ', undefined)).toEqual([]);
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
    expect(patterns(value, undefined)).toEqual(found);
    expect(patterns(value, ['X'])).toEqual(['X', ...found]);
  });

  test('or each as it stands', () => {
    expect(each('a,b', ['c'])).toEqual(['c', 'a,b']);
  });
});

describe('push', () => {
  const read = (given: Record<string, unknown>, env = {}) => readOptions(PUSH, given, env);

  test('values are parsed, and what is not given has its default or is not there', async () => {
    expect(await read({})).toEqual({
      output: 'auto',
      preflight: 'off',
      verify: 'off',
      match: 'bid',
      retries: 0,
      retryWait: 30_000,
      replyTimeout: 30_000,
      stallTimeout: 1_800_000,
    });
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
    [{ type: '9' }, '--type "9" is no upgrade type'],
    [{ pid: ['A/B'] }, '--pid "A/B"'],
    [{ timeout: '0' }, '--timeout: "0" has to be more than 0'],
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
