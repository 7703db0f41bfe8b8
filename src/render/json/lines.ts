import type { Clock } from '../../clock.js';
import { safeJson } from '../../text.js';
import { type RunEvent, stamped } from '../../upgrade/events.js';
import { errorLines } from '../error-lines.js';
import { DEFAULT_STEP, progressGate } from '../log/gate.js';
import type { Renderer } from '../renderer.js';
import type { OutputStream } from '../terminal/stream.js';
import { PLAIN_STYLES } from '../terminal/styles.js';

// Larger blocks gain no speed, and a flood of events within one tick must not pile up in memory.
const BLOCK = 64 * 1024;

// A reader that is this far behind gets no more progress, which is all that there is no end of: the next one says the same.
const MOST_WAITING = 1024 * 1024;

/** One event as a JSON line of CONTRACT "JSON lines", without the line end. `time` is milliseconds since 1970. */
export function jsonLine(event: RunEvent, run: string, time: number): string {
  return safeJson(JSON.stringify(stamped(event, run, time)));
}

/** JSON lines on stdout and nothing else there; errors, for whoever has sent stdout away, and notes also on stderr. */
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
      // The contract's last line: whatever comes after it has no place.
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
