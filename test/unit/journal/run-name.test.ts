import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRunName } from '../../../src/journal/run-name.js';
import { safeText } from '../../../src/text.js';

test.each([
  '20261124-081530-9f3ac2',
  'night',
  'a',
  'Night_2.1-b',
  'x'.repeat(64),
  'night.2-of-40',
  `${'x'.repeat(64)}.1-of-2`,
])('%s can be the name of a run', (name) => expect(isRunName(name)).toBe(true));

test.each([
  '',
  '.',
  '..',
  '.night',
  '-night',
  '_night',
  'night.',
  'a/b',
  'a\\b',
  'a b',
  'nächte',
  'a\u001b[31m',
  'a\n',
  'x'.repeat(65),
  'a\0',
])('%j cannot', (name) => expect(isRunName(name)).toBe(false));

test('any name that can be one is shown as it is, and stays in its folder', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w.-]{0,70}$/)), (name) => {
      if (!isRunName(name)) return;
      expect(safeText(name)).toBe(name);
      expect(name).not.toMatch(/^[.-]|[/\\]/);
    }),
  );
});
