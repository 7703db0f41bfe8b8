/** Lines without a device. */
import { widthOf, wrap } from '../terminal/width.js';
import { messageOf, messageRoom, type RowContext, type RowPlan } from './row.js';
import type { Line } from './screen.js';

/** A line of text without a bar. */
export function textLine(text: string): Line {
  return { percent: null, text: () => text };
}

/** An empty line. */
export const blank: Line = textLine('');

/** What does not fit on the device's own line: the advice, or the whole message if even the reason is cut. */
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
