/** Live bars on a terminal. They are drawn on a timer, so events cost nothing here. */
import { safeText, showBytes } from '../../text.js';
import type { RunEvent } from '../../upgrade/events.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import { splitText, symbolOf } from '../device-states.js';
import { errorLines } from '../error-lines.js';
import { count, packageWords } from '../log/lines.js';
import type { DrawingOptions, Renderer } from '../renderer.js';
import { upgradeLines, upgradesIn } from '../run-header.js';
import { closingTable } from '../table/closing-table.js';
import { terminalSize } from '../terminal/stream.js';
import { PLAIN_STYLES } from '../terminal/styles.js';
import { widthOf, wrap } from '../terminal/width.js';
import { createFleet } from './fleet.js';
import type { HeaderState } from './header.js';
import { type Group, groupDevices, layout } from './layout.js';
import { phaseSpinner } from './phase-spinner.js';
import { barDrawer, createScreen, type Screen } from './screen.js';
import { onSuspend } from './suspend.js';

const FRAME_MS = 100;
// A large fleet fills the screen, which nobody can read more often.
const MANY_DEVICES = 200;
const MANY_FRAME_MS = 200;

/** Creates the renderer for live bars. */
export function barsRenderer(options: DrawingOptions): Renderer {
  const { stdout, stderr, clock, styles, unicode } = options;
  const spinner = phaseSpinner(stderr, styles !== PLAIN_STYLES, unicode);
  const drawBar = barDrawer(styles, unicode);
  const fleet = createFleet(options.simulated);
  let screen: Screen | null = null;
  let view: RunView | null = null;
  const table = closingTable(options);
  let groups: Group[] = [];
  let order: number[] = [];
  let grouped = 0;
  let began = 0;
  let cancel: (() => void) | null = null;
  let awake: (() => void) | null = null;
  let command = 'push';
  let lost: string | null = null;
  let phase: string | null = null;
  let closed = false;

  const draw = () => {
    if (!view || !screen || stderr.writableNeedDrain) return;
    const now = clock.now();
    fleet.scan(view, now);
    if (grouped !== view.devices.length) {
      groups = groupDevices(view);
      order = groups.flatMap(({ devices }) => devices);
      grouped = view.devices.length;
    }
    const { columns, rows } = terminalSize(stderr);
    const left = (index: number, at: number) => fleet.left(index, at);
    const { simulated } = options;
    const context = { view, now, styles, unicode, simulated, drawBar, left };
    screen.show(layout({ header: header(view, now), fleet, groups, order, columns, rows, context }));
  };

  const header = (of: RunView, now: number): HeaderState => {
    const elapsed = now - began;
    const { progress, counts } = fleet;
    const verb = command === 'watch' ? 'Watching' : 'Upgrading';
    const moving = counts.running + counts.waiting > 0 && of.wave === null;
    const idle = of.devices.length === 0 ? 'Waiting for an upgrade to begin' : null;
    return {
      title: idle ?? `${verb} ${count(of.devices.length, 'device')} on ${count(groups.length, 'gateway')}`,
      shortTitle: idle ?? `${verb} ${count(of.devices.length, 'device')}`,
      wave: of.wave,
      elapsed,
      // Early in a run, and in waves that wait for each other, the progress so far does not predict the rest.
      left: remaining(now, moving && progress > 0.05 && elapsed > 5000 ? (elapsed * (1 - progress)) / progress : null),
      run: command === 'watch' ? null : options.run,
      trouble: lost,
      phase,
      counts,
      progress,
    };
  };

  /** The remaining time: at least that of the last device. If no device waits for its turn, exactly that. */
  const remaining = (now: number, byPast: number | null): number | null => {
    const longest = fleet.longest(now);
    if (fleet.counts.waiting + fleet.counts.retrying === 0) return longest;
    return byPast === null || longest === null ? null : Math.max(byPast, longest);
  };

  const tick = () => {
    draw();
    cancel = clock.after((view?.devices.length ?? 0) > MANY_DEVICES ? MANY_FRAME_MS : FRAME_MS, tick);
  };

  /** Prints a line above the bars; without bars, as it is. */
  const say = (text: string) => {
    const lines = folded(text, terminalSize(stderr).columns);
    if (screen) screen.above(lines);
    else stderr.write(`${lines}\n`);
  };

  const stopDrawing = (keep: boolean) => {
    cancel?.();
    cancel = null;
    spinner.stop();
    if (!screen) return;
    draw();
    screen.stop(keep);
    screen = null;
    stderr.off?.('resize', draw);
    awake?.();
  };

  const onEvent = (event: RunEvent): void => {
    switch (event.event) {
      case 'run_started':
        command = event.command;
        break;
      case 'firmware_ready': {
        const name = safeText(event.file_name, 120);
        const good = styles.good(symbolOf('ok', unicode));
        const size = showBytes(event.file_size);
        say(`${good} ${name}  ${size}  ${packageWords(event)}  ${styles.dim(`md5 ${safeText(event.md5, 40)}`)}`);
        break;
      }
      case 'run_stopping':
        say(`${styles.warn('stopping:')} no more gateways are started: ${safeText(event.reason, 300)}`);
        break;
      case 'broker_lost':
        lost = 'broker lost, reconnecting';
        say(`${styles.warn('warning:')} broker lost: ${safeText(event.reason)}; the upgrades go on`);
        break;
      case 'broker_restored':
        lost = null;
        say(`broker restored${event.reason === null ? '' : `: ${safeText(event.reason)}`}`);
        break;
      case 'pair_split':
        say(`${styles.bad('pair split:')} ${splitText(event)}`);
        break;
      case 'warning':
        say(`${styles.warn('warning:')} ${safeText(event.message, 1000)}`);
        break;
      case 'error':
        say(errorLines(event, styles));
        break;
      case 'run_finished': {
        // If both are on one screen, the table replaces the bars. Otherwise the bars stay as the last thing shown.
        stopDrawing(!stdout.isTTY);
        table.write(event, view);
      }
    }
  };

  return {
    event(event) {
      if (closed) return;
      table.event(event);
      onEvent(event);
    },
    phase(text) {
      if (closed) return;
      if (screen) phase = text === null ? null : safeText(text, 120);
      else spinner.phase(text);
    },
    reading(files) {
      if (!closed && !screen) spinner.reading(files);
    },
    view(next) {
      if (closed) return;
      view = next;
      if (screen) return;
      // ora and cli-progress must not draw at the same time.
      spinner.stop();
      upgradeLines(upgradesIn(next, clock.wall()), unicode).forEach((line, index) => {
        say(`${index === 0 ? 'Devices   ' : '          '}${line}`);
      });
      screen = createScreen(stderr);
      began = clock.now();
      stderr.on?.('resize', draw);
      awake = onSuspend(stderr, {
        before: () => screen?.pause(),
        after: draw,
      });
      tick();
    },
    note: (text) => say(text),
    close() {
      if (closed) return;
      closed = true;
      stopDrawing(true);
    },
  };
}

/** `text` with longer lines broken between words. A terminal would break within words. */
function folded(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) < columns ? [line] : wrap(line, columns - 1)))
    .join('\n');
}
