/** The display for more devices than rows: a map of all devices, failures by cause, and a selection of devices. */
import { safeText } from '../../text.js';
import { countedWord, KINDS, type Kind, kindOfCounted, kindWord, styleOf, symbolOf } from '../device-states.js';
import { cut, pad, widthOf } from '../terminal/width.js';
import { deviceLines, textLine } from './details.js';
import type { Fleet, FleetCause } from './fleet.js';
import { legendLine, mapLines, planMap } from './map.js';
import { branchOf, planRows, type RowContext } from './row.js';
import type { Line } from './screen.js';

const HELD_UP: readonly Kind[] = ['paused', 'retrying'];
// Devices that ended well come last, because they need no attention.
const OTHERS: readonly Kind[] = ['running', 'verifying', 'waiting', 'not_started', 'ok', 'skipped'];
const LEAST_WINDOW = 5;

/** At most `room` lines of at most `width` columns. `order`: every device, by gateway. */
export function windowLines(
  context: RowContext,
  fleet: Fleet,
  order: readonly number[],
  width: number,
  room: number,
): Line[] {
  const { view, styles, unicode } = context;
  const lines: Line[] = [];
  // At most a third of the screen, so that running devices have space below.
  const mapRoom = Math.min(room - LEAST_WINDOW - 3, Math.max(1, Math.floor(room / 3)));
  if (mapRoom >= 1) {
    const map = planMap(view, order, width, mapRoom);
    lines.push(...mapLines(view, fleet, order, map, styles, unicode), legendLine(fleet, map, width, styles, unicode));
  }
  const left = room - lines.length;
  const size = Math.max(1, left - 1);

  const calm = KINDS.some((kind) => !PROBLEMS.has(kind) && fleet.counts[kind] > 0);
  const causes = causeLines(fleet, calm ? Math.max(1, Math.ceil(size / 2)) : size, width, context);
  lines.push(...causes);
  const picked = pickOthers(fleet, order, size - causes.length);
  const plan = planRows(picked, width, true, context);
  picked.forEach((index, place) => {
    const device = view.devices[index];
    const above = view.devices[picked[place - 1] ?? -1];
    if (device) lines.push(...deviceLines(device, branchOf(device, above, context), above, plan, context, 0));
  });
  if (left > 1) lines.push(textLine(moreText(fleet, picked, width, styles)));
  return lines;
}

const PROBLEMS: ReadonlySet<Kind> = new Set(['failed', 'unverified', 'unknown']);
const HEAD = 16;
// On narrower terminals the reason takes all the space.
const LEAST_FOR_SERIALS = 44;

/** One line for each cause, the most frequent first, followed by serial numbers. */
function causeLines(fleet: Fleet, most: number, width: number, context: RowContext): Line[] {
  const causes = [...fleet.causes.values()].sort((a, b) => b.devices.length - a.devices.length);
  const shown = causes.slice(0, causes.length > most ? most - 1 : most);
  const lines = shown.map((cause) => textLine(causeText(cause, width, context)));
  const rest = causes.slice(shown.length).reduce((sum, cause) => sum + cause.devices.length, 0);
  if (rest > 0) lines.push(textLine(context.styles.bad(cut(`  ${rest} for other reasons`, width))));
  return lines;
}

function causeText(
  { code, counted, meaning, advice, devices }: FleetCause,
  width: number,
  { view, styles, unicode }: RowContext,
): string {
  const kind = kindOfCounted(counted);
  const head = pad(cut(`${symbolOf(kind, unicode)} ${devices.length} ${countedWord(counted)}`, width), HEAD);
  const room = width - HEAD;
  if (room < 10) return styles[styleOf(kind)](cut(head, width));
  const why = `${code === null ? '' : `${code} `}${safeText(meaning, 300)}`;
  const whole = advice === null ? why : `${why}; ${advice}`;
  if (room < LEAST_FOR_SERIALS) return `${styles[styleOf(kind)](head)}${cut(whole, room)}`;
  const named = devices.slice(0, room).map((index) => safeText(view.devices[index]?.sn ?? '(not told)', 64));
  const least = widthOf(named[0] ?? '') + 5;
  const said = widthOf(whole) + least <= room ? whole : cut(why, Math.max(room - least, 10));
  const serials = cut(named.join(', '), room - widthOf(said) - 2);
  return `${styles[styleOf(kind)](head)}${said}${serials === '' ? '' : `  ${styles.dim(serials)}`}`;
}

/** Devices without a problem, the most urgent first. Devices that are blocked must not displace all moving ones. */
function pickOthers(fleet: Fleet, order: readonly number[], size: number): number[] {
  const moving = fleet.counts.running + fleet.counts.verifying > 0;
  const picked: number[] = [];
  const take = (kinds: readonly Kind[], most: number) => {
    for (const kind of kinds) {
      if (fleet.counts[kind] === 0) continue;
      const number = KINDS.indexOf(kind);
      for (const index of order) {
        if (picked.length >= most) break;
        if (fleet.kinds[index] === number) picked.push(index);
      }
    }
  };
  take(HELD_UP, moving ? Math.max(1, Math.floor(size / 4)) : size);
  take(OTHERS, size);
  return picked;
}

function moreText(fleet: Fleet, shown: readonly number[], width: number, styles: RowContext['styles']): string {
  // Devices that did not end well are in the lines of their causes.
  const hidden = { ...fleet.counts, failed: 0, unverified: 0, unknown: 0 };
  for (const index of shown) {
    const kind = KINDS[fleet.kinds[index] ?? 0];
    if (kind) hidden[kind]--;
  }
  const parts = KINDS.filter((kind) => hidden[kind] > 0).map((kind) => `${hidden[kind]} ${kindWord(kind)}`);
  return styles.dim(cut(parts.length === 0 ? '' : `not shown: ${parts.join(', ')}`, width));
}
