/** The table at the end of a run, and its totals. */
import { modelName } from '../../protocol/models.js';
import { safeText, showDuration } from '../../text.js';
import { COUNTED, totalsOf } from '../../upgrade/counting.js';
import type { DeviceOutcome, Totals } from '../../upgrade/events.js';
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { causesOf } from '../causes.js';
import {
  countedWord,
  explain,
  kindOfCounted,
  kindOfOutcome,
  needsLook,
  outcomeText,
  styleOf,
  symbolOf,
} from '../device-states.js';
import { releasesText } from '../releases.js';
import type { Styles } from '../terminal/styles.js';
import { cut, widthOf, wrap } from '../terminal/width.js';
import { LONGEST_LABEL, MOST_LABELS } from './field-table.js';
import { type Cell, type Column, renderTable } from './table.js';

interface FinalTableOptions {
  /** The columns of the terminal; null = not a terminal, and every device is listed. */
  width: number | null;
  styles: Styles;
  unicode: boolean;
  /** A sentence that names what shows every device, so that a terminal gets a shorter list; null = list all. */
  elsewhere: string | null;
  /** The texts for gateways whose dock and aircraft ended on different releases, from {@link splitText}. */
  splits?: readonly string[];
  /** The docks were simulated. */
  simulated: boolean;
  /** The start of the run in milliseconds since 1970, for the age of versions; null = not known. */
  began?: number | null | undefined;
}

// On a terminal, a longer list would move the important lines out of sight.
const MOST_ON_TERMINAL = 60;

/** One row per device, in the manifest's order, and a line of totals, with a final newline. Empty without devices. */
export function finalTable(
  devices: readonly DeviceOutcome[],
  totals: Totals,
  view: RunView | null,
  options: FinalTableOptions,
): string {
  if (devices.length === 0) return '';
  const { width, styles, elsewhere } = options;
  // The run did not begin. Its error says why, and equal rows for all devices would only hide it.
  const [first] = devices;
  if (devices.every(({ status, reason }) => status === 'not_started' && reason === first?.reason)) {
    return `${totalsText(totals, devices.length, options)}\n`;
  }
  const long = width !== null && elsewhere !== null && devices.length > MOST_ON_TERMINAL;
  const listed = long ? devices.filter(needsLook) : devices;
  const parts: string[] = [];
  if (long && listed.length > MOST_ON_TERMINAL) parts.push(...causeLines(listed, options));
  else if (listed.length > 0) parts.push(tableOf(listed, statesOf(devices, view), options));
  if (long) {
    const hidden = totalsOf(devices.filter((device) => !needsLook(device)));
    const counts = COUNTED.filter((counted) => hidden[counted] > 0);
    const text = `Not listed: ${counts.map((counted) => `${hidden[counted]} ${countedWord(counted)}`).join(', ')}.`;
    // The command is on a line of its own, so that it can be copied.
    for (const line of counts.length > 0 ? [...wrap(text, width - 1), elsewhere] : []) parts.push(styles.dim(line));
  }
  parts.push(...splitLines(options));
  parts.push(totalsText(totals, devices.length, options));
  return `${parts.join('\n')}\n`;
}

const MOST_SPLITS = 20;

function splitLines({ splits = [], width, styles }: FinalTableOptions): string[] {
  const shown = width === null ? splits : splits.slice(0, MOST_SPLITS);
  const lines = shown.flatMap((text) => {
    const [first = '', ...rest] = width === null ? [`pair split: ${text}`] : wrap(`pair split: ${text}`, width - 1);
    return [styles.bad(first), ...rest.map((line) => `  ${line}`)];
  });
  return shown.length < splits.length ? [...lines, `and ${splits.length - shown.length} more pairs`] : lines;
}

/** One paragraph per cause, with as many serial numbers as fit on a line. */
function causeLines(
  devices: readonly DeviceOutcome[],
  { width, styles, unicode, simulated }: FinalTableOptions,
): string[] {
  const room = (width ?? 80) - 1;
  return causesOf(devices, simulated).flatMap(({ code, counted, meaning, advice, devices: of }) => {
    const kind = kindOfCounted(counted);
    const head = `${symbolOf(kind, unicode)} ${of.length} ${countedWord(counted)}${code === null ? '' : `, code ${code}`}`;
    const why = wrap(advice === null ? meaning : `${meaning}; ${advice}`, Math.max(10, room - 2));
    const names = of.slice(0, room).map(({ sn, pid }) => safeText(sn ?? pid, 64));
    return [
      styles[styleOf(kind)](cut(head, room)),
      ...[...why, cut(names.join(', '), room - 2)].map((line) => `  ${line}`),
    ];
  });
}

function tableOf(
  devices: readonly DeviceOutcome[],
  states: ReadonlyMap<DeviceOutcome, Readonly<DeviceState>>,
  options: FinalTableOptions,
): string {
  const columns: Column[] = [
    { title: 'DEVICE' },
    { title: 'MODEL', foldAt: 9, hide: true },
    { title: 'GATEWAY', foldAt: 5 },
    { title: 'VERSION', foldAt: 4 },
    { title: 'REPORTED', wide: true },
    { title: 'OUTCOME' },
    { title: '%', align: 'right', foldAt: 3 },
    { title: 'CODE', align: 'right', foldAt: 2 },
    { title: 'TIME', align: 'right', foldAt: 6 },
    { title: 'REASON', prose: true },
  ];
  const labels = [...new Set(devices.flatMap((device) => Object.keys(device.labels)))].slice(0, MOST_LABELS);
  // Next to the device. They are the first to be omitted if space is short.
  columns.splice(1, 0, ...labels.map((name) => ({ title: name.toUpperCase(), foldAt: 10, hide: true })));
  const rows = devices.map((device) => {
    const row = rowOf(device, states.get(device), options);
    row.splice(1, 0, ...labels.map((name) => safeText(device.labels[name] ?? '', LONGEST_LABEL)));
    return row;
  });
  // A terminal gets only columns with content; a pipe always gets the same columns.
  const shown = columns.flatMap((_, index) =>
    options.width === null || rows.some((row) => row[index] !== '') ? [index] : [],
  );
  const pick = <T>(list: readonly T[]) => shown.flatMap((index) => list[index] ?? []);
  return renderTable(pick(columns), rows.map(pick), options.width, options.styles);
}

function rowOf(
  device: DeviceOutcome,
  state: Readonly<DeviceState> | undefined,
  { styles, unicode, began, simulated }: FinalTableOptions,
): Cell[] {
  const kind = kindOfOutcome(device);
  const time = timeOf(state);
  return [
    device.sn ?? '(not told)',
    state?.model ? modelName(state.model) : '',
    device.pid,
    state?.target ?? '',
    releasesText(device, began ?? null, unicode),
    {
      text: `${symbolOf(kind, unicode)} ${outcomeText(device)}`,
      style: styles[styleOf(kind)],
    },
    device.percent === null ? '' : String(device.percent),
    device.result ? String(device.result) : '',
    time === null ? '' : showDuration(time),
    explain(device, simulated) ?? '',
  ];
}

/** `4 devices: ✔ 2 ok  ✖ 1 failed  – 1 skipped`, wrapped to `width`. */
function totalsText(totals: Totals, count: number, options: FinalTableOptions): string {
  const { styles, unicode, width, simulated } = options;
  const lines: string[] = [styles.strong(`${count} ${count === 1 ? 'device' : 'devices'}:`)];
  const counts = COUNTED.filter((counted) => totals[counted] > 0);
  for (const counted of counts) {
    const kind = kindOfCounted(counted);
    const part = styles[styleOf(kind)](`${symbolOf(kind, unicode)} ${totals[counted]} ${countedWord(counted)}`);
    const line = lines.at(-1) ?? '';
    const gap = counted === counts[0] ? ' ' : '  ';
    if (width === null || widthOf(line + gap + part) < width) lines[lines.length - 1] = line + gap + part;
    else lines.push(`  ${part}`);
  }
  return `${lines.join('\n')}${simulated ? ' (simulated)' : ''}`;
}

/** Milliseconds from the first publish to the end; null = not known. */
export function timeOf(state: Readonly<DeviceState> | undefined): number | null {
  return state && state.startedAt !== null && state.endedAt !== null ? state.endedAt - state.startedAt : null;
}

/** The state of each device in `view`, if it is there. */
export function statesOf(
  devices: readonly DeviceOutcome[],
  view: RunView | null,
): Map<DeviceOutcome, Readonly<DeviceState>> {
  const found = new Map<DeviceOutcome, Readonly<DeviceState>>();
  // Both are in the manifest's order. Matched by index, because devices without a serial number (`watch`) have no key.
  devices.forEach((device, index) => {
    const state = view?.devices[index];
    if (state && state.pid === device.pid && state.sn === device.sn) found.set(device, state);
  });
  return found;
}
