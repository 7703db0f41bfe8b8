import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OtaError } from '../../src/errors.js';
import { formatError } from '../../src/render/error-text.js';
import { finalTable } from '../../src/render/table/final-table.js';
import { type Column, renderTable } from '../../src/render/table/table.js';
import { PLAIN_STYLES } from '../../src/render/terminal/styles.js';
import { cut, cutMiddle, pad, widthOf, wrap } from '../../src/render/terminal/width.js';
import { emptyTotals, NO_VERSIONS } from '../../src/upgrade/counting.js';
import type { DeviceOutcome } from '../../src/upgrade/events.js';

const COLUMNS: Column[] = [
  { title: 'NAME' },
  { title: 'MODEL', foldAt: 2, hide: true },
  { title: 'CODE', align: 'right', foldAt: 1 },
  { title: 'WHY', prose: true },
];
const ROWS = [
  ['7CTDM3D00BA1', 'Dock 2', '0', ''],
  ['猫', 'M3TD', '312016', 'the link between dock and aircraft is faulty; restart both, then try again'],
];

test('a table at full width, with prose in its column, below its row, and folded', () => {
  expect(renderTable(COLUMNS, ROWS, null)).toMatchSnapshot('piped');
  expect(renderTable(COLUMNS, ROWS, 80)).toMatchSnapshot('80 columns');
  expect(renderTable(COLUMNS, ROWS, 40)).toMatchSnapshot('40 columns');
  expect(renderTable(COLUMNS, ROWS, 16)).toMatchSnapshot('16 columns');
});

const anyText = fc.string({ unit: 'grapheme', maxLength: 60 });

test('no line of a table is wider than the terminal, and none has a control character', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyText, anyText, anyText, anyText), { maxLength: 5 }),
      fc.integer({ min: 24, max: 200 }),
      (rows, width) => {
        const lines = renderTable(COLUMNS, rows, width).split('\n');
        for (const line of lines) expect(widthOf(line)).toBeLessThan(width);
        expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      },
    ),
  );
});

test('cutting, padding and wrapping keep to their width', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 2, max: 80 }), (raw, width) => {
      const text = raw.replace(/[\u0000-\u001f\u007f-\u009f]/g, '');
      expect(widthOf(cut(text, width))).toBeLessThanOrEqual(width);
      expect(widthOf(cutMiddle(text, width))).toBeLessThanOrEqual(width);
      expect(widthOf(pad(text, width))).toBe(Math.max(width, widthOf(text)));
      for (const line of wrap(text, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
      // In a narrower column, even a single character may not fit.
      if (width >= 20) expect(wrap(text, width).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }),
  );
});

test('both ends of a serial number stay to be seen', () => {
  expect(cutMiddle('1581F6Q8D23AA', 9)).toBe('1581…23AA');
});

describe('the final table', () => {
  const device = (index: number, rest: Partial<DeviceOutcome> = {}): DeviceOutcome => ({
    pid: 'P',
    sn: `S${index}`,
    status: 'ok',
    percent: 100,
    result: 0,
    reason: null,
    verified: null,
    ...NO_VERSIONS,
    verify: 'off',
    labels: {},
    ...rest,
  });
  const options = {
    styles: PLAIN_STYLES,
    unicode: true,
    simulated: false,
    elsewhere: 'List all of them with: dji-ota runs r1',
  };

  test('of nothing is nothing', () => {
    expect(finalTable([], emptyTotals(), null, { ...options, width: 80 })).toBe('');
  });

  test('of many devices lists on a terminal those that need a look, and in a file all', () => {
    const devices = Array.from({ length: 100 }, (_, index) =>
      device(index, index === 42 ? { status: 'failed', result: 312704 } : {}),
    );
    const totals = { ...emptyTotals(), ok: 99, failed: 1 };
    const short = finalTable(devices, totals, null, { ...options, width: 80 });
    expect(short).toMatchSnapshot();
    const long = finalTable(devices, totals, null, { ...options, width: null });
    expect(long.split('\n')).toHaveLength(103);
    expect(long).toContain('S99');
  });

  test('has a column for each label where there is room', () => {
    const devices = [
      device(1, { labels: { site: 'north', ring: '1', notes: 'n'.repeat(50) } }),
      device(2, { labels: { site: 'south\u001b[2J' } }),
    ];
    const shown = (width: number | null) =>
      finalTable(devices, { ...emptyTotals(), ok: 2 }, null, { ...options, width }).split('\n');
    expect(shown(null)[0]).toMatch(/^DEVICE +SITE +RING +NOTES +MODEL/);
    expect(shown(null)[1]).toMatch(/^S1 +north +1 +n{29}… /);
    expect(shown(null)[2]).toMatch(/^S2 +south\\u\{1b\}\[2J /);
    expect(shown(200)[0]).toMatch(/^DEVICE +SITE +RING +NOTES +GATEWAY/);
    expect(shown(30).join('\n')).not.toContain('north');
  });

  test('of very many that failed names causes in place of devices', () => {
    const devices = Array.from({ length: 200 }, (_, index) =>
      device(index, index < 150 ? { status: 'failed', result: 312704 } : { status: 'unknown', reason: 'no word' }),
    );
    const text = finalTable(devices, { ...emptyTotals(), failed: 150, unknown: 50 }, null, { ...options, width: 60 });
    expect(text).toMatchSnapshot();
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThan(60);
  });

  test('says that it was simulated', () => {
    const text = finalTable([device(1)], { ...emptyTotals(), ok: 1 }, null, { ...options, simulated: true, width: 80 });
    expect(text).toMatch(/1 device: ✔ 1 ok \(simulated\)\n$/);
  });

  test('says where a version was not the one that was asked for', () => {
    const text = finalTable(
      [
        device(1, { verify: 'require', verified: false, reason: 'the device reports version 1, not 2' }),
        device(2, { verify: 'require', verified: null }),
        device(3, { verify: 'report', verified: null, reason: 'the device reported no version within 600 s' }),
        device(4, { verify: 'require', verified: true }),
      ],
      { ...emptyTotals(), ok: 2, unverified: 2 },
      null,
      { ...options, width: null },
    );
    expect(text).toMatch(/S1 .* ! unverified .* the device reports version 1, not 2; check its version/);
    expect(text).toMatch(/S2 .* ! unverified .* the required verification did not confirm it/);
    expect(text).toMatch(/S3 .* ✔ ok, not confirmed .* the device reported no version within 600 s\n/);
    expect(text).toMatch(/S4 .* ✔ ok, verified/);
    expect(text).toMatch(/4 devices: ✔ 2 ok {2}! 2 unverified\n/);
  });

  test('has the time of devices without a serial number, too', () => {
    const state = (endedAt: number) => ({ pid: 'P', sn: null, target: null, startedAt: 0, endedAt });
    const view = { devices: [state(5000), state(61_000)], names: new Map() } as never;
    const text = finalTable([device(0, { sn: null }), device(1, { sn: null })], emptyTotals(), view, {
      ...options,
      width: null,
    });
    expect(text).toMatch(/\(not told\).* 5s\n\(not told\).* 1m01s\n/);
  });
});

describe('an error', () => {
  const error = new OtaError('manifest_invalid', 'manifest.yaml: 2 errors', {
    details: ['device 1 (S1), md5: is not 32 hex digits', 'device 2, sn: is missing\u001b[2J'],
    hint: 'correct the manifest',
    cause: new Error('the cause'),
  });

  test('is told with its details and what to do', () => {
    expect(formatError(error, { color: false, verbose: false })).toBe(
      [
        'error: manifest.yaml: 2 errors',
        '  - device 1 (S1), md5: is not 32 hex digits',
        '  - device 2, sn: is missing\\u{1b}[2J',
        'hint: correct the manifest',
      ].join('\n'),
    );
  });

  test('has its stack for developers only, and a cause that names itself does not hang', () => {
    expect(formatError(error, { color: false, verbose: true })).toMatch(/\n {4}at .*\ncaused by: Error: the cause\n/s);
    const circle = new OtaError('internal', 'x');
    circle.cause = circle;
    expect(formatError(circle, { color: false, verbose: true })).toContain('caused by:');
  });

  test('is coloured where asked', () => {
    expect(formatError(error, { color: true, verbose: false })).toContain('\u001b[31merror:\u001b[39m');
  });

  test('with thousands of details is cut short and says so', () => {
    const details = Array.from({ length: 5000 }, (_, index) => `device ${index}`);
    const text = formatError(new OtaError('manifest_invalid', 'x', { details }), { color: false, verbose: false });
    expect(text.split('\n')).toHaveLength(202);
    expect(text).toContain('… and 4800 more');
  });
});
