/** The whole fleet at a glance: one cell a device, or for several where there is not room. */
import type { RunView } from '../../upgrade/tracker/state.js';
import { KINDS, type Kind, kindWord, styleOf, symbolOf } from '../device-states.js';
import type { Styles } from '../styles.js';
import { overall } from '../summary.js';
import { widthOf } from '../width.js';
import type { Fleet } from './fleet.js';
import type { Line } from './screen.js';

const LEVELS = '▁▂▃▄▅▆▇█';

/** How many devices share a cell, so that `count` devices fit in `rows` rows of `width` cells. */
export function devicesPerCell(count: number, width: number, rows: number): number {
  return Math.max(1, Math.ceil(count / Math.max(1, width * rows)));
}

/** Lines of the map; where devices share a cell, the most urgent one is shown. */
export function mapLines(
  view: RunView,
  fleet: Fleet,
  width: number,
  perCell: number,
  styles: Styles,
  unicode: boolean,
): Line[] {
  const lines: Line[] = [];
  const count = view.devices.length;
  for (let start = 0; start < count; start += width * perCell) {
    let text = '';
    let run = '';
    let runKind = -1;
    const end = Math.min(count, start + width * perCell);
    for (let index = start; index < end; index += perCell) {
      const worst = worstOf(fleet, index, Math.min(end, index + perCell));
      const kind = fleet.kinds[worst] ?? 0;
      // Colour codes once for each run of equal cells.
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

/** What the cells mean, in as much of `width` as there is. */
export function legendLine(fleet: Fleet, perCell: number, width: number, styles: Styles, unicode: boolean): Line {
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
  return { percent: null, text: () => text };
}

function worstOf(fleet: Fleet, start: number, end: number): number {
  let worst = start;
  for (let index = start + 1; index < end; index++) {
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
