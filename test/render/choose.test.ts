import { describe, expect, test } from 'vitest';
import { type Output, resolveOutput } from '../../src/render/choose.js';
import { inCi, useColor, useUnicode } from '../../src/render/terminal/color.js';

const terminal = { isTTY: true, write: () => true };
const pipe = { write: () => true };
const XTERM = { TERM: 'xterm-256color' };

describe('which output', () => {
  const cases: [Output, typeof terminal | typeof pipe, NodeJS.ProcessEnv, string][] = [
    ['auto', terminal, XTERM, 'bars'],
    ['auto', terminal, {}, 'log'],
    ['auto', terminal, { ...XTERM, CI: 'true' }, 'log'],
    ['auto', terminal, { ...XTERM, CI: 'false' }, 'bars'],
    ['auto', terminal, { TERM: 'dumb' }, 'log'],
    ['auto', pipe, XTERM, 'log'],
    ['bars', terminal, { ...XTERM, CI: 'true' }, 'bars'],
    ['bars', pipe, XTERM, 'log'],
    ['bars', terminal, { TERM: 'dumb' }, 'log'],
    ['log', terminal, XTERM, 'log'],
    ['json', terminal, XTERM, 'json'],
    ['quiet', pipe, XTERM, 'quiet'],
  ];
  for (const [output, stderr, env, expected] of cases) {
    test(`${output} on a ${stderr === terminal ? 'terminal' : 'pipe'} with ${JSON.stringify(env)}: ${expected}`, () => {
      expect(resolveOutput({ output, stderr, env })).toBe(expected);
    });
  }
});

test.each([
  [terminal, XTERM, undefined, true],
  [terminal, XTERM, false, false],
  [terminal, { ...XTERM, NO_COLOR: '1' }, undefined, false],
  [terminal, { ...XTERM, NO_COLOR: '' }, undefined, true],
  [terminal, { TERM: 'dumb' }, undefined, false],
  [pipe, XTERM, undefined, false],
  [pipe, { FORCE_COLOR: '1' }, undefined, true],
  [pipe, { FORCE_COLOR: '' }, undefined, true],
  [terminal, { ...XTERM, FORCE_COLOR: '0' }, undefined, false],
  [pipe, { FORCE_COLOR: '1' }, false, false],
] as const)('colour on %o with %o and flag %s: %s', (stream, env, flag, expected) => {
  expect(useColor(stream, env, flag)).toBe(expected);
});

test('CI is switched off by name', () => {
  expect([undefined, '', '0', 'false', '1', 'true', 'woodpecker'].map((CI) => inCi({ CI }))).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('Unicode where the terminal has it', () => {
  expect(useUnicode({ TERM: 'linux' }, 'linux')).toBe(false);
  expect(useUnicode({}, 'linux')).toBe(true);
  expect(useUnicode({}, 'win32')).toBe(false);
  expect(useUnicode({ WT_SESSION: '1' }, 'win32')).toBe(true);
});
