import { fstatSync, writeSync } from 'node:fs';
import type { OutputStream } from '../render/terminal/stream.js';
import type { CiGuard } from './guarded-stream.js';

/**
 * Standard output (1) or error (2) for a few kilobytes of text. Node's own stream is `heavy`: for a pipe it loads all of its
 * networking, which takes longer than everything else that `--version` does. It is made for terminals, and where the file
 * descriptor would have to be waited for.
 */
export function lightStream(fd: 1 | 2, guard: CiGuard, heavy: () => OutputStream): OutputStream {
  if (isDevice(fd)) return heavy();
  const send = (text: string) => {
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      // The reader of a pipe is gone (EOF: the same on Windows): nobody is left to tell.
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
