/** `.csv`: one line per device (RFC 4180), for spreadsheets and scripts; UTF-8 with a byte order mark. */
import { csvCell } from './escape.js';
import type { ReportDevice, ReportRun, RunReport } from './model.js';
import { durationOf, timeIn, whyOf } from './stats.js';

type Value = string | number | boolean | null;
type Column = readonly [string, (device: ReportDevice, run: ReportRun | undefined) => Value];

const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms) / 1000);

const COLUMNS: readonly Column[] = [
  ['run', ({ run }) => run],
  ['pid', ({ pid }) => pid],
  ['sn', ({ sn }) => sn],
  ['model', ({ model }) => model],
  ['product_version', ({ product_version }) => product_version],
  ['status', ({ status }) => status],
  ['verified', ({ verified }) => verified],
  ['version_before', ({ version_before }) => version_before],
  ['version_after', ({ version_after }) => version_after],
  ['heard_at', ({ heard_at }) => heard_at],
  ['percent', ({ percent }) => percent],
  ['result', ({ result }) => result],
  ['reason', whyOf],
  ['advice', ({ advice }) => advice],
  ['attempts', ({ attempts }) => attempts],
  ['bids', ({ bids }) => bids.join(' ')],
  ['started', ({ started }) => started],
  ['ended', ({ ended }) => ended],
  ['duration_s', (device) => seconds(durationOf(device))],
  ['download_s', (device) => seconds(timeIn(device, 'download'))],
  ['upgrade_s', (device) => seconds(timeIn(device, 'upgrade'))],
  ['silence_s', (device) => seconds(timeIn(device, 'silence'))],
  ['file_name', ({ firmware }) => firmware?.file_name ?? null],
  ['file_size', ({ firmware }) => firmware?.file_size ?? null],
  ['md5', ({ firmware }) => firmware?.md5 ?? null],
  ['sha256', ({ firmware }) => firmware?.sha256 ?? null],
  ['product', ({ firmware }) => firmware?.product ?? null],
  ['manifest', (_, run) => run?.manifest ?? null],
  ['broker', (_, run) => run?.broker ?? null],
  ['pair_split', ({ pair_split }) => pair_split],
];

/** The report as CSV. */
export function csvReport(report: RunReport): string {
  const labels = [...new Set(report.devices.flatMap((device) => Object.keys(device.labels)))];
  const runs = new Map(report.runs.map((run) => [run.run, run]));
  const columns: typeof COLUMNS = [
    ...COLUMNS,
    ...labels.map((name): Column => [`labels.${name}`, (device) => device.labels[name] ?? null]),
  ];
  const lines = [columns.map(([name]) => csvCell(name)).join(',')];
  for (const device of report.devices) {
    const run = runs.get(device.run);
    lines.push(columns.map(([, value]) => csvCell(value(device, run))).join(','));
  }
  // Excel needs this mark to recognize UTF-8.
  return `\ufeff${lines.join('\r\n')}\r\n`;
}
