import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safeJson, safeText, showBytes, showDuration } from '../../src/text.js';
import { anyText } from '../helpers/any-text.js';

describe('safeText', () => {
  test.each([
    ['plain', 'plain'],
    ['Größe 电池 🚁', 'Größe 电池 🚁'],
    ['\u001b[31mred', '\\u{1b}[31mred'],
    ['two\nlines\r\t', 'two\\u{a}lines\\u{d}\\u{9}'],
    ['a\u009bb', 'a\\u{9b}b'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['\u2066x\u2069', '\\u{2066}x\\u{2069}'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['lone \ud800 half', 'lone \\u{d800} half'],
    ['\udc00', '\\u{dc00}'],
    ['filler\u3164\u115f\uffa0', 'filler\\u{3164}\\u{115f}\\u{ffa0}'],
    ['variant\ufe0f\u{e0100}', 'variant\\u{fe0f}\\u{e0100}'],
    ['blank\u2800\u{1d159}', 'blank\\u{2800}\\u{1d159}'],
    ['joined\u034f\u180b\u2061', 'joined\\u{34f}\\u{180b}\\u{2061}'],
  ])('%j is shown as %j', (text, shown) => {
    expect(safeText(text)).toBe(shown);
  });

  test('is cut to the given length, and says so', () => {
    expect(safeText('x'.repeat(300))).toBe(`${'x'.repeat(199)}…`);
    expect(safeText('abcdef', 4)).toBe('abc…');
    expect(safeText('abcd', 4)).toBe('abcd');
  });

  test('a pair cut in half leaves no half behind', () => {
    expect(safeText('ab🚁cd', 4).isWellFormed()).toBe(true);
  });

  test('any text: one line, bounded, nothing unsafe, and the same when made safe again', () => {
    fc.assert(
      fc.property(anyText(400), fc.integer({ min: 1, max: 80 }), (text, max) => {
        const shown = safeText(text, max);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}\p{Default_Ignorable_Code_Point}]/u);
        // Each character takes at most the ten characters of `\u{10ffff}`.
        expect(shown.length).toBeLessThanOrEqual(max * 10);
        if (shown.length <= max) expect(safeText(shown, max)).toBe(shown);
      }),
    );
  });
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [99_400, '99.4 kB'],
  [99_500, '100 kB'],
  [999_600, '1.0 MB'],
  [665_800_202, '666 MB'],
  [1_400_000_000, '1.4 GB'],
  [5e15, '5000 TB'],
])('showBytes(%d) is %s', (bytes, shown) => {
  expect(showBytes(bytes)).toBe(shown);
});

test.each([
  [-5, '0s'],
  [499, '0s'],
  [8000, '8s'],
  [59_600, '1m00s'],
  [125_000, '2m05s'],
  [3_599_600, '1h00m'],
  [3_720_000, '1h02m'],
])('showDuration(%d) is %s', (ms, shown) => {
  expect(showDuration(ms)).toBe(shown);
});

test('safeJson keeps the meaning and shows nothing unsafe as it is', () => {
  const value = {
    'k\u202e': ['\u0085\u2028\u2029', '\ufeffx\u200by\u3164\ufe0f\u{e0041}', 'plain “ü” 🚁', '\u001b\n'],
  };
  const json = safeJson(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
  expect(json).toContain('plain “ü” 🚁');
  expect(json).toContain('\\u202e');
});

test('no character that shows as nothing stays as it is, in text nor in JSON', () => {
  for (let code = 0x80; code <= 0x10ffff; code++) {
    const char = String.fromCodePoint(code);
    if (!/[\p{Default_Ignorable_Code_Point}\p{Cf}]/u.test(char)) continue;
    if (safeText(char) === char || safeJson(`"${char}"`) === `"${char}"`) expect.fail(`U+${code.toString(16)}`);
  }
});
