/** Lines that are not a device's own. */
import { widthOf, wrap } from '../terminal/width.js';
import { messageOf, messageRoom, type RowContext, type RowPlan } from './row.js';
import type { Line } from './screen.js';

export function textLine(text: string): Line {
  return { percent: null, text: () => text };
}

export const blank: Line = textLine('');

/** What of a device's message does not fit on its own line: the advice, or all where even the reason is cut off. */
export function detailLines(index: number, plan: RowPlan, context: RowContext): Line[] {
  const device = context.view.devices[index];
  const message = device ? messageOf(device, context.simulated) : null;
  const room = messageRoom(plan);
  if (message === null || widthOf(message.whole) <= room) return [];
  const rest = widthOf(message.why) <= room ? (message.advice ?? '') : message.whole;
  const sign = context.unicode ? '↳' : '>';
  return wrap(rest, plan.total - 4)
    .slice(0, 3)
    .map((line, number) => textLine(`  ${number > 0 ? ' ' : sign} ${context.styles.warn(line)}`));
}
