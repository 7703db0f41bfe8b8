import { describe, expect, it } from 'vitest';
import { configHome } from '../../helpers/config.js';

const { config } = configHome();

describe('the declaration', () => {
  it.each([
    ['use', []],
    ['use', ['a', 'b']],
    ['remove', []],
    ['get', ['broker', 'username']],
    ['frobnicate', []],
  ])('refuses %s %j', async (action, args) => {
    await expect(config(action, args)).rejects.toThrow();
  });
});
