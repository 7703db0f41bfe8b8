import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { guardStream } from '../../../src/cli/guarded-stream.js';
import { createCiGuard } from '../../../src/render/terminal/ci-guard.js';
import { terminalSize, terminalWidth } from '../../../src/render/terminal/stream.js';

/** A stream that accepts nothing until it is told to. As a terminal it has a size. */
function stuck(size?: { columns: number; rows: number }) {
  let go = () => {};
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += chunk;
      go = done;
    },
  });
  const terminal = Object.assign(stream, size && { isTTY: true, ...size }) as unknown as NodeJS.WriteStream;
  return { stream: terminal, take: () => go(), text: () => text };
}

describe('a size that a terminal reports', () => {
  test.each([
    [
      { columns: 0, rows: 0 },
      { columns: 80, rows: 24 },
    ],
    [
      { columns: 65_535, rows: 65_535 },
      { columns: 1000, rows: 1000 },
    ],
    [
      { columns: Number.NaN, rows: -3 },
      { columns: 80, rows: 24 },
    ],
    [
      { columns: 1, rows: 0.5 },
      { columns: 1, rows: 24 },
    ],
    [{}, { columns: 80, rows: 24 }],
  ])('%j is taken for %j', (reported, used) => {
    expect(terminalSize(reported)).toEqual(used);
  });

  test('nothing has to fit where there is no terminal', () => {
    expect(terminalWidth({ columns: 0 })).toBeNull();
    expect(terminalWidth({ isTTY: true, columns: 0 })).toBe(80);
  });

  test('is checked for whoever reads it from the stream, and follows a resize', () => {
    const { stream } = stuck({ columns: 0, rows: 0 });
    guardStream(stream, createCiGuard(), true);
    expect([stream.columns, stream.rows]).toEqual([80, 24]);
    stream.columns = 120;
    stream.rows = 70_000;
    expect([stream.columns, stream.rows]).toEqual([120, 1000]);
  });
});

test('text for people that nobody takes is left out, and that is said once it is taken again', async () => {
  const { stream, take, text } = stuck();
  guardStream(stream, createCiGuard(), true);
  const line = `${'x'.repeat(9_999)}\n`;
  for (let count = 0; count < 1000; count++) stream.write(line);
  expect(stream.writableLength).toBeLessThan(2_000_000);
  while (stream.writableLength > 0) {
    take();
    await new Promise(setImmediate);
  }
  stream.write('back\n');
  expect(text()).toMatch(/\nwarning: output was dropped 8\d\d times, because the reader was too slow\nback\n$/);
});

test('results are kept, however long nobody takes them', () => {
  const { stream } = stuck();
  guardStream(stream, createCiGuard(), false);
  for (let count = 0; count < 300; count++) stream.write('x'.repeat(10_000));
  expect(stream.writableLength).toBe(3_000_000);
});

test('is taken back', () => {
  const { stream } = stuck();
  const { write } = stream;
  const unguard = guardStream(stream, createCiGuard(), true);
  expect(stream.write).not.toBe(write);
  unguard();
  expect(stream.write).toBe(write);
});
