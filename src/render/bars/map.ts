/** A map of the whole fleet: one cell per device, or per several devices if there are many. */
import { safeText } from '../../text.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import { KINDS, type Kind, kindWord, styleOf, symbolOf } from '../device-states.js';
import { overall } from '../summary.js';
import type { Styles } from '../terminal/styles.js';
import { cutMiddle, pad, widthOf } from '../terminal/width.js';
import type { Fleet } from './fleet.js';
import type { Line } from './screen.js';

const LEVELS = '▁▂▃▄▅▆▇█';

/** The layout of the map. */
interface MapPlan {
  /** Columns for the name of the first device in each row; 0 = no name. */
  label: number;
  cells: number;
  /** The number of devices per cell. */
  perCell: number;
}

const MOST_LABEL = 16;

/** Chooses the layout of the map. */
export function planMap(view: RunView, order: readonly number[], width: number, rows: number): MapPlan {
  const name = widthOf(labelOf(view, order[0]));
  const label = width < 60 ? 0 : Math.min(MOST_LABEL, name);
  const cells = Math.max(1, width - (label > 0 ? label + 1 : 0));
  return { label, cells, perCell: Math.max(1, Math.ceil(order.length / (cells * Math.max(1, rows)))) };
}

function labelOf(view: RunView, index: number | undefined): string {
  const device = view.devices[index ?? -1];
  return safeText(device?.sn ?? device?.pid ?? '', 64);
}

/** The lines of the map. A cell of several devices shows the most urgent one. */
export function mapLines(
  view: RunView,
  fleet: Fleet,
  order: readonly number[],
  { label, cells, perCell }: MapPlan,
  styles: Styles,
  unicode: boolean,
): Line[] {
  const lines: Line[] = [];
  const count = order.length;
  for (let start = 0; start < count; start += cells * perCell) {
    const name = label > 0 ? `${pad(cutMiddle(labelOf(view, order[start]), label), label)} ` : '';
    let text = name === '' ? '' : styles.dim(name);
    let run = '';
    let runKind = -1;
    const end = Math.min(count, start + cells * perCell);
    for (let place = start; place < end; place += perCell) {
      const worst = worstOf(fleet, order, place, Math.min(end, place + perCell));
      const kind = fleet.kinds[worst] ?? 0;
      // Write colour codes once for each sequence of equal cells.
      if (kind !== runKind) {
        text += styledRun(run, runKind, styles);
        run = '';
        runKind = kind;
      }
      run += cell(view, worst, KINDS[kind] as Kind, unicode);
    }
    const whole = text + styledRun(run, runKind, styles);
    lines.push({ percent: null, text: () => whole });
  }
  return lines;
}

/** The meaning of the cells, as far as it fits in `width`. */
export function legendLine(
  fleet: Fleet,
  { label, perCell }: MapPlan,
  width: number,
  styles: Styles,
  unicode: boolean,
): Line {
  let text = '';
  let used = 0;
  const add = (part: string, style: (text: string) => string) => {
    const needed = widthOf(part) + (used > 0 ? 2 : 0);
    if (used + needed > width) return;
    text += (used > 0 ? '  ' : '') + style(part);
    used += needed;
  };
  if (perCell > 1) add(`1 cell = ${perCell} devices`, styles.dim);
  for (const kind of KINDS) {
    if (fleet.counts[kind] === 0) continue;
    const sign = kind === 'running' && unicode ? '▁▄█' : symbolOf(kind, unicode);
    add(`${sign} ${kindWord(kind)}`, styles[styleOf(kind)]);
  }
  if (label > 0) add('each row from the device at its left', styles.dim);
  return { percent: null, text: () => text };
}

function worstOf(fleet: Fleet, order: readonly number[], start: number, end: number): number {
  let worst = order[start] ?? 0;
  for (let place = start + 1; place < end; place++) {
    const index = order[place] ?? 0;
    if ((fleet.kinds[index] ?? 0) < (fleet.kinds[worst] ?? 0)) worst = index;
  }
  return worst;
}

function cell(view: RunView, index: number, kind: Kind, unicode: boolean): string {
  if (kind !== 'running' || !unicode) return symbolOf(kind, unicode);
  const device = view.devices[index];
  const level = Math.floor((overall(device?.step ?? null, device?.percent ?? null) / 100) * (LEVELS.length - 1));
  return LEVELS[level] ?? '▁';
}

function styledRun(run: string, kind: number, styles: Styles): string {
  const name = KINDS[kind];
  return run === '' || !name ? run : styles[styleOf(name)](run);
}
