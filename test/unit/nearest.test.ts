import { describe, expect, test } from 'vitest';
import { bare, didYouMean, meantHint, nearest } from '../../src/nearest.js';

const KEYS = ['sn', 'product_version', 'file_url', 'file_size', 'file', 'md5', 'gateway'];

describe('the suggested word', () => {
  test.each([
    ['gatway', 'gateway'],
    ['GATEWAY', 'gateway'],
    ['ns', null],
    ['s', 'sn'],
    ['size', 'file_size'],
    ['Version', 'product_version'],
    ['File', 'file'],
    ['md5sum', null],
    ['md55', 'md5'],
    ['file_urls', 'file_url'],
    ['fiel_ulr', null],
    ['altogether_else', null],
    ['', null],
  ])('%j is %j', (word, meant) => {
    expect(nearest(word, KEYS)).toBe(meant);
  });

  test('is said as it is known, whatever its case', () => {
    expect(nearest('7ctxn4a00b0001', ['7CTXN4A00B0001', '7CTXN4A00B0777'])).toBe('7CTXN4A00B0001');
    expect(nearest('site-A', ['Site-A'])).toBe('Site-A');
  });

  test('is none where nothing is known, and none where a part of it could be any of several', () => {
    expect(nearest('broker', [])).toBeNull();
    expect(nearest('broker', [''])).toBeNull();
    expect(nearest('percent', ['pause_percent', 'battery_percent'])).toBeNull();
  });

  test('is not suggested for long words', () => {
    const long = 'x'.repeat(65);
    expect(nearest(long, [long])).toBeNull();
    expect(nearest('x'.repeat(64), [long])).toBeNull();
    expect(nearest('x'.repeat(64), [`${'x'.repeat(63)}y`])).toBe(`${'x'.repeat(63)}y`);
  });
});

describe('in words', () => {
  test('after a complaint', () => {
    expect(didYouMean('gatway', KEYS)).toBe('; did you mean "gateway"?');
    expect(didYouMean('gatway', KEYS, bare)).toBe('; did you mean gateway?');
    expect(didYouMean('colour', KEYS)).toBe('');
  });

  test('as a hint, or the other one', () => {
    expect(meantHint('evnts', ['manifest', 'events'], 'There are two.')).toBe('Did you mean events?');
    expect(meantHint('evnts', ['events'], 'There is one.', (word) => `--${word}`)).toBe('Did you mean --events?');
    expect(meantHint('colour', ['manifest', 'events'], 'There are two.')).toBe('There are two.');
  });
});
