/** Compares docs/api.md with the types of the package (needs npm run build). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apiPage, declarationsOf, statementsOf } from '../../scripts/docs-api.js';
import * as library from '../../src/index.js';
import { ROOT } from './documents.js';

const TYPES = join(ROOT, 'dist', 'types');

test('the page is what npm run docs:api writes', () => {
  expect(readFileSync(join(ROOT, 'docs', 'api.md'), 'utf8')).toBe(apiPage(TYPES));
});

test('it has everything that the library exports, each with a doc comment', () => {
  const { exported, named } = declarationsOf(TYPES);
  const names = exported.map(({ shown }) => shown);
  expect(names).toEqual(expect.arrayContaining(Object.keys(library)));
  expect(new Set(names).size).toBe(names.length);
  expect(exported.filter(({ doc }) => doc === '').map(({ shown }) => shown)).toEqual([]);
  // A type that only another type uses, and that is not exported itself.
  expect(named.map(({ shown }) => shown)).toContain('TerminalStatus');
});

describe('declarations are read off their text', () => {
  test('a comment between the members of a union, braces in a comment, several lines', () => {
    const text = `/** One {. */
export type A = {
    a: 1;
}
/** Two. */
 | {
    /** } */
    a: 2;
};
export interface B {
    a(b: A): void;
}
`;
    expect(statementsOf(text)).toEqual([
      { doc: '/** One {. */', code: text.slice(text.indexOf('export type'), text.indexOf('\nexport interface')) },
      { doc: '', code: text.slice(text.indexOf('export interface')).trimEnd() },
    ]);
  });

  test('text that is cut off is an error', () => {
    expect(() => statementsOf('export interface A {\n')).toThrow('without an end');
  });
});
