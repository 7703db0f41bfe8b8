import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.js';

// Fifty docks at once take twice this each, and no more however slow they are.
const PIECE = 128 * 1024;
const TELL_EVERY = 100;

/**
 * Sends bytes `start` to `end` (inclusive) of `handle`, as fast as the other side takes them, and ends the response. Where
 * `isSame` denies before the last piece that the file is still the same, the connection is cut instead, so that the other
 * side knows that it has not got it all. `tell` hears up to which byte it has come, at most ten times a second.
 */
export async function sendRange(
  handle: FileHandle,
  response: ServerResponse,
  { start, end }: { start: number; end: number },
  isSame: () => Promise<boolean>,
  clock: Clock,
  tell: (bytes: number, done: boolean) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE, end - start + 1));
  let at = start;
  let told = clock.now();
  tell(at, false);
  try {
    while (at <= end) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end + 1 - at), at);
      const isLast = at + bytesRead > end;
      if (bytesRead === 0 || (isLast && !(await isSame()))) {
        response.destroy();
        return;
      }
      // The buffer is used again, so the piece has to be out of this program first.
      if (!(await written(response, buffer.subarray(0, bytesRead)))) return;
      at += bytesRead;
      if (clock.now() - told < TELL_EVERY) continue;
      told = clock.now();
      tell(at, false);
    }
    response.end();
  } finally {
    tell(at, true);
  }
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
