import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { declarePush } from '../../src/cli/declare/push.js';
import { list, many, patterns } from '../../src/cli/options.js';

describe('options that take several values', () => {
  test('with commas, again and again, blanks left out', () => {
    expect(list('A, B,,C ', undefined)).toEqual(['A', 'B', 'C']);
    expect(list('C', ['A', 'B'])).toEqual(['A', 'B', 'C']);
    expect(list(' , ', undefined)).toEqual([]);
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

  test('which is how push reads its own', () => {
    const push = declarePush(new Command());
    push.parse(['--only', 'A{1,2},B', '--exclude', 'C{3,4}', '--pid', 'D,E'], { from: 'user' });
    expect(push.opts()).toMatchObject({ only: ['A{1,2}', 'B'], exclude: ['C{3,4}'], pid: ['D', 'E'] });
  });

  test('or each as it stands', () => {
    expect(many('a,b', ['c'])).toEqual(['c', 'a,b']);
  });
});
