/** The spinner before the first publish, while firmware is read and the broker is connected. */
import ora, { type Ora } from 'ora';
import type { Reading } from '../../firmware/read/progress.js';
import { safeText, showBytes, showDuration } from '../../text.js';
import { type OutputStream, terminalSize } from '../terminal/stream.js';
import { cut } from '../terminal/width.js';

/** A spinner with one line of text. */
export interface PhaseSpinner {
  /** Null = the activity has ended. */
  phase(text: string | null): void;
  reading(files: readonly Reading[]): void;
  stop(): void;
}

/** Creates the spinner for a stream. */
export function phaseSpinner(stream: OutputStream, color: boolean, unicode: boolean): PhaseSpinner {
  let spinner: Ora | null = null;

  const show = (text: string) => {
    const line = cut(text, Math.max(1, terminalSize(stream).columns - 4));
    if (spinner) {
      spinner.text = line;
      return;
    }
    spinner = ora({
      text: line,
      stream: stream as NodeJS.WritableStream,
      color: color ? 'cyan' : false,
      spinner: unicode ? 'dots' : 'line',
      isEnabled: true,
      // Raw mode would disable Ctrl-C. Other code here hides and restores the cursor.
      discardStdin: false,
      hideCursor: false,
    });
    stream.write('\u001b[?25l');
    spinner.start();
  };

  const stop = () => {
    if (!spinner) return;
    spinner.stop();
    spinner = null;
    stream.write('\u001b[?25h');
  };

  return {
    phase: (text) => (text === null ? stop() : show(safeText(text, 500))),
    reading(files) {
      if (files.some((file) => !file.done)) show(readingText(files));
    },
    stop,
  };
}

/** `Reading wm245.zip: 312 MB of 635 MB, 49 %, 210 MB/s, ~2s left`. Several files are added up. */
function readingText(files: readonly Reading[]): string {
  const open = files.filter((file) => !file.done);
  const read = files.reduce((sum, file) => sum + file.read, 0);
  const known = files.every((file) => file.total !== null);
  const total = known ? files.reduce((sum, file) => sum + (file.total ?? 0), 0) : null;
  // Files are read in parallel, so the longest time is the total time.
  const elapsed = Math.max(0, ...files.map((file) => file.elapsed));
  const rate = elapsed >= 500 ? read / (elapsed / 1000) : null;
  const name =
    files.length === 1
      ? safeText(open[0]?.file_name ?? '', 60)
      : `${files.length} firmware files (${files.length - open.length} done)`;
  const parts = [`Reading ${name}: ${showBytes(read)}${total === null ? '' : ` of ${showBytes(total)}`}`];
  if (total !== null && total > 0) parts.push(`${Math.floor((read / total) * 100)} %`);
  if (rate !== null && rate > 0) {
    parts.push(`${showBytes(rate)}/s`);
    if (total !== null) parts.push(`~${showDuration(((total - read) / rate) * 1000)} left`);
  }
  return parts.join(', ');
}
