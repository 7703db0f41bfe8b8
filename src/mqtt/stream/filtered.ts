/** A stream whose incoming bytes pass through a filter. Outgoing bytes go directly to the stream below. */
import { Duplex } from 'node:stream';

/** A filter for incoming bytes. */
export interface Filter {
  /**
   * Returns what is left of `chunk`, which may be empty. The caller reuses the buffer afterwards, so bytes that are kept must
   * be copied. Throws if the stream cannot continue.
   */
  take(chunk: Buffer): Buffer;
}

/** A stream, and how its bytes are read; `null` = by its `data` events. */
export interface Source {
  stream: Duplex;
  /** Calls `take` with each chunk. The next chunk overwrites its bytes. */
  read: ((take: (chunk: Buffer) => void) => void) | null;
}

/** Puts a filter on top of a stream. */
export function filtered(below: Source, filter: Filter): Duplex {
  return new Filtered(below, filter);
}

/**
 * A broker that is slower than this program sends each message by itself, and a read costs more than the processing of a
 * message. If `reads` small reads come within `window`, the reader pauses for `rest` after each one, until as many reads take
 * longer than `slow`. Milliseconds.
 */
const BUSY = { reads: 32, window: 100, slow: 500, rest: 2 };
/** Bytes. After a read of this size more data is usually waiting. */
const MUCH = 16 * 1024;

class Filtered extends Duplex {
  readonly #below: Duplex;
  #isFull = false;
  #isBusy = false;
  #reads = 0;
  #since = 0;
  #bytes = 0;
  #turn: NodeJS.Immediate | null = null;
  #rest: NodeJS.Timeout | null = null;

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
      if (this.push(left)) return;
      this.#isFull = true;
      below.pause();
    };
    if (read)
      read((chunk) => {
        take(chunk);
        this.#restAfter(chunk.length);
      });
    else below.on('data', take);
    below.on('end', () => this.push(null));
    below.on('error', (error) => this.destroy(error));
    below.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#isFull = false;
    if (this.#rest === null) this.#below.resume();
  }

  #restAfter(bytes: number): void {
    if (++this.#reads === BUSY.reads) {
      const now = performance.now();
      this.#isBusy = now - this.#since < (this.#isBusy ? BUSY.slow : BUSY.window);
      this.#since = now;
      this.#reads = 0;
    }
    if (!this.#isBusy) return;
    this.#bytes += bytes;
    // More data may follow in the same turn of the event loop, as with TLS.
    this.#turn ??= setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    const isMuch = this.#bytes >= MUCH;
    this.#turn = null;
    this.#bytes = 0;
    if (isMuch || this.destroyed) return;
    this.#below.pause();
    this.#rest = setTimeout(() => {
      this.#rest = null;
      if (!this.#isFull) this.#below.resume();
    }, BUSY.rest);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#below.write(chunk, encoding, done);
  }

  // mqtt.js writes one packet in many small pieces.
  override _writev(parts: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#below.write(Buffer.concat(parts.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#below.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#turn) clearImmediate(this.#turn);
    if (this.#rest) clearTimeout(this.#rest);
    this.#below.destroy();
    done(error);
  }
}
