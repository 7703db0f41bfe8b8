/** Renders the rows of `dji-ota inventory`: a table, CSV. */
import {
  DRIFT_STATES,
  type DriftState,
  type DriftTotals,
  type InventoryRow,
} from '../../../app/inventory/inventory-rows.js';
import { showTarget } from '../../../fleet/number-names.js';
import { csvCell } from '../../../render/report/escape.js';
import { type Field, fieldTable, labelFields } from '../../../render/table/field-table.js';
import type { Styles } from '../../../render/terminal/styles.js';
import { showAgo } from '../../../text.js';

const UNKNOWN = 'unknown';

/** A table with one row per device, and a count, without a final newline. `totals`: if there is a manifest. */
export function inventoryTable(
  rows: readonly InventoryRow[],
  totals: DriftTotals | null,
  now: number,
  width: number | null,
  styles: Styles,
): string {
  const word = (text: string) => (text === UNKNOWN ? { text, style: styles.warn } : text);
  const heard = (at: string | null, by: string | null) =>
    at === null ? 'never' : [showAgo(now - Date.parse(at)), by].filter(Boolean).join(', ');
  const device: Field<InventoryRow>[] =
    width === null
      ? [
          { title: 'GATEWAY', cell: (row) => row.pid ?? UNKNOWN },
          { title: 'DEVICE', cell: (row) => row.sn },
        ]
      : [{ title: 'DEVICE', cell: (row) => (row.pid === null || row.sn === row.pid ? row.sn : `  ${row.sn}`) }];
  const fields: Field<InventoryRow>[] = [
    ...device,
    ...labelFields(rows),
    { title: 'MODEL', foldAt: 3, cell: (row) => row.model_name ?? row.kind ?? UNKNOWN },
    { title: 'FIRMWARE', cell: (row) => word(row.firmware_version ?? UNKNOWN) },
    ...(totals
      ? [
          {
            title: 'TARGET',
            foldAt: 1,
            cell: (row: InventoryRow) => showTarget(row.target ?? '', row.firmware_upgrade_type),
          },
        ]
      : []),
    { title: 'REPORTED', foldAt: 2, cell: (row) => heard(row.version_heard_at, row.version_heard_by) },
    {
      title: 'CONSISTENCY',
      foldAt: 4,
      cell: (row) =>
        row.compatible_status === 1 ? { text: 'upgrade needed', style: styles.warn } : (row.consistency ?? UNKNOWN),
    },
    { title: 'LAST HEARD', foldAt: 5, hide: true, cell: (row) => heard(row.heard_at, row.heard_by) },
    ...(totals ? [{ title: 'STATE', cell: (row: InventoryRow) => stateCell(row.state, styles) }] : []),
  ];
  const count = `${rows.length} ${rows.length === 1 ? 'device' : 'devices'}`;
  const unknown = rows.filter(({ firmware_version }) => firmware_version === null).length;
  const parts = totals
    ? DRIFT_STATES.flatMap((state) => (totals[state] > 0 ? [`${totals[state]} ${stateWord(state)}`] : []))
    : unknown > 0
      ? [`${unknown} of unknown version`]
      : [];
  return `${fieldTable(fields, rows, width, styles)}\n${styles.strong([count, parts.join(', ')].filter(Boolean).join(': '))}`;
}

function stateCell(state: DriftState | null, styles: Styles) {
  const style = { drift: styles.bad, current: styles.good, unknown: styles.warn, not_checked: styles.warn };
  return state === null ? '' : { text: stateWord(state), style: style[state] };
}

function stateWord(state: DriftState): string {
  return state.replace('_', ' ');
}

/** One line per device (RFC 4180). The columns have the names of the JSON keys. {@link BYTE_ORDER_MARK} must come before it. */
export function inventoryCsv(rows: readonly InventoryRow[]): string {
  const labels = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))];
  const cells = (row: InventoryRow) =>
    CSV_COLUMNS.map((key) => row[key]).concat(labels.map((name) => row.labels[name] ?? null));
  const head = [...CSV_COLUMNS, ...labels.map((name) => `labels.${name}`)];
  const lines = [head, ...rows.map(cells)].map((line) => line.map(csvCell).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

/** Excel needs it to recognize UTF-8. As bytes, because in text it would be escaped as an invisible character. */
export const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const CSV_COLUMNS = [
  'pid',
  'sn',
  'kind',
  'model',
  'model_name',
  'firmware_version',
  'version_heard_at',
  'version_heard_by',
  'compatible_status',
  'consistency',
  'compatible_heard_at',
  'psdk_version',
  'psdk_heard_at',
  'heard_at',
  'heard_by',
  'target',
  'firmware_upgrade_type',
  'state',
] as const satisfies readonly (keyof InventoryRow)[];
