/** One line per device. The columns are planned once for a frame, so that all rows are aligned. */
import { modelName } from '../../protocol/models.js';
import { sameVersion } from '../../protocol/versions.js';
import { safeText, showBytes, showDuration } from '../../text.js';
import { isUnconfirmed } from '../../upgrade/counting.js';
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { endOf, type Kind, kindOf, reasons, stateWord, styleOf, symbolOf } from '../device-states.js';
import type { Styles } from '../terminal/styles.js';
import { cut, cutMiddle, pad, widthOf } from '../terminal/width.js';
import type { DrawBar, Line } from './screen.js';

/** Widths in columns; 0 = the column is hidden. */
export interface RowPlan {
  total: number;
  name: number;
  state: number;
  bar: number;
  left: number;
  version: number;
  elapsed: number;
  rate: number;
  gateway: number;
  /** Whether versions include the current one of the device. */
  from: boolean;
}

/** What all rows of a frame use. */
export interface RowContext {
  view: RunView;
  now: number;
  styles: Styles;
  unicode: boolean;
  simulated: boolean;
  drawBar: DrawBar;
  /** See {@link Fleet.left}. */
  left(index: number, now: number): number | null;
}

const PERCENT = 5;
const SILENT_MS = 90_000;
const LONGEST_BAR = 40;

/** Plans the columns for the rows of `indexes` in `total` columns. `gateways`: whether rows must name their gateway. */
export function planRows(indexes: readonly number[], total: number, gateways: boolean, context: RowContext): RowPlan {
  const { view } = context;
  // Under a gateway line, each row begins with a branch.
  const branch = 2;
  let name = 8;
  let plainName = 8;
  let version = 0;
  let fromVersion = 0;
  let gateway = 0;
  let rate = false;
  let word = 0;
  for (const index of indexes) {
    const device = view.devices[index];
    if (!device) continue;
    name = Math.max(name, widthOf(nameOf(device, true)) + branch);
    plainName = Math.max(plainName, widthOf(nameOf(device, false)) + branch);
    version = Math.max(version, widthOf(versionOf(device, context, false)));
    fromVersion = Math.max(fromVersion, widthOf(versionOf(device, context, true)));
    if (device.sn !== device.pid) gateway = Math.max(gateway, widthOf(safeText(device.pid, 64)) + 3);
    rate ||= rateOf(device, view) !== null;
    word = Math.max(word, widthOf(stateWord(device)));
  }
  const state = Math.min(total < 60 ? 9 : 11, Math.max(9, word));
  const minBar = total < 60 ? 6 : 10;
  const plan: RowPlan = {
    total,
    name: Math.min(plainName, Math.max(8, total - 2 - state - minBar - PERCENT - 3)),
    state,
    bar: minBar,
    left: 0,
    version: 0,
    elapsed: 0,
    rate: 0,
    gateway: 0,
    from: false,
  };
  let room = total - (2 + plan.name + 1 + state + 1 + minBar + 1 + PERCENT);
  const take = (width: number) => {
    if (width <= 0 || width + 1 > room) return 0;
    room -= width + 1;
    return width;
  };
  plan.left = take(7);
  plan.version = take(Math.min(version, 20));
  plan.elapsed = take(6);
  if (name > plan.name && name - plan.name <= room) {
    room -= name - plan.name;
    plan.name = name;
  }
  if (rate) plan.rate = take(9);
  if (gateways) plan.gateway = take(Math.min(gateway, 24));
  const more = Math.min(fromVersion, 40) - plan.version;
  if (plan.version > 0 && more > 0 && more <= room) {
    plan.version += more;
    plan.from = true;
    room -= more;
  }
  plan.bar += Math.max(0, Math.min(room, LONGEST_BAR - plan.bar));
  return plan;
}

/** The branch that connects a row to the row of the same gateway above it; empty if there is none. */
export function branchOf(
  device: Readonly<DeviceState>,
  above: Readonly<DeviceState> | undefined,
  { unicode }: RowContext,
): string {
  return above?.pid === device.pid ? (unicode ? '└ ' : '- ') : '';
}

/** The line of `device`. `branch` connects it to the gateway's line above, or is empty; `said` takes the place of a bar. */
export function deviceLine(
  device: Readonly<DeviceState>,
  branch: string,
  said: Message | null,
  plan: RowPlan,
  context: RowContext,
): Line {
  const download = device.phase === 'open' && device.sn !== null ? context.view.downloads?.get(device.sn) : undefined;
  // If a dock reports no progress, show that of its download from this program.
  const percent =
    device.percent ?? (download ? Math.floor((download.bytes * 100) / Math.max(1, download.total)) : null);
  return { percent, text: (progress) => rowText(device, branch, said, progress, plan, context) };
}

function rowText(
  device: Readonly<DeviceState>,
  branch: string,
  said: Message | null,
  progress: number,
  plan: RowPlan,
  context: RowContext,
): string {
  const { view, now, styles, unicode } = context;
  const kind = kindOf(device);
  const style = styles[styleOf(kind)];
  const silent = device.phase === 'open' && device.heardAt !== null && now - device.heardAt > SILENT_MS;
  const word = silent ? `silent ${showMinutes(now - (device.heardAt ?? now))}` : stateWord(device);
  const head =
    style(symbolOf(kind, unicode)) +
    ` ${styles.dim(branch)}${fitName(device, plan.name - branch.length, styles)} ` +
    (silent ? styles.warn : style)(pad(cut(word, plan.state), plan.state));

  if (said !== null) {
    const room = messageRoom(plan);
    return `${head} ${cut(widthOf(said.whole) <= room ? said.whole : said.why, room)}`.trimEnd();
  }
  // Only moving devices have a bar, so that they are easy to find.
  const moving = kind !== 'waiting' && kind !== 'ok';
  const bar = moving ? context.drawBar(progress, plan.bar, style) : ' '.repeat(plan.bar);
  const percent = device.percent === null || !moving ? '' : `${device.percent} %`;
  const cells = [head, bar, pad(percent, PERCENT, 'right')];
  if (plan.left > 0) cells.push(pad(leftText(device, context), plan.left, 'right'));
  if (plan.elapsed > 0) cells.push(styles.dim(pad(elapsedText(device, now), plan.elapsed, 'right')));
  const rate = plan.rate > 0 ? rateOf(device, view) : null;
  if (plan.rate > 0) cells.push(pad(rate === null ? '' : `${showBytes(rate)}/s`, plan.rate, 'right'));
  if (plan.version > 0) {
    cells.push(styles.dim(pad(cut(versionOf(device, context, plan.from), plan.version), plan.version)));
  }
  // The gateway is named by the device itself, or by the row above.
  const named = device.sn === device.pid || branch !== '';
  if (plan.gateway > 0 && !named) cells.push(styles.dim(cut(`on ${safeText(device.pid, 64)}`, plan.gateway)));
  return cells.join(' ').trimEnd();
}

/** Bytes per second: as the device reports it, otherwise as this program serves it. */
function rateOf(device: Readonly<DeviceState>, view: RunView): number | null {
  if (device.rate !== null || device.phase !== 'open' || device.sn === null) return device.rate;
  return view.downloads?.get(device.sn)?.rate || null;
}

/** The text that replaces the bar. */
interface Message {
  /** The code and its meaning. */
  why: string;
  advice: string | null;
  /** How far the device got, and the reason. */
  whole: string;
}

/** The message of a device; null = it is well, or `above` says the same of the gateway for which both wait. */
export function messageOf(
  device: Readonly<DeviceState>,
  simulated: boolean,
  above?: Readonly<DeviceState>,
): Message | null {
  const kind = kindOf(device);
  if (kind === 'waiting' && device.reason !== null) {
    if (above?.pid === device.pid && above.phase === 'waiting' && above.reason === device.reason) return null;
    const why = `not ready: ${safeText(device.reason, 300)}`;
    return { why, advice: null, whole: why };
  }
  if (!WITH_MESSAGE.has(kind)) return kind === 'ok' && isUnconfirmed(endOf(device)) ? unconfirmed(device) : null;
  const { result } = device;
  const said = reasons(endOf(device), simulated);
  const why = `${result ? `${result} ` : ''}${said.why ?? ''}`.trim();
  const at = kind === 'failed' && device.percent ? `at ${device.percent} %` : '';
  const start = [at, why].filter(Boolean).join(': ');
  return { why: why || at, advice: said.advice, whole: [start, said.advice].filter(Boolean).join('; ') };
}

const WITH_MESSAGE: ReadonlySet<Kind> = new Set([
  'failed',
  'unverified',
  'unknown',
  'retrying',
  'not_started',
  'skipped',
]);

function unconfirmed({ reason }: Readonly<DeviceState>): Message {
  const why = ['not confirmed', reason === null ? '' : safeText(reason, 300)].filter(Boolean).join(': ');
  return { why, advice: null, whole: why };
}

/** The columns for a message on its device's own line. */
export function messageRoom(plan: RowPlan): number {
  return plan.total - (2 + plan.name + 1 + plan.state + 1);
}

function nameOf(device: Readonly<DeviceState>, model: boolean): string {
  const serial = device.sn ?? `(${device.pid})`;
  return safeText(model && device.model ? `${modelName(device.model)} ${serial}` : serial, 64);
}

function fitName(device: Readonly<DeviceState>, width: number, styles: Styles): string {
  const full = nameOf(device, true);
  const name = widthOf(full) <= width ? full : nameOf(device, false);
  return styles.strong(pad(cutMiddle(name, width), width));
}

function versionOf(device: Readonly<DeviceState>, { unicode }: RowContext, from: boolean): string {
  if (device.target === null) return '';
  const known = from ? device.versionBefore : null;
  const now = known && !sameVersion(known, device.target) ? known : null;
  return `${now ? `${safeText(now, 24)} ` : ''}${unicode ? '→' : '->'} ${safeText(device.target, 24)}`;
}

function leftText(device: Readonly<DeviceState>, { left, now }: RowContext): string {
  const ms = device.phase === 'open' && device.status !== 'paused' ? left(device.index, now) : null;
  return ms === null || ms < 500 ? '' : `~${showDuration(ms)}`;
}

function elapsedText(device: Readonly<DeviceState>, now: number): string {
  const from = device.startedAt ?? device.publishedAt;
  return from === null ? '' : showDuration((device.endedAt ?? now) - from);
}

function showMinutes(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`;
}
