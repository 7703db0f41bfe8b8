/** More devices than rows: the map of all, and a window of those that matter. */

import { KINDS, type Kind, kindWord, styleOf, symbolOf } from '../device-states.js';
import { cut, pad } from '../width.js';
import { detailLines, textLine } from './details.js';
import type { Fleet } from './fleet.js';
import { devicesPerCell, legendLine, mapLines } from './map.js';
import { deviceLine, planRows, type RowContext, type RowPlan } from './row.js';
import type { Line } from './screen.js';

const HELD_UP: readonly Kind[] = ['paused', 'retrying'];
// What ended well comes last: it needs nobody.
const OTHERS: readonly Kind[] = ['running', 'verifying', 'waiting', 'not_started', 'ok', 'skipped'];
const LEAST_WINDOW = 5;

/** At most `room` lines of at most `width` columns. */
export function windowLines(context: RowContext, fleet: Fleet, width: number, room: number): Line[] {
  const { view, styles, unicode } = context;
  const count = view.devices.length;
  const lines: Line[] = [];
  const mapRoom = room - LEAST_WINDOW - 3;
  if (mapRoom >= 1) {
    const perCell = devicesPerCell(count, width, mapRoom);
    lines.push(...mapLines(view, fleet, width, perCell, styles, unicode));
    lines.push(legendLine(fleet, perCell, width, styles, unicode));
  }
  const left = room - lines.length;
  const size = Math.max(1, left - 1);

  const calm = count - fleet.problems.length;
  const share = calm > 0 ? Math.max(Math.ceil(size / 2), size - calm) : size;
  // The newest on top.
  const newest = fleet.problems.slice(-share).reverse();
  const others = pickOthers(fleet, count, size);
  const plan = planRows([...newest, ...others], width, true, context);

  const shown: number[] = [];
  const show = (index: number): Line[] => {
    const device = view.devices[index];
    if (!device) return [];
    shown.push(index);
    return [deviceLine(device, '', plan, context)];
  };
  const problems = problemLines(newest, share, fleet, plan, context, show);
  lines.push(...problems);
  lines.push(...others.slice(0, size - problems.length).flatMap(show));
  if (left > 1) lines.push(textLine(moreText(fleet, shown, width, styles)));
  return lines;
}

/** Each problem, newest first, the first with its advice; where there are too many, first how often each cause came. */
function problemLines(
  newest: readonly number[],
  share: number,
  fleet: Fleet,
  plan: RowPlan,
  context: RowContext,
  show: (index: number) => Line[],
): Line[] {
  const lines: Line[] = [];
  if (fleet.problems.length > share && share >= 4) {
    const causes = [...fleet.causes.values()].sort((a, b) => b.count - a.count).slice(0, Math.floor(share / 2));
    for (const cause of causes) {
      const { styles, unicode } = context;
      const sign = symbolOf(cause.kind, unicode);
      const head = `${sign} ${cause.count} ${kindWord(cause.kind)}`;
      lines.push(
        textLine(styles[styleOf(cause.kind)](pad(head, 14)) + cut(` ${cause.text}`, Math.max(1, plan.total - 14))),
      );
    }
  }
  const rows = newest.slice(0, share - lines.length);
  let spare = share - lines.length - rows.length;
  rows.forEach((index, place) => {
    const details = detailLines(index, plan, context);
    if (place === 0 && rows.length > details.length) {
      // The newest tells what to do, be it at the cost of older ones.
      const missing = Math.max(0, details.length - spare);
      if (missing > 0) rows.splice(rows.length - missing, missing);
      spare += missing;
    }
    lines.push(...show(index));
    if (details.length > spare) return;
    spare -= details.length;
    lines.push(...details);
  });
  return lines;
}

/** Devices without a problem, the most urgent first; what is held up must not hide all that moves. */
function pickOthers(fleet: Fleet, count: number, size: number): number[] {
  const moving = fleet.counts.running + fleet.counts.verifying > 0;
  const picked: number[] = [];
  const take = (kinds: readonly Kind[], most: number) => {
    for (const kind of kinds) {
      if (fleet.counts[kind] === 0) continue;
      const number = KINDS.indexOf(kind);
      for (let index = 0; index < count && picked.length < most; index++) {
        if (fleet.kinds[index] === number) picked.push(index);
      }
    }
  };
  take(HELD_UP, moving ? Math.max(1, Math.floor(size / 4)) : size);
  take(OTHERS, size);
  return picked;
}

function moreText(fleet: Fleet, shown: readonly number[], width: number, styles: RowContext['styles']): string {
  const hidden = { ...fleet.counts };
  for (const index of shown) {
    const kind = KINDS[fleet.kinds[index] ?? 0];
    if (kind) hidden[kind]--;
  }
  const parts = KINDS.filter((kind) => hidden[kind] > 0).map((kind) => `${hidden[kind]} ${kindWord(kind)}`);
  return styles.dim(cut(parts.length === 0 ? '' : `not shown: ${parts.join(', ')}`, width));
}
