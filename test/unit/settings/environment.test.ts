import { describe, expect, it } from 'vitest';
import { withoutLineEnds } from '../../../src/settings/environment.js';

describe('withoutLineEnds', () => {
  it('takes one line end off every value that has one', () => {
    const env = { A: 'a\n', B: 'b\r\n', C: 'c\n\n', D: '\n', E: ' e ', F: 'f\ng', G: 'g\r', H: undefined };
    expect(withoutLineEnds(env)).toEqual({ ...env, A: 'a', B: 'b', C: 'c\n', D: '' });
    expect(env.A).toBe('a\n');
  });

  it('gives the environment itself where there is nothing to do', () => {
    const env = { A: 'a' };
    expect(withoutLineEnds(env)).toBe(env);
  });
});
