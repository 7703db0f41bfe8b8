/** Makes the program's output streams safe, once for all commands and libraries that write to them. */
import type { createCiGuard } from '../render/terminal/ci-guard.js';
import { type OutputStream, terminalSize } from '../render/terminal/stream.js';

/** The most text for people that waits for a terminal or reader; further text is dropped. */
const MOST_WAITING = 1024 * 1024;

/** The filter for CI commands of one stream. */
export type CiGuard = ReturnType<typeof createCiGuard>;

/**
 * Guards `stream` in place: text cannot become a command of a CI system; its size is always usable; and a terminal that accepts
 * no output does not block the program and its signals, as Node's blocking writes would. `lossy`: drop text that is not
 * accepted, so that it does not fill the memory.
 * @returns a function that undoes this
 */
export function guardStream(stream: NodeJS.WriteStream & OutputStream, guard: CiGuard, lossy: boolean): () => void {
  const write = stream.write;
  const size = { columns: stream.columns, rows: stream.rows };
  let lost = 0;
  setBlocking(stream, false);
  const send = (text: unknown, rest: unknown[]) => {
    if (lossy && stream.writableLength > MOST_WAITING) {
      lost++;
      return false;
    }
    const note = lost > 0 ? `warning: output was dropped ${lost} times, because the reader was too slow\n` : '';
    lost = 0;
    const whole = note !== '' && typeof text === 'string' ? note + text : text;
    return Reflect.apply(write, stream, [whole, ...rest]) as boolean;
  };
  const guarded = (chunk: unknown, ...rest: unknown[]) => send(typeof chunk === 'string' ? guard(chunk) : chunk, rest);
  stream.write = guarded as typeof stream.write;
  stream.command = ({ ciCommand }) => void send(ciCommand, []);
  if (stream.isTTY) {
    for (const side of ['columns', 'rows'] as const) {
      Object.defineProperty(stream, side, {
        configurable: true,
        enumerable: true,
        get: () => terminalSize(size)[side],
        set: (value: number) => {
          size[side] = value;
        },
      });
    }
  }
  return () => {
    stream.write = write;
    delete stream.command;
    if (stream.writableLength === 0) setBlocking(stream, true);
  };
}

// Node makes terminals blocking: a write to one that accepts nothing (a hung connection, a stopped screen) would block
// everything, including signals. Windows has no such mode.
function setBlocking(stream: NodeJS.WriteStream, on: boolean): void {
  if (!stream.isTTY || process.platform === 'win32') return;
  (stream as { _handle?: { setBlocking?: (on: boolean) => unknown } })._handle?.setBlocking?.(on);
}
