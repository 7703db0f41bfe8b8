import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { filtered } from '../../../src/mqtt/stream/filtered.js';

/** A socket that the test feeds, and that knows whether it is read. */
function socket() {
  let take = (_chunk: Buffer) => {};
  const calls: string[] = [];
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  stream.pause = () => {
    calls.push('pause');
    return stream;
  };
  stream.resume = () => {
    calls.push('resume');
    stream.emit('resumed');
    return stream;
  };
  const read = (taker: typeof take) => {
    take = taker;
  };
  return { source: { stream, read }, calls, feed: (text: string) => take(Buffer.from(text)) };
}

const everything = { take: (chunk: Buffer) => chunk };
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('rests between many small reads, and loses nothing', async () => {
  const { source, calls, feed } = socket();
  const stream = filtered(source, everything);
  let got = '';
  stream.on('data', (chunk) => {
    got += chunk;
  });
  await turn();
  calls.length = 0;
  let sent = '';
  for (let at = 0; at < 200; at++) {
    feed(`${at} `);
    sent += `${at} `;
  }
  await vi.waitFor(() => expect(calls).toContain('pause'));
  await vi.waitFor(() => expect(calls.at(-1)).toBe('resume'), { interval: 2 });
  expect(got).toBe(sent);
  stream.destroy();
});

it('does not go on reading after a rest where nobody has taken what was read', async () => {
  const { source, calls, feed } = socket();
  const stream = filtered(source, everything);
  stream.pause();
  // Many small reads, after which it pauses after each turn; then as much as a stream of this version of Node buffers.
  for (let at = 0; at < 64; at++) feed('x');
  while (stream.readableLength < stream.readableHighWaterMark) {
    feed('x'.repeat(8000));
    await turn();
  }
  await turn();
  expect(calls).toContain('pause');
  calls.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(calls).toEqual([]);
  stream.on('data', () => {});
  const resumed = once(source.stream, 'resumed');
  stream.resume();
  await resumed;
  stream.destroy();
});
