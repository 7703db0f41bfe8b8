import { describe, expect, test } from 'vitest';
import { type Reported, releasesText } from '../../../src/render/releases.js';

const BEGAN = Date.UTC(2026, 10, 24);
const hours = (count: number) => new Date(BEGAN - count * 3_600_000).toISOString();
const of = (more: Partial<Reported>): Reported => ({
  status: 'ok',
  version_before: null,
  version_after: null,
  heard_at: null,
  ...more,
});

describe('releases before and after', () => {
  test.each<[string, Partial<Reported>, string]>([
    ['nothing was heard', {}, 'unknown'],
    ['both', { version_before: '1.0', version_after: '2.0', heard_at: hours(-1) }, '1.0 → 2.0'],
    ['after alone', { version_after: '2.0', heard_at: hours(-1) }, '? → 2.0'],
    ['before alone, heard in the run', { version_before: '1.0', heard_at: hours(0) }, '1.0 → ?'],
    ['before alone, a little old', { version_before: '1.0', heard_at: hours(5) }, '1.0 (5h old) → ?'],
    ['before alone, old', { version_before: '1.0', heard_at: hours(80) }, '1.0 (3d old) → ?'],
    ['nothing was to be done', { status: 'skipped', version_before: '2.0', heard_at: hours(0) }, '2.0'],
    ['it was not started', { status: 'not_started', version_before: '1.0', heard_at: hours(30) }, '1.0 (1d old)'],
    // In that case the time of the first report is not known.
    ['an old one and a new one', { version_before: '1.0', version_after: '2.0', heard_at: hours(80) }, '1.0 → 2.0'],
    ['a time that is none', { version_before: '1.0', heard_at: 'yesterday' }, '1.0 → ?'],
    ['text that a terminal obeys', { version_before: '1\u001b[2J' }, '1\\u{1b}[2J → ?'],
  ])('%s', (_, device, text) => {
    expect(releasesText(of(device), BEGAN)).toBe(text);
  });

  test('without a known beginning and without Unicode', () => {
    const device = of({ version_before: '1.0', version_after: null, heard_at: hours(80) });
    expect(releasesText(device, null, false)).toBe('1.0 -> ?');
  });
});
