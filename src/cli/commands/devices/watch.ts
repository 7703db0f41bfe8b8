/** `dji-ota devices --watch`: redraws the list on a terminal; otherwise prints one line for each change. */

import type { DevicesScope } from '../../../app/devices.js';
import { type FleetFeed, subscribeFleet } from '../../../fleet/feed.js';
import type { DeviceRow } from '../../../fleet/rows.js';
import type { Broker } from '../../../mqtt/broker.js';
import { stylesFor } from '../../../render/terminal/chalk-styles.js';
import { useColor } from '../../../render/terminal/color.js';
import { terminalSize, terminalWidth } from '../../../render/terminal/stream.js';
import { safeJson } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import { createLiveRows } from './live-rows.js';
import type { DevicesOptions } from './options.js';

import { deviceLine, devicesTable, notReadyFirst, summaryOf } from './view.js';

/** Milliseconds. At most two frames a second. */
const DRAW_EVERY = 500;
/** Milliseconds. The table contains ages, so it is redrawn even without a change. */
const REFRESH_EVERY = 10_000;

/** Shows every change until `io.signal` is aborted. @throws OtaError those of the broker and of the feed */
export async function watchDevices(
  options: Omit<DevicesOptions, 'target'>,
  scope: DevicesScope,
  feed: FleetFeed,
  broker: Broker,
  io: Io,
): Promise<void> {
  const { clock, signal } = io;
  const rows = createLiveRows(feed, scope, options.timeout, clock);
  const ends: (() => void)[] = [feed.onChange(({ serials, learned }) => rows.changed(serials.concat(learned)))];
  const over = new Promise<void>((resolve, reject) => {
    const onAbort = () => resolve();
    if (signal.aborted) resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    ends.push(feed.onFail(reject), () => signal.removeEventListener('abort', onAbort));
  });
  // It is awaited later, and may reject before.
  over.catch(() => {});
  try {
    const subscribing = subscribeFleet(feed, broker, scope.pids, [...scope.targets.keys()], {
      clock,
      onWarning: (message) => warner(io)('topic_denied', message),
    });
    const stop = await Promise.race([subscribing, over]);
    if (!stop) return;
    ends.push(stop);
    const screen = io.stdout.isTTY === true && options.output === 'table' ? createScreen(options, scope, io) : null;
    if (screen) ends.push(screen.close);
    let refreshedAt = clock.now();
    let cancel = () => {};
    ends.push(() => cancel());
    const tick = () => {
      const refresh = screen !== null && clock.now() - refreshedAt >= REFRESH_EVERY;
      if (refresh) rows.age();
      // A slow reader gets the newest rows later, not every change.
      const changed = screen === null && io.stdout.writableNeedDrain ? [] : rows.take();
      if (screen) {
        if (refresh || changed.length > 0 || screen.empty()) {
          refreshedAt = clock.now();
          screen.draw(rows.all());
        }
      } else {
        for (const row of changed) write(row, options, io);
      }
      cancel = clock.after(DRAW_EVERY, tick);
    };
    tick();
    await over;
  } finally {
    for (const end of ends) end();
  }
}

function write(row: DeviceRow, { output }: Pick<DevicesOptions, 'output'>, { stdout, clock }: Io): void {
  const time = new Date(clock.wall()).toISOString();
  const line =
    output === 'json'
      ? safeJson(JSON.stringify({ schema: 1, time, event: 'device', ...row }))
      : deviceLine(row, clock.wall());
  stdout.write(`${line}\n`);
}

/** Draws the table on the terminal's alternate screen. The previous content comes back at the end. */
function createScreen(
  { color }: Pick<DevicesOptions, 'color'>,
  { hasTarget }: DevicesScope,
  { stdout, clock, env, onExit }: Io,
) {
  const styles = stylesFor(useColor(stdout, env, color));
  const columns = () => terminalWidth(stdout);
  let last: readonly DeviceRow[] | null = null;
  const draw = (rows: readonly DeviceRow[]) => {
    // A slow terminal gets the next frame, not every one.
    if (stdout.writableNeedDrain) return;
    last = notReadyFirst(rows);
    const height = Math.max(4, terminalSize(stdout).rows);
    const head = `${new Date(clock.wall()).toISOString()}  ${summaryOf(rows)}  Ctrl-C ends`;
    // Lay out only the rows that fit, so that drawing costs the same for a large fleet.
    const table =
      rows.length === 0
        ? 'Nothing heard yet.'
        : devicesTable(last.slice(0, height), hasTarget, clock.wall(), columns(), styles);
    const lines = table.split('\n');
    const room = height - 2;
    // The header has the count.
    const listed = rows.length === 0 ? lines : lines.slice(0, -1);
    const body = listed.length > room || rows.length > height ? [...listed.slice(0, room - 1), '…'] : listed;
    const cut = head.slice(0, Math.max(1, (columns() ?? 80) - 1));
    stdout.write(`\u001b[H${[styles.dim(cut), ...body].map((line) => `${line}\u001b[K`).join('\n')}\n\u001b[J`);
  };
  const onResize = () => {
    if (last) draw(last);
  };
  stdout.on?.('resize', onResize);
  const restore = () => void stdout.write('\u001b[?25h\u001b[?1049l');
  const withdraw = onExit(restore);
  stdout.write('\u001b[?1049h\u001b[?25l');
  return {
    empty: () => last === null,
    draw,
    close() {
      stdout.off?.('resize', onResize);
      withdraw();
      restore();
      if (last?.length) stdout.write(`${devicesTable(last, hasTarget, clock.wall(), columns(), styles)}\n`);
    },
  };
}
