/** Chooses the lines of a frame: all devices under their gateways if there is space, otherwise the most important ones. */
import { safeText } from '../../text.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import { cut } from '../terminal/width.js';
import { blank, deviceLines, textLine } from './details.js';
import type { Fleet } from './fleet.js';
import { type HeaderState, titleLine, totalsLine } from './header.js';
import { branchOf, planRows, type RowContext } from './row.js';
import type { Line } from './screen.js';
import { windowLines } from './window.js';

/** The devices of a gateway, in the manifest's order. If the gateway itself is upgraded, it is the first one. */
export interface Group {
  pid: string;
  devices: number[];
  /** Whether the first device is the gateway. */
  headed: boolean;
}

/** Groups the devices of a run by gateway. */
export function groupDevices(view: RunView): Group[] {
  const groups = new Map<string, Group>();
  for (const device of view.devices) {
    let group = groups.get(device.pid);
    if (!group) {
      group = { pid: device.pid, devices: [], headed: false };
      groups.set(device.pid, group);
    }
    if (device.sn === device.pid) {
      group.devices.unshift(device.index);
      group.headed = true;
    } else group.devices.push(device.index);
  }
  return [...groups.values()];
}

interface LayoutInput {
  header: HeaderState;
  fleet: Fleet;
  groups: readonly Group[];
  /** Every device, by gateway. */
  order: readonly number[];
  columns: number;
  rows: number;
  context: RowContext;
}

/** The lines of a frame: at most `rows - 1`, each at most `columns - 1` wide. */
export function layout(input: LayoutInput): Line[] {
  const { header, fleet, columns, rows, context } = input;
  const { styles, unicode, drawBar } = context;
  const width = Math.max(1, columns - 1);
  const height = Math.max(1, rows - 1);
  const count = context.view.devices.length;
  // `watch` has not seen an upgrade yet, so there is nothing to count.
  if (count === 0) return [titleLine(header, width, styles)];
  const totals = totalsLine(header, width, styles, unicode, drawBar);
  if (height < 3) return [totals];
  const head = [titleLine(header, width, styles), totals];
  const room = height - head.length;

  const grouped = groupedLines(input, width);
  if (grouped.length < room) return [...head, blank, ...grouped];
  if (grouped.length <= room) return [...head, ...grouped];
  if (count <= room) return [...head, ...flatLines(input, width, room)];
  return [...head, ...windowLines(context, fleet, input.order, width, room)];
}

function groupedLines({ groups, context, rows }: LayoutInput, width: number): Line[] {
  // A large fleet does not fit, so do not build its lines.
  if (context.view.devices.length > rows) return new Array(rows + 1).fill(blank);
  const { view, styles, unicode } = context;
  const plan = planRows(
    view.devices.map((device) => device.index),
    width,
    false,
    context,
  );
  const lines: Line[] = [];
  for (const group of groups) {
    const alone = group.devices.length === 1 && group.headed;
    if (!group.headed) lines.push(textLine(gatewayText(group.pid, width, styles)));
    group.devices.forEach((index, place) => {
      const device = view.devices[index];
      if (!device) return;
      const own = alone || (group.headed && place === 0);
      const last = place === group.devices.length - 1;
      const branch = own ? '' : unicode ? (last ? '└ ' : '├ ') : '- ';
      const above = view.devices[group.devices[place - 1] ?? -1];
      lines.push(...deviceLines(device, branch, above, plan, context));
    });
  }
  return lines;
}

function gatewayText(pid: string, width: number, styles: RowContext['styles']): string {
  return `  ${styles.strong(cut(safeText(`gateway ${pid}`, 80), width - 2))}`;
}

/** Rows without gateway lines, with the rest of their messages while there is space. */
function flatLines({ order, context }: LayoutInput, width: number, room: number): Line[] {
  const { devices } = context.view;
  const plan = planRows(order, width, true, context);
  let spare = room - order.length;
  return order.flatMap((index, place) => {
    const device = devices[index];
    if (!device) return [];
    const above = devices[order[place - 1] ?? -1];
    const lines = deviceLines(device, branchOf(device, above, context), above, plan, context, spare);
    spare -= lines.length - 1;
    return lines;
  });
}
