/** Renders the rows of `dji-ota devices`: a table, log lines, JSON. */

import { consistencyWord, showDockMode, showTarget } from '../../../fleet/number-names.js';
import type { DeviceRow } from '../../../fleet/rows.js';
import { type Field, fieldTable, labelFields } from '../../../render/table/field-table.js';
import type { Cell } from '../../../render/table/table.js';
import type { Styles } from '../../../render/terminal/styles.js';
import { safeText, showAgo } from '../../../text.js';

const NONE = '-';
const UNKNOWN = 'unknown';
// Columns. A narrower terminal shows only the deciding columns; mode and battery are then part of the reasons.
const FULL_WIDTH = 130;

/**
 * A table with one row per device, and a count, without a final newline. `now`: milliseconds since 1970. `width`: of the
 * terminal; null = unlimited.
 */
export function devicesTable(
  rows: readonly DeviceRow[],
  withTarget: boolean,
  now: number,
  width: number | null,
  styles: Styles,
): string {
  const narrow = width !== null && width < FULL_WIDTH;
  const device: Field<DeviceRow>[] =
    width === null
      ? [
          { title: 'GATEWAY', cell: (row) => row.pid },
          { title: 'DEVICE', cell: (row) => row.sn },
        ]
      : [{ title: 'DEVICE', cell: (row) => (row.sn === row.pid ? row.sn : `  ${row.sn}`) }];
  const mode: Field<DeviceRow> = { title: 'MODE', cell: (row) => (row.kind === 'dock' ? showMode(row) : NONE) };
  const battery: Field<DeviceRow> = {
    title: 'BATTERY',
    cell: (row) =>
      row.capacity_percent === null ? NONE : `${String(row.capacity_percent).padStart(3)} % ${sourceOf(row)}`,
  };
  const fields: Field<DeviceRow>[] = [
    ...device,
    ...labelFields(rows),
    { title: 'MODEL', foldAt: 2, cell: modelOf },
    { title: 'FIRMWARE', foldAt: 1, cell: (row) => versionCell(row, now, styles) },
    ...(withTarget ? [{ title: 'TARGET', foldAt: 1, cell: targetOf }] : []),
    { title: 'CONSISTENCY', foldAt: 3, cell: (row) => consistencyCell(row, narrow && withTarget, now, styles) },
    ...(narrow ? [] : [battery, mode]),
    { title: 'READY', cell: (row: DeviceRow) => readyCell(row, styles) },
    ...(withTarget ? [{ title: 'PUSH', cell: (row: DeviceRow) => pushCell(row, styles) }] : []),
    { title: 'WHY NOT', prose: true, cell: whyOf },
  ];
  return `${fieldTable(fields, rows, width, styles)}\n${styles.strong(summaryOf(rows))}`;
}

const URGENCY = { 'not ready': 0, offline: 1, unknown: 2, ready: 3 };

/** The rows with gateways that have a device that is not ready first; otherwise in their order. */
export function notReadyFirst(rows: readonly DeviceRow[]): DeviceRow[] {
  const urgency = new Map<string, number>();
  for (const row of rows) urgency.set(row.pid, Math.min(urgency.get(row.pid) ?? 9, URGENCY[readyWord(row)]));
  return [...rows].sort((a, b) => (urgency.get(a.pid) ?? 9) - (urgency.get(b.pid) ?? 9));
}

/** A log line for a device that changed. `time`: milliseconds since 1970. */
export function deviceLine(row: DeviceRow, time: number): string {
  const where = row.sn === row.pid ? '' : ` on ${row.pid}`;
  const target = row.target === null ? '' : ` -> ${targetOf(row)} (${actionWord(row)})`;
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
    `${versionOf(row, time)}${target}`,
    consistencyOf(row, time) ?? 'consistency unknown',
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

/** Why the device is not ready, and what may make an upgrade fail. */
function whyOf(row: DeviceRow): string {
  return [...row.reasons, ...row.warnings].map((reason) => reason.message).join('; ');
}

function modelOf(row: DeviceRow): string {
  return row.model_name ?? row.kind ?? NONE;
}

/** The version, with its age if it was not heard now. A version of unknown age is the last choice. */
function versionOf(row: DeviceRow, now: number): string {
  const { known_version: known, firmware_version } = row;
  if (known) return known.source === 'live' ? known.version : `${known.version} (${ago(known.heard_at, now)})`;
  return firmware_version === null ? UNKNOWN : `${firmware_version} (retained)`;
}

function versionCell(row: DeviceRow, now: number, styles: Styles): Cell {
  const text = versionOf(row, now);
  return text === UNKNOWN ? { text, style: styles.warn } : text;
}

function ago(at: string, now: number): string {
  return showAgo(Math.max(0, now - Date.parse(at)));
}

function targetOf({ target, firmware_upgrade_type: type }: DeviceRow): string {
  return target === null ? NONE : showTarget(target, type);
}

/** The source of the charge: the aircraft, the dock's charger, or the dock for an aircraft that is off. */
function sourceOf({ sn, pid, capacity_source: source }: DeviceRow): string {
  if (sn === pid) return '';
  return source === 'battery' ? 'aircraft' : source === 'drone_charge_state' ? 'charger' : 'maintenance';
}

function showMode(row: DeviceRow): string {
  return row.mode_code === null ? NONE : showDockMode(row.mode_code);
}

function consistencyOf({ consistency, known_consistency: known }: DeviceRow, now: number): string | null {
  if (!known) return consistency;
  return `${consistencyWord(known.compatible_status)} (${ago(known.heard_at, now)})`;
}

/** `brief`: only if something has to be done. */
function consistencyCell(row: DeviceRow, brief: boolean, now: number, styles: Styles): Cell {
  const needed = (row.known_consistency ?? row).compatible_status === 1;
  if (brief && !needed) return '';
  return { text: consistencyOf(row, now) ?? UNKNOWN, style: needed ? styles.warn : styles.plain };
}

function readyCell(row: DeviceRow, styles: Styles): Cell {
  const word = readyWord(row);
  if (word === 'ready') return { text: row.asleep ? 'yes (asleep)' : 'yes', style: styles.good };
  if (word === 'unknown') return { text: word, style: styles.warn };
  const { presence } = row;
  const where = presence === null || presence === 'asleep' || presence === 'awake' ? '' : ` (${WHERE[presence]})`;
  return { text: word === 'offline' ? word : `no${where}`, style: styles.bad };
}

const WHERE = { away: 'away', unpaired: 'unpaired', other_dock: 'other dock' };

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
