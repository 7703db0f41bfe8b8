import { describe, expect, it } from 'vitest';
import { modelClaims, modelMismatch, showClaim } from '../../../src/protocol/products.js';

const claims = (product: string | null, file_name = 'x.zip', known = {}) => modelClaims({ product, file_name }, known);
const mismatch = (product: string | null, file_name: string, key: string, known = {}) =>
  modelMismatch(claims(product, file_name, known), key);

describe('what a package says of its models', () => {
  it.each([
    ['wa345t', 'any.zip', ['is for M4T by its product code wa345t']],
    ['WA345T', 'any.zip', ['is for M4T by its product code wa345t']],
    ['pm320', 'any.zip', ['is for M30 or M30T by its product code pm320']],
    [null, 'Dock3_17.zip', ['is for Dock 3 by its file name (Dock3)']],
    [null, 'dock_10.zip', ['is for Dock by its file name (dock)']],
    [null, 'M4TD_UAV_17.zip', ['is for M4TD by its file name (M4TD)']],
    // One package for both, named after one of them.
    [null, 'M30_Series.zip', ['is for M30 or M30T by its file name (M30)']],
    [null, 'M30T.zip', []],
    [null, 'firmware_17.zip', []],
    ['constructor', '__proto___x.zip', []],
    ['toString', 'any.zip', []],
    ['wa345t', 'M4T_UAV.zip', ['is for M4T by its product code wa345t', 'is for M4T by its file name (M4T)']],
  ])('%s %s', (product, file_name, words) => {
    expect(claims(product, file_name).map(showClaim)).toEqual(words);
  });

  it('takes what a profile or a verified device knows before what is public', () => {
    const known = { wa345t: { key: '0-100-1', source: 'verified on 1581F8HGX24B00A1' } };
    expect(claims('wa345t', 'x.zip', known).map(showClaim)).toEqual([
      'is for M4TD by its product code wa345t (verified on 1581F8HGX24B00A1)',
    ]);
  });
});

describe('modelMismatch', () => {
  it.each<[string | null, string, string, string | null]>([
    ['wa345t', 'x.zip', '0-99-1', null],
    ['wa345t', 'x.zip', '0-99-0', 'is for M4T by its product code wa345t'],
    ['wa345t', 'x.zip', '3-3-0', 'is for M4T by its product code wa345t'],
    ['pm320', 'x.zip', '0-67-1', null],
    [null, 'Dock3_1.zip', '3-3-0', null],
    [null, 'Dock3_1.zip', '3-2-0', 'is for Dock 3 by its file name (Dock3)'],
    [null, 'M4TD_1.zip', '0-100-1', null],
    [null, 'M4TD_1.zip', '0-100-0', 'is for M4TD by its file name (M4TD)'],
    // The product code comes from the package itself; a file can have any name.
    ['wa345t', 'M4TD_1.zip', '0-99-1', null],
    // An unknown model may be a new one of the same kind, but it is not a dock.
    ['wa345t', 'x.zip', '0-205-0', null],
    ['wa345t', 'x.zip', '3-9-0', 'is for M4T by its product code wa345t'],
    ['new1', 'x.zip', '0-99-1', null],
    ['wa345t', 'x.zip', 'nonsense', null],
    ['wa345t', 'x.zip', '', null],
  ])('%s %s on a %s', (product, file_name, key, words) => {
    expect(mismatch(product, file_name, key)).toBe(words);
  });
});
