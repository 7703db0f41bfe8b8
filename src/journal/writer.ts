/** Writes lines to the disk: synced, where the program must wait for it, or in blocks. */
import type { Machine } from '../machine.js';
import { lineOf, SEAM } from './record.js';

/** Lines that may follow later are written in blocks of this many bytes, or after this many milliseconds. */
const BLOCK = 64 * 1024;
const BLOCK_MS = 100;
/** Bytes. The most that is held in memory while the disk is full. */
const MOST_HELD = 4 * 1024 * 1024;

/** Appends lines to a journal. */
export interface LineWriter {
  /** All records are on disk once it resolves. Rejects with Node's own error if one of them is not. */
  write(records: readonly object[]): Promise<void>;
  /**
   * `soon`: written at once, or at the end of the batch, and synced in the background; otherwise written within a moment.
   * Never throws.
   */
  append(record: object, soon: boolean): void;
  /** Lines that are appended `soon` between `true` and `false` are written together. Never throws. */
  batch(open: boolean): void;
  /** Writes what is left, and syncs. Never throws. */
  close(): Promise<void>;
}

/**
 * Opens `file` for appending. `first` is the number of the next line.
 * @param onTrouble called with errors of `append` and `close`
 * @param mayWrite called before appended lines are written; false drops them, because another process now writes the file
 * @throws Node's own error if the file cannot be opened
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
  // Accepted but not written yet. A full disk may cut a write anywhere; the next one continues at that byte.
  let held = Buffer.alloc(0);
  let block = '';
  let cancelTimer: (() => void) | null = null;
  let syncing: Promise<void> | null = null;
  let syncAgain = false;
  let closed = false;
  let inBatch = false;
  let due = false;

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

  function writeDue(): void {
    due = false;
    flushQuietly();
    if (!closed) syncBehind();
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
      // These lines must not take effect later, when the disk has space again.
      if (written > 0 && whole[written - 1] !== NEWLINE) held = Buffer.from(`\n${lineOf(SEAM, next++)}`);
      if (error) throw error;
      await disk.fdatasync(fd);
    },
    append(record, soon) {
      if (closed) return;
      const line = lineOf(record, next++);
      // The missing number tells the reader that a line is missing.
      if (held.length + block.length < MOST_HELD) block += line;
      due ||= soon;
      if (due && !inBatch) writeDue();
      else if (block.length >= BLOCK) flushQuietly();
      else cancelTimer ??= clock.after(BLOCK_MS, flushQuietly);
    },
    batch(open) {
      inBatch = open;
      if (due && !open) writeDue();
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
