/** Random text that often contains dangerous characters. fast-check's own `binary` unit takes seconds to set up. */
import fc from 'fast-check';

const ranges = [
  [0x00, 0x10ffff],
  [0x00, 0x2f],
  [0x20, 0x7e],
  [0x7f, 0xa0],
  [0x200b, 0x206f],
  [0xd800, 0xdfff],
  [0xfeff, 0xffff],
  [0xe0000, 0xe007f],
] as const;

const unit = fc
  .oneof(...ranges.map(([min, max]) => fc.integer({ min, max })))
  .map((codePoint) => String.fromCodePoint(codePoint));

export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit, maxLength });
}
