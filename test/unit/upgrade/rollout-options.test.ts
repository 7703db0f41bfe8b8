import { describe, expect, test } from 'vitest';
import { parseFailureLimit, parseWaves } from '../../../src/upgrade/rollout/options.js';

describe('the options', () => {
  test.each([
    ['1,10%,100%', 200, [1, 20, 200]],
    ['100%', 7, [7]],
    ['1, 5 ,10', 7, [1, 5, 7]],
    ['1%,50%,100%', 3, [1, 2, 3]],
    ['1,1%,100%', 20, [1, 20]],
    ['0.5%,100%', 1000, [5, 1000]],
  ])('--waves %s of %d gateways', (list, gateways, waves) => {
    expect(parseWaves(list, gateways)).toEqual(waves);
  });

  test.each(['', '0,100%', '-1,100%', '10,5,100%', '1,10%', '101%', 'all', '1.5,100%', '1,,100%', '0%'])(
    '--waves %j is a usage error',
    (list) => {
      expect(() => parseWaves(list, 100)).toThrow(expect.objectContaining({ code: 'usage', hint: expect.anything() }));
    },
  );

  test.each([
    ['3', { devices: 3 }],
    [' 5% ', { percent: 5 }],
    ['0.5%', { percent: 0.5 }],
    ['100%', { percent: 100 }],
  ])('--max-failures %s', (value, limit) => {
    expect(parseFailureLimit(value)).toEqual(limit);
  });

  test.each(['', '0', '0%', '101%', '-1', '1.5', 'x', '1 %'])('--max-failures %j is a usage error', (value) => {
    expect(() => parseFailureLimit(value)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
