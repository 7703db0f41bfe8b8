import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.js';
import type { Rate } from './rate.js';

// Bytes. Fifty downloads at once need twice this each, and not more, however slow they are.
const PIECE = 128 * 1024;
const TELL_EVERY = 100;

/** Who receives the data, and how fast. */
interface Pace {
  clock: Clock;
  /** Null = as fast as the receiver reads. */
  rate: Rate | null;
  /** The receiver, for sharing `rate`. */
  who: string;
  /** Milliseconds without a byte after which the connection is closed. Waiting for the rate limit does not count. */
  idle: number;
}

/**
 * Sends bytes `start` to `end` (inclusive) of `handle`, and ends the response. If `isSame` returns false before the last piece,
 * because the file has changed, the connection is cut, so that the receiver knows that the file is incomplete. `moved` is
 * called for each piece, and `tell` with the offset, at most ten times a second.
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
      // The buffer is reused, so the piece must be handed to the system first.
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

/** Waits for the rate limit. Returns how many bytes may be sent; 0 = the receiver has disconnected. */
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

/** Whether `piece` was handed to the system; false = the receiver has disconnected. */
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
