import type { Clock } from '../../clock.js';
import { safeJson } from '../../text.js';
import { type RunEvent, stamped } from '../../upgrade/events.js';
import { errorLines } from '../error-lines.js';
import { DEFAULT_STEP, progressGate } from '../log/gate.js';
import type { Renderer } from '../renderer.js';
import type { OutputStream } from '../terminal/stream.js';
import { PLAIN_STYLES } from '../terminal/styles.js';

// Bytes. Larger blocks are not faster, and a flood of events within one tick must not fill the memory.
const BLOCK = 64 * 1024;

// Bytes. For a reader that is this far behind, progress is dropped. Only progress is unlimited, and the next event repeats it.
const MOST_WAITING = 1024 * 1024;

/** One event as a JSON line of CONTRACT "JSON lines", without the newline. `time`: milliseconds since 1970. */
export function jsonLine(event: RunEvent, run: string, time: number): string {
  return safeJson(JSON.stringify(stamped(event, run, time)));
}

/** Writes JSON lines, and nothing else, to stdout. Errors also go to stderr, for users who redirect stdout, as do notes. */
export function jsonRenderer(options: {
  stdout: OutputStream;
  stderr: OutputStream;
  clock: Clock;
  runId: string;
  /** `--progress`, in percent. */
  progress?: number | undefined;
}): Renderer {
  const { stdout, stderr, clock, runId } = options;
  const gate = progressGate(options.progress ?? DEFAULT_STEP);
  let block = '';
  let scheduled = false;
  let over = false;

  const flush = () => {
    scheduled = false;
    if (block === '') return;
    const text = block;
    block = '';
    stdout.write(text);
  };

  return {
    event(event) {
      // `run_finished` is the last line of the contract, so nothing may follow.
      if (over) return;
      if (event.event === 'device_progress') {
        if ((stdout.writableLength ?? 0) > MOST_WAITING || !gate(event)) return;
      }
      over = event.event === 'run_finished';
      if (event.event === 'error') stderr.write(`${errorLines(event, PLAIN_STYLES)}\n`);
      block += `${jsonLine(event, runId, clock.wall())}\n`;
      if (over || block.length >= BLOCK) return flush();
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    phase() {},
    reading() {},
    view() {},
    note: (text) => void stderr.write(`${text}\n`),
    close: flush,
  };
}
