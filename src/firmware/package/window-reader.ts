import { Readable } from 'node:stream';
import yauzl from 'yauzl';
import type { ByteSource } from './byte-source.js';

// yauzl reads a directory in small pieces, and over HTTP each one would be a request.
const WINDOW = 256 * 1024;
// The directory of a package has a few kilobytes. A file that requires more is an attack.
const MAX_READ = 64 * 1024 * 1024;

/** A reader for yauzl that reads `source` ahead. `failure` is set if the source itself failed. */
export function windowReader(source: ByteSource): { reader: yauzl.RandomAccessReader; failure: unknown } {
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  let read = 0;
  const result: { reader: yauzl.RandomAccessReader; failure: unknown } = {
    reader: undefined as unknown as yauzl.RandomAccessReader,
    failure: undefined,
  };

  async function fill(buffer: Buffer, position: number): Promise<void> {
    // Positions come from the file, so check them.
    if (!Number.isSafeInteger(position) || position < 0 || position + buffer.length > source.size) {
      throw new Error('it points to a place outside of the file');
    }
    if (position < start || position + buffer.length > start + window.length) {
      const length = Math.max(buffer.length, Math.min(WINDOW, source.size - position));
      read += length;
      if (read > MAX_READ) throw new Error('its directory is larger than that of any DJI package');
      const next = Buffer.alloc(length);
      try {
        await source.read(next, position);
      } catch (error) {
        result.failure = error;
        throw error;
      }
      window = next;
      start = position;
    }
    window.copy(buffer, 0, position - start);
  }

  class WindowReader extends yauzl.RandomAccessReader {
    override _readStreamForRange(from: number, to: number): Readable {
      const buffer = Buffer.alloc(to - from);
      return Readable.from(
        (async function* () {
          await fill(buffer, from);
          yield buffer;
        })(),
      );
    }
    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null) => void,
    ): void {
      fill(buffer.subarray(offset, offset + length), position).then(
        () => callback(null),
        (error) => callback(error),
      );
    }
    override close(callback: (error: Error | null) => void): void {
      callback(null);
    }
  }
  result.reader = new WindowReader();
  return result;
}
