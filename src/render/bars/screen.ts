/** Lines at the bottom of the terminal, drawn by cli-progress: one of its bars for each line. */
import cliProgress, { type Options, type SingleBar } from 'cli-progress';
import type { OutputStream } from '../terminal/stream.js';
import type { Style, Styles } from '../terminal/styles.js';
import { frameTerminal } from './frame-terminal.js';

/** A line; `percent` is null where it has no bar. `text` gets the width of the bar from whoever lays lines out. */
export interface Line {
  percent: number | null;
  /** @param progress 0 to 1. @returns a line that is not wider than the terminal less one column. */
  text(progress: number): string;
}

export interface Screen {
  /** Draws `lines`, of which there must be fewer than the terminal has rows. */
  show(lines: readonly Line[]): void;
  /** Scrolls `text` (without line end) by above the lines, with the next {@link show}. */
  above(text: string): void;
  /** Leaves the terminal to others until the next {@link show}. */
  pause(): void;
  /** Ends the drawing; the lines stay, or go. */
  stop(keep: boolean): void;
}

// cli-progress has a timer of its own and no way to be without; ours draws, so its one must never come first.
const NEVER_FPS = 1 / 86_400;

/** Texts that wait to be scrolled by. */
const MOST_WAITING = 1000;

export function createScreen(stream: OutputStream): Screen {
  const terminal = frameTerminal(stream);
  const options: Options & { terminal: unknown } = {
    terminal,
    fps: NEVER_FPS,
    hideCursor: true,
    // It takes the first Ctrl-C for itself otherwise.
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
      // Taking a bar away redraws at once; one write for the whole frame is enough.
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
      // Nothing is drawn while the terminal takes nothing.
      if (++waiting <= MOST_WAITING) multi.log(`${text.replaceAll('\n', '\r\n')}\r\n`);
    },
    pause: () => terminal.leave(true),
    stop(keep) {
      // What was logged since the last frame would be dropped.
      if (multi.isActive) multi.update();
      multi.stop();
      terminal.leave(keep);
    },
  };
}

/** `failed`: the share of all, 0 to 1, that ended badly: it is drawn apart, at the end of what is done. */
export type DrawBar = (progress: number, width: number, done: Style, failed?: number) => string;

const LONGEST = 400;

/** Draws bars as cli-progress does, thin, in two or three colours and as many signs. */
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
    // One that failed is to be seen in a fleet of thousands, too.
    const cells = failed > 0 ? Math.min(at, Math.max(1, Math.round(failed * width))) : 0;
    return style(text.slice(0, at - cells)) + styles.bad(bad.repeat(cells)) + styles.dim(text.slice(at + 1));
  };
}
