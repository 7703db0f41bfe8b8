/** Lines at the bottom of the terminal, drawn by cli-progress as one bar per line. */
import cliProgress, { type Options, type SingleBar } from 'cli-progress';
import type { OutputStream } from '../terminal/stream.js';
import type { Style, Styles } from '../terminal/styles.js';
import { frameTerminal } from './frame-terminal.js';

/** A line. `percent` is null if it has no bar. The layout decides the width of the bar in `text`. */
export interface Line {
  percent: number | null;
  /** @param progress 0 to 1. @returns a line that is at least one column narrower than the terminal */
  text(progress: number): string;
}

/** The area at the bottom of the terminal. */
export interface Screen {
  /** Draws `lines`. There must be fewer than the terminal has rows. */
  show(lines: readonly Line[]): void;
  /** Prints `text` (without a newline) above the lines, with the next {@link show}. */
  above(text: string): void;
  /** Leaves the terminal to other output until the next {@link show}. */
  pause(): void;
  /** Ends the drawing. The lines stay on the screen if `keep`. */
  stop(keep: boolean): void;
}

// cli-progress always has a timer. This program draws on its own timer, so that of cli-progress must never fire.
const NEVER_FPS = 1 / 86_400;

/** The most texts that wait to be printed. */
const MOST_WAITING = 1000;

/** Creates the area for a stream. */
export function createScreen(stream: OutputStream): Screen {
  const terminal = frameTerminal(stream);
  const options: Options & { terminal: unknown } = {
    terminal,
    fps: NEVER_FPS,
    hideCursor: true,
    // Otherwise it would consume the first Ctrl-C.
    gracefulExit: false,
    forceRedraw: true,
    format: (_options, params, line: Line) => line.text(params.progress),
  };
  const multi = new cliProgress.MultiBar(options);
  const bars: SingleBar[] = [];
  let held = false;
  let waiting = 0;
  multi.on('update-pre', () => terminal.begin());
  multi.on('update-post', () => {
    if (!held) terminal.end();
  });

  return {
    show(lines) {
      // Removing a bar redraws at once. Hold the output, so that a frame is one write.
      held = true;
      while (bars.length > lines.length) multi.remove(bars.pop() as SingleBar);
      lines.forEach((line, index) => {
        const bar = bars[index];
        if (bar) bar.update(line.percent ?? 0, line);
        else bars.push(multi.create(100, line.percent ?? 0, { ...line }));
      });
      held = false;
      terminal.cursor(false);
      multi.update();
      waiting = 0;
    },
    above(text) {
      // While the terminal does not accept output, nothing is drawn.
      if (++waiting <= MOST_WAITING) multi.log(`${text.replaceAll('\n', '\r\n')}\r\n`);
    },
    pause: () => terminal.leave(true),
    stop(keep) {
      // stop() drops what was logged since the last frame, unless update() comes first.
      if (multi.isActive) multi.update();
      multi.stop();
      terminal.leave(keep);
    },
  };
}

/**
 * Draws a bar. `failed`: the share of all devices that ended badly (0 to 1), drawn separately at the end of the completed part.
 */
export type DrawBar = (progress: number, width: number, done: Style, failed?: number) => string;

const LONGEST = 400;

/** Draws thin bars like those of cli-progress, with two or three colours and as many characters. */
export function barDrawer(styles: Styles, unicode: boolean): DrawBar {
  const glue = '\n';
  const done = unicode ? '━' : '#';
  const options = {
    barCompleteString: done.repeat(LONGEST + 1),
    barIncompleteString: (unicode ? '─' : '-').repeat(LONGEST + 1),
    barGlue: glue,
  };
  const bad = unicode ? '╍' : 'x';
  return (progress, width, style, failed = 0) => {
    const text = cliProgress.Format.BarFormat(progress, { ...options, barsize: Math.min(LONGEST, Math.max(0, width)) });
    const at = text.indexOf(glue);
    // Show at least one cell for failures, even if one of thousands of devices failed.
    const cells = failed > 0 ? Math.min(at, Math.max(1, Math.round(failed * width))) : 0;
    return style(text.slice(0, at - cells)) + styles.bad(bad.repeat(cells)) + styles.dim(text.slice(at + 1));
  };
}
