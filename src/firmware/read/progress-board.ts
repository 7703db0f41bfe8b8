import type { Clock } from '../../clock.js';
import type { Reading } from './progress.js';

/** Collects the progress of all files, and reports it at most ten times a second. */
export interface ReadingBoard {
  add(file_name: string, total: number | null): ReadingLine;
  /** Reports once more if there is unreported progress. */
  close(): void;
}

interface ReadingLine {
  at(read: number, total: number | null): void;
  done(read: number): void;
}

const INTERVAL = 100;

/** Creates a board that reports to `tell`. */
export function readingBoard(clock: Clock, tell: ((files: readonly Reading[]) => void) | undefined): ReadingBoard {
  const lines: { begun: number; reading: Reading }[] = [];
  let told = Number.NEGATIVE_INFINITY;
  let pending = false;

  function changed(): void {
    pending = true;
    if (clock.now() - told >= INTERVAL) show();
  }

  function show(): void {
    told = clock.now();
    pending = false;
    tell?.(lines.map(({ reading }) => ({ ...reading })));
  }

  return {
    add(file_name, total) {
      const begun = clock.now();
      const reading: Reading = { file_name, read: 0, total, elapsed: 0, done: false };
      lines.push({ begun, reading });
      changed();
      const update = (change: Partial<Reading>) => {
        Object.assign(reading, change, { elapsed: clock.now() - begun });
        changed();
      };
      return {
        at: (read, total) => update({ read, total }),
        done: (read) => update({ read, total: read, done: true }),
      };
    },
    close() {
      if (pending) show();
    },
  };
}
