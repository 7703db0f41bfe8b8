import { expect, it } from 'vitest';
import { abortable } from '../../src/abort.js';
import { OtaError } from '../../src/errors.js';

it('gives what the work gives, and its error', async () => {
  const { signal } = new AbortController();
  await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
  await expect(abortable(Promise.resolve(1), undefined)).resolves.toBe(1);
  await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
});

it.each([
  [130, { code: 'interrupted' }],
  [new OtaError('time_limit', 'late'), { code: 'time_limit', message: 'late' }],
])('ends with the reason of the signal: %s', async (reason, expected) => {
  const abort = new AbortController();
  const work = abortable(new Promise(() => {}), abort.signal);
  abort.abort(reason);
  await expect(work).rejects.toMatchObject(expected);
  await expect(abortable(Promise.reject(new Error('nobody’s')), abort.signal)).rejects.toMatchObject(expected);
});
