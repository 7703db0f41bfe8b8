import { expect, test } from 'vitest';
import { headerLines, upgradeLines } from '../../../src/render/run-header.js';

const of = (model: string | null, from: string | null, to: string | null = '17.07.0401') => ({
  model,
  file: 'f.zip',
  from,
  to,
});

test('a run shows what it is about, without terminal control characters', () => {
  const about = { run: 'r1', simulated: false, manifest: '/f\u001b[2J.csv', broker: 'mqtts://b:8883', profile: 'prod' };
  expect(headerLines(about)).toEqual([
    'Run       r1',
    'Manifest  /f\\u{1b}[2J.csv',
    'Broker    mqtts://b:8883 (profile prod)',
  ]);
  expect(headerLines({ ...about, simulated: true, manifest: '-', broker: null })).toEqual([
    'Run       r1 (simulated)',
    'Manifest  standard input',
  ]);
});

test('devices are counted by model and release, the most first', () => {
  const docks = Array.from({ length: 12 }, () => of('Dock 3', '17.05.0102'));
  expect(upgradeLines([of('M4TD', null), ...docks, of('M4TD', '17.07.04.01'), of(null, null, null)], true)).toEqual([
    '12 × Dock 3                  17.05.0102 → 17.07.0401',
    ' 1 × M4TD                    at 17.07.0401 already',
    ' 1 × M4TD                    version not known → 17.07.0401',
    ' 1 × model not known, f.zip  version not known',
  ]);
  expect(upgradeLines([of('M4TD', '1.0')], false)).toEqual(['1 x M4TD  1.0 -> 17.07.0401']);
});

test('an upgrade of modules or of a payload is not judged by the version', () => {
  const of2 = { ...of('M4TD', '17.07.04.01'), type: 2 as const };
  expect(upgradeLines([of2, { ...of(null, null, '01.02.0304'), type: 4 }], true)).toEqual([
    '1 × M4TD                    17.07.04.01, consistency (2) → 17.07.0401',
    '1 × model not known, f.zip  version not known, psdk (4) → 01.02.0304',
  ]);
});

test('what is known from before the run says how old it is, of several the oldest', () => {
  const old = (days: number) => ({ ...of('M4TD', '17.05.0102'), age: days * 24 * 3_600_000 });
  expect(upgradeLines([old(2), old(9), of('M4TD', '17.05.0102')], true)).toEqual([
    '2 × M4TD  17.05.0102 → 17.07.0401  (heard up to 9d ago)',
    '1 × M4TD  17.05.0102 → 17.07.0401',
  ]);
});

test('a fleet of many kinds takes a few lines', () => {
  const lines = upgradeLines(
    Array.from({ length: 40 }, (_, index) => of(`model ${index}`, null)),
    true,
  );
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toBe('and 29 more');
});

test('two spellings of a release are one, and what is not known is never counted with what is', () => {
  const noFile = { ...of(null, null), file: null };
  expect(
    upgradeLines([of('3-3-0', '17.05.01.02'), of('3-3-0', '17.05.0102'), of('3-3-0', null), noFile], true),
  ).toEqual([
    '2 × Dock 3                    17.05.01.02 → 17.07.0401',
    '1 × Dock 3                    version not known → 17.07.0401',
    '1 × model not known, no file  version not known → 17.07.0401',
  ]);
});
