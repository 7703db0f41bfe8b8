import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.js';
import type { Rate } from './rate.js';

// Fifty docks at once take twice this each, and no more however slow they are.
const PIECE = 128 * 1024;
const TELL_EVERY = 100;

/** Who is being sent to, and how fast. */
interface Pace {
  clock: Clock;
  /** Null = as fast as the other side takes it. */
  rate: Rate | null;
  /** Who shares in `rate`. */
  who: string;
  /** Milliseconds without a byte after which the connection is given up; waiting for a turn does not count. */
  idle: number;
}

/**
 * Sends bytes `start` to `end` (inclusive) of `handle`, as fast as the other side takes them, and ends the response. Where
 * `isSame` denies before the last piece that the file is still the same, the connection is cut instead, so that the other
 * side knows that it has not got it all. `moved` hears of each piece, `tell` up to which byte it has come, at most ten times
 * a second.
 */
export async function sendRange(
  handle: FileHandle,
  response: ServerResponse,
  { start, end }: { start: number; end: number },
  isSame: () => Promise<boolean>,
  { clock, rate, who, idle }: Pace,
  moved: () => void,
  tell: (bytes: number, done: boolean) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE, end - start + 1));
  let at = start;
  let told = clock.now();
  tell(at, false);
  try {
    while (at <= end) {
      let length = Math.min(buffer.length, end + 1 - at);
      if (rate) {
        response.socket?.setTimeout(0);
        length = await turn(rate, who, length, response);
        response.socket?.setTimeout(idle);
      }
      if (response.destroyed) return;
      const { bytesRead } = await handle.read(buffer, 0, length, at);
      const isLast = at + bytesRead > end;
      if (bytesRead === 0 || (isLast && !(await isSame()))) {
        response.destroy();
        return;
      }
      // The buffer is used again, so the piece has to be out of this program first.
      if (!(await written(response, buffer.subarray(0, bytesRead)))) return;
      at += bytesRead;
      moved();
      if (clock.now() - told < TELL_EVERY) continue;
      told = clock.now();
      tell(at, false);
    }
    response.end();
  } finally {
    tell(at, true);
  }
}

/** How many bytes may be sent, once it is this response's turn; 0 where the other side went away before. */
async function turn(rate: Rate, who: string, wanted: number, response: ServerResponse): Promise<number> {
  if (response.destroyed) return 0;
  let gone = () => {};
  const taken = rate.take(who, wanted, (stop) => {
    gone = stop;
    response.once('close', gone);
  });
  const bytes = await taken;
  response.off('close', gone);
  return bytes;
}

/** Whether `piece` has been handed to the system; false = the other side is gone. */
function written(response: ServerResponse, piece: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false);
    const gone = () => resolve(false);
    response.once('close', gone);
    response.write(piece, (error) => {
      response.off('close', gone);
      resolve(!error);
    });
  });
}
