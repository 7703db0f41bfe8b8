/** Lines without a device. */
import type { DeviceState } from '../../upgrade/tracker/state.js';
import { widthOf, wrap } from '../terminal/width.js';
import { deviceLine, messageOf, messageRoom, type RowContext, type RowPlan } from './row.js';
import type { Line } from './screen.js';

/** A line of text without a bar. */
export function textLine(text: string): Line {
  return { percent: null, text: () => text };
}

/** An empty line. */
export const blank: Line = textLine('');

/**
 * The line of `device`, and at most `most` lines below it with what does not fit: the advice, or the whole message, which the
 * device's own line then does not begin. `above`: the device of the line above.
 */
export function deviceLines(
  device: Readonly<DeviceState>,
  branch: string,
  above: Readonly<DeviceState> | undefined,
  plan: RowPlan,
  context: RowContext,
  most = Number.POSITIVE_INFINITY,
): Line[] {
  const message = messageOf(device, context.simulated, above);
  const room = messageRoom(plan);
  if (message === null || widthOf(message.whole) <= room) return [deviceLine(device, branch, message, plan, context)];
  const fits = widthOf(message.why) <= room;
  const sign = context.unicode ? '↳' : '>';
  const below = wrap(fits ? (message.advice ?? '') : message.whole, plan.total - 4)
    .slice(0, 3)
    .map((line, number) => textLine(`  ${number > 0 ? ' ' : sign} ${context.styles.warn(line)}`));
  if (below.length > most) return [deviceLine(device, branch, message, plan, context)];
  const own = fits ? message : { ...message, why: '', whole: '' };
  return [deviceLine(device, branch, own, plan, context), ...below];
}
