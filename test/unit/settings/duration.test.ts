import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/errors.js';
import { parseDuration, parseTimeout } from '../../../src/settings/duration.js';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['90', 90_000],
    ['0', 0],
    ['0.5', 500],
    ['1.5m', 90_000],
    ['.5s', 500],
    ['1h30m', 5_400_000],
    ['1h30m15s250ms', 5_415_250],
    [' 10S ', 10_000],
    ['0.2ms', 1],
    ['365d', 31_536_000_000],
  ])('reads %j as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['', /not a duration/],
    ['-5s', /negative/],
    ['-1', /negative/],
    ['NaN', /not a duration/],
    ['Infinity', /not a duration/],
    ['1e3', /not a duration/],
    ['0x10', /not a duration/],
    ['5 m', /not a duration/],
    ['10min', /not a duration/],
    ['1,5h', /not a duration/],
    ['30m1h', /not a duration/],
    ['1h2h', /not a duration/],
    ['1h30', /not a duration/],
    ['s', /not a duration/],
    ['366d', /longer than 365 days/],
    ['99999999999999999999', /longer than 365 days/],
    ['9'.repeat(100), /not a duration/],
  ])('refuses %j', (text, why) => {
    const error = thrownBy(() => parseDuration(text, '--timeout'));
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(/^--timeout: /);
    expect(error.message).toMatch(why);
  });

  it('reads back what it is the sum of', () => {
    const parts = fc.record({ h: fc.nat(99), m: fc.nat(59), s: fc.nat(59), ms: fc.nat(999) });
    fc.assert(
      fc.property(parts, ({ h, m, s, ms }) => {
        expect(parseDuration(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });

  it('gives a whole number of milliseconds from 0 to a year, or an OtaError, for any text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[-0-9.hmsd]{0,12}$/));
    fc.assert(
      fc.property(text, (value) => {
        try {
          const ms = parseDuration(value);
          expect(Number.isInteger(ms) && ms >= 0 && ms <= 31_536_000_000).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(OtaError);
        }
      }),
    );
  });
});

describe('parseTimeout', () => {
  it('refuses no time at all', () => {
    expect(thrownBy(() => parseTimeout('0', '--connect-timeout')).message).toBe(
      '--connect-timeout: "0" must be more than 0',
    );
    expect(parseTimeout('1ms')).toBe(1);
  });
});

function thrownBy(run: () => unknown): OtaError {
  try {
    run();
  } catch (error) {
    return error as OtaError;
  }
  throw new Error('nothing was thrown');
}
