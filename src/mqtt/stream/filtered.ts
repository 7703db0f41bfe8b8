/** A stream whose incoming bytes pass through a filter; outgoing ones go straight to the stream below. */
import { Duplex } from 'node:stream';

export interface Filter {
  /**
   * What is left of `chunk`; an empty buffer where nothing is. The bytes are the caller's again afterwards, so that what is
   * held for later is copied. Throws where the stream cannot go on.
   */
  take(chunk: Buffer): Buffer;
}

/** A stream, and who gets its bytes: `null` = its `data` events tell them. */
export interface Source {
  stream: Duplex;
  /** Has `take` called with each chunk, whose bytes are overwritten by the next one. */
  read: ((take: (chunk: Buffer) => void) => void) | null;
}

export function filtered(below: Source, filter: Filter): Duplex {
  return new Filtered(below, filter);
}

class Filtered extends Duplex {
  readonly #below: Duplex;

  constructor({ stream: below, read }: Source, filter: Filter) {
    super({ allowHalfOpen: false });
    this.#below = below;
    const take = (chunk: Buffer) => {
      let left: Buffer;
      try {
        left = filter.take(chunk);
      } catch (error) {
        this.destroy(error as Error);
        return;
      }
      if (left.length === 0) return;
      // Only what is passed on is copied.
      if (read && left.buffer === chunk.buffer) left = Buffer.from(left);
      if (!this.push(left)) below.pause();
    };
    if (read) read(take);
    else below.on('data', take);
    below.on('end', () => this.push(null));
    below.on('error', (error) => this.destroy(error));
    below.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#below.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#below.write(chunk, encoding, done);
  }

  // mqtt.js writes a packet in many small pieces.
  override _writev(parts: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#below.write(Buffer.concat(parts.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#below.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#below.destroy();
    done(error);
  }
}
