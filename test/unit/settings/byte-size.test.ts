import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseByteSize, writeByteSize } from '../../../src/settings/byte-size.js';

test.each([
  ['1', 1],
  ['650000000', 650_000_000],
  ['500k', 500_000],
  ['500K', 500_000],
  ['2M', 2_000_000],
  ['2MB', 2_000_000],
  [' 8g ', 8e9],
  ['1.5G', 1.5e9],
  ['1t', 1e12],
])('%s is %i bytes', (text, bytes) => {
  expect(parseByteSize(text, '--max-size')).toBe(bytes);
});

test.each(['', '0', '0k', '-1', '8 G', '8GiB', '1e3', 'x', '8P', '99999999T', '1.2.3M', '0.0001k'])(
  '%j is none',
  (text) => {
    expect(() => parseByteSize(text, '--max-size')).toThrow(/^--max-size: /);
  },
);

test('what is written is read again', () => {
  expect([8e9, 1500, 1, 2e6].map(writeByteSize)).toEqual(['8G', '1500', '1', '2M']);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
      expect(parseByteSize(writeByteSize(bytes), 'x')).toBe(bytes);
    }),
  );
});
