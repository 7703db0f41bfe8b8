import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeVersion, sameVersion, spelledBy, versionDoubt, withoutV } from '../../../src/protocol/versions.js';

test.each([
  ['17.02.05.01', '17.02.0501', true],
  ['v17.02.0501', '17.02.05.01', true],
  [' 10.01.1606 ', '10.01.1606', true],
  ['1.00.223', '1.00.223', true],
  ['17.02.0501', '17.02.0502', false],
  ['17.02.05.01', '17.02.05.10', false],
  ['1.2.3.4', '1.2.34', false],
  ['10.01.16.6', '10.01.166', false],
  ['17.02.05.01.00', '17.02.0501.00', false],
  ['', '0', false],
])('%j and %j: same is %j', (a, b, same) => {
  expect(sameVersion(a, b)).toBe(same);
  expect(sameVersion(b, a)).toBe(same);
});

test.each(['17.02.0501', '17.02.05.01', '1.00.223', '10.01.16.06', '1'])('%j can be a version', (version) => {
  expect(versionDoubt(version)).toBeNull();
});

test.each(['17,02', '17.02.0501 beta', '17.02.', '.1', 'latest', '17.02.0501-rc1', '10/02/2026', 'vv1', '١.٢'])(
  '%j is doubted',
  (version) => {
    expect(versionDoubt(version)).toContain('is not a version');
  },
);

test('a leading v is not sent', () => {
  expect(['v17.02.0501', 'V1.2', 'version', 'v'].map(withoutV)).toEqual(['17.02.0501', '1.2', 'version', 'v']);
});

test.each([
  ['17.02.0501', '17.02.05.01', '17.02.0501'],
  ['17.02.05.01', '17.02.0501', '17.02.05.01'],
  ['v17.02.0501', '17.02.05.01', '17.02.0501'],
  ['17.02.0502', '17.02.05.01', '17.02.05.01'],
  [null, '17.02.05.01', '17.02.05.01'],
  [undefined, '1.00.223', '1.00.223'],
])('what a package spells %j goes out for %j as %j', (packaged, wanted, sent) => {
  expect(spelledBy(packaged, wanted)).toBe(sent);
});

test('any text: normalizing twice is normalizing once', () => {
  const version = fc.oneof(fc.string(), fc.stringMatching(/^v?\d{1,3}\.\d{1,2}\.\d{1,4}(\.\d{2})?$/));
  fc.assert(
    fc.property(version, (text) => {
      // One `v` is removed; `vv1` is not a version.
      if (/^[vV]{2}/.test(text.trim())) return;
      expect(normalizeVersion(normalizeVersion(text))).toBe(normalizeVersion(text));
      expect(sameVersion(text, text)).toBe(true);
    }),
  );
});
