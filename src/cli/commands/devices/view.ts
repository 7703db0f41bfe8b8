/** How `dji-ota devices` shows its rows: a table, lines, JSON. */

import { showDockMode } from '../../../fleet/number-names.js';
import type { DeviceRow } from '../../../fleet/rows.js';
import type { Styles } from '../../../render/styles.js';
import { type Cell, type Column, renderTable } from '../../../render/table/table.js';
import { safeText } from '../../../text.js';

const NONE = '-';
// Narrower than the full table: there the columns that decide stay, and the reasons name the mode and the battery.
const FULL_WIDTH = 130;

interface Field extends Column {
  cell(row: DeviceRow): Cell;
}

/** A table with a row a device, and a count; without a line end at its end. `width`: of the terminal, null = as wide as it gets. */
export function devicesTable(
  rows: readonly DeviceRow[],
  withTarget: boolean,
  width: number | null,
  styles: Styles,
): string {
  const narrow = width !== null && width < FULL_WIDTH;
  const device: Field[] =
    width === null
      ? [
          { title: 'GATEWAY', cell: (row) => row.pid },
          { title: 'DEVICE', cell: (row) => row.sn },
        ]
      : [{ title: 'DEVICE', cell: (row) => (row.sn === row.pid ? row.sn : `  ${row.sn}`) }];
  const mode: Field = { title: 'MODE', cell: (row) => (row.kind === 'dock' ? showMode(row) : NONE) };
  const battery: Field = {
    title: 'BATTERY',
    align: 'right',
    cell: (row) => (row.capacity_percent === null ? NONE : `${row.capacity_percent} %`),
  };
  const fields: Field[] = [
    ...device,
    { title: 'MODEL', foldAt: 2, cell: modelOf },
    { title: 'FIRMWARE', foldAt: 1, cell: versionOf },
    ...(withTarget ? [{ title: 'TARGET', foldAt: 1, cell: (row: DeviceRow) => row.target ?? NONE }] : []),
    { title: 'CONSISTENCY', foldAt: 3, cell: (row) => consistencyCell(row, narrow && withTarget, styles) },
    ...(narrow ? [] : [battery, mode]),
    { title: 'READY', cell: (row: DeviceRow) => readyCell(row, styles) },
    ...(withTarget ? [{ title: 'PUSH', cell: (row: DeviceRow) => pushCell(row, styles) }] : []),
    { title: 'WHY NOT', prose: true, cell: whyOf },
  ];
  const cells = rows.map((row) => fields.map((field) => field.cell(row)));
  // A pipe gets the same columns every time; a terminal those that say something.
  const shown = fields.flatMap((_, index) => (width === null || cells.some((row) => row[index] !== '') ? [index] : []));
  const pick = <T>(list: readonly T[]) => shown.flatMap((index) => list[index] ?? []);
  return `${renderTable(pick(fields), cells.map(pick), width, styles)}\n${styles.strong(summaryOf(rows))}`;
}

const URGENCY = { 'not ready': 0, offline: 1, unknown: 2, ready: 3 };

/** Gateways with a device that is not ready first, each with its devices; otherwise in their order. */
export function notReadyFirst(rows: readonly DeviceRow[]): DeviceRow[] {
  const urgency = new Map<string, number>();
  for (const row of rows) urgency.set(row.pid, Math.min(urgency.get(row.pid) ?? 9, URGENCY[readyWord(row)]));
  return [...rows].sort((a, b) => (urgency.get(a.pid) ?? 9) - (urgency.get(b.pid) ?? 9));
}

/** One line of a log, for a device that changed; `time` in milliseconds since 1970. */
export function deviceLine(row: DeviceRow, time: number): string {
  const where = row.sn === row.pid ? '' : ` on ${row.pid}`;
  const target = row.target === null ? '' : ` -> ${row.target} (${actionWord(row)})`;
  const state = row.ready
    ? row.asleep
      ? 'ready (asleep)'
      : 'ready'
    : row.ready === null
      ? 'not known to be ready'
      : 'not ready';
  const why = whyOf(row);
  const parts = [
    `${row.sn}${where}`,
    modelOf(row),
    `${versionOf(row)}${target}`,
    row.consistency ?? 'consistency unknown',
    why === '' ? state : `${state}: ${why}`,
  ];
  return `${new Date(time).toISOString()}  ${parts.map((part) => safeText(part, 600)).join('  ')}`;
}

/** `12 devices: 9 ready, 2 not ready, 1 offline; push: 8 upgrade, 3 already current, 1 not ready`. */
export function summaryOf(rows: readonly DeviceRow[]): string {
  const ready = countsOf(rows.map(readyWord));
  const push = countsOf(rows.flatMap((row) => (row.action === null ? [] : [actionWord(row)])));
  return `${rows.length} ${rows.length === 1 ? 'device' : 'devices'}${ready && `: ${ready}`}${push && `; push: ${push}`}`;
}

function countsOf(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
}

function readyWord(row: DeviceRow): 'ready' | 'not ready' | 'offline' | 'unknown' {
  if (row.ready !== false) return row.ready ? 'ready' : 'unknown';
  return row.reasons.some((reason) => reason.code === 'offline') ? 'offline' : 'not ready';
}

/** Why it is not ready, and what may make an upgrade fail all the same. */
function whyOf(row: DeviceRow): string {
  return [...row.reasons, ...row.warnings].map((reason) => reason.message).join('; ');
}

function modelOf(row: DeviceRow): string {
  return row.model_name ?? row.kind ?? NONE;
}

function versionOf(row: DeviceRow): string {
  if (row.firmware_version === null) return NONE;
  return row.firmware_version_live ? row.firmware_version : `${row.firmware_version} (retained)`;
}

function showMode(row: DeviceRow): string {
  return row.mode_code === null ? NONE : showDockMode(row.mode_code);
}

/** `brief`: only where something has to be done. */
function consistencyCell(row: DeviceRow, brief: boolean, styles: Styles): Cell {
  if (brief && row.compatible_status !== 1) return '';
  const style = row.compatible_status === 1 ? styles.warn : styles.plain;
  return { text: row.consistency ?? NONE, style };
}

function readyCell(row: DeviceRow, styles: Styles): Cell {
  const word = readyWord(row);
  if (word === 'ready') return { text: row.asleep ? 'yes (asleep)' : 'yes', style: styles.good };
  if (word === 'unknown') return { text: word, style: styles.warn };
  return { text: word === 'offline' ? word : 'no', style: styles.bad };
}

function pushCell(row: DeviceRow, styles: Styles): Cell {
  const style = { upgrade: styles.busy, current: styles.good, not_ready: styles.bad, unknown: styles.warn };
  return { text: actionWord(row), style: row.action === null ? styles.plain : style[row.action] };
}

function actionWord(row: DeviceRow): string {
  const words = {
    upgrade: 'upgrade',
    current: 'already current',
    not_ready: 'not ready',
    unknown: 'unknown',
  };
  return row.action === null ? NONE : words[row.action];
}
