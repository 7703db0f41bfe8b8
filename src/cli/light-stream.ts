import { fstatSync, writeSync } from 'node:fs';
import type { OutputStream } from '../render/terminal/stream.js';
import type { CiGuard } from './guarded-stream.js';

/**
 * Standard output (1) or error (2) for a few kilobytes of text. Node's own stream is `heavy`: for a pipe it loads all of Node's
 * networking, which takes longer than everything else in `--version`. It is only created for terminals, and if the file
 * descriptor would block.
 */
export function lightStream(fd: 1 | 2, guard: CiGuard, heavy: () => OutputStream): OutputStream {
  if (isDevice(fd)) return heavy();
  const send = (text: string) => {
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      // The reader of a pipe is gone (EOF means the same on Windows).
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EPIPE' && code !== 'EOF') return heavy().write(rest.toString());
    }
    return true;
  };
  return { isTTY: false, write: (text) => send(guard(text)), command: ({ ciCommand }) => void send(ciCommand) };
}

function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return true;
  }
}
