/** Lines on their way to the disk: what must be there before the program goes on, and what may follow in blocks. */
import type { Machine } from '../machine.js';
import { lineOf, SEAM } from './record.js';

/** What may follow later is written in blocks of so many bytes, or after so many milliseconds. */
const BLOCK = 64 * 1024;
const BLOCK_MS = 100;
/** More than this is not held back while the disk is full. */
const MOST_HELD = 4 * 1024 * 1024;

export interface LineWriter {
  /** All of them on the disk once it resolves; rejects, with Node's own error, where one of them is not. */
  write(records: readonly object[]): Promise<void>;
  /** `soon`: handed to the system at once, and synced behind the program's back; else within a moment. Never throws. */
  append(record: object, soon: boolean): void;
  /** Writes what is left, and syncs. Never throws. */
  close(): Promise<void>;
}

/**
 * Opens `file` to append to it, with `first` as the number of the next line.
 * @param onTrouble is told what `append` and `close` meet.
 * @param mayWrite asked before what was appended is written: false drops it, for another process writes there now.
 * @throws Node's own error where it cannot be opened.
 */
export function openWriter(
  file: string,
  first: number,
  { clock, disk }: Pick<Machine, 'clock' | 'disk'>,
  onTrouble: (error: unknown) => void,
  mayWrite: () => boolean,
): LineWriter {
  const fd = disk.openSync(file, 'a', 0o600);
  let next = first;
  // What is accepted and not written yet. A full disk may cut it anywhere: what is left goes on exactly there.
  let held = Buffer.alloc(0);
  let block = '';
  let cancelTimer: (() => void) | null = null;
  let syncing: Promise<void> | null = null;
  let syncAgain = false;
  let closed = false;

  function put(bytes: Buffer): { written: number; error: unknown } {
    let written = 0;
    try {
      while (written < bytes.length) written += disk.writeSync(fd, bytes, written);
      return { written, error: null };
    } catch (error) {
      return { written, error };
    }
  }

  function flush(): unknown {
    cancelTimer?.();
    cancelTimer = null;
    if (block !== '') {
      held = Buffer.concat([held, Buffer.from(block)]);
      block = '';
    }
    if (held.length === 0) return null;
    if (!mayWrite()) {
      held = Buffer.alloc(0);
      return null;
    }
    const { written, error } = put(held);
    held = held.subarray(written);
    return error;
  }

  function flushQuietly(): void {
    const error = closed ? null : flush();
    if (error) onTrouble(error);
  }

  function syncBehind(): void {
    syncAgain = syncing !== null;
    syncing ??= disk
      .fdatasync(fd)
      .catch(onTrouble)
      .then(() => {
        syncing = null;
        if (syncAgain && !closed) syncBehind();
      });
  }

  return {
    async write(records) {
      const failed = flush();
      if (failed) throw failed;
      const bytes = Buffer.from(records.map((record, index) => lineOf(record, next + index)).join(''));
      const { written, error } = put(bytes);
      const whole = bytes.subarray(0, written);
      next += whole.reduce((lines, byte) => lines + (byte === NEWLINE ? 1 : 0), 0);
      // These lines must not come into effect later on, when there is room again.
      if (written > 0 && whole[written - 1] !== NEWLINE) held = Buffer.from(`\n${lineOf(SEAM, next++)}`);
      if (error) throw error;
      await disk.fdatasync(fd);
    },
    append(record, soon) {
      if (closed) return;
      const line = lineOf(record, next++);
      // The number that is left out tells the reader that something is missing.
      if (held.length + block.length < MOST_HELD) block += line;
      if (soon || block.length >= BLOCK) flushQuietly();
      else cancelTimer ??= clock.after(BLOCK_MS, flushQuietly);
      if (soon) syncBehind();
    },
    async close() {
      if (closed) return;
      flushQuietly();
      closed = true;
      await syncing;
      await disk.fdatasync(fd).catch(onTrouble);
      disk.closeSync(fd);
    },
  };
}

const NEWLINE = 0x0a;
