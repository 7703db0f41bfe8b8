/** `.csv`: one line a device (RFC 4180), for spreadsheets and scripts; UTF-8 with a byte order mark. */
import { csvCell } from './escape.js';
import type { ReportDevice, RunReport } from './model.js';
import { durationOf, timeIn } from './stats.js';

type Value = string | number | boolean | null;

const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms) / 1000);

const COLUMNS: readonly [string, (device: ReportDevice) => Value][] = [
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
  ['reason', ({ reason }) => reason],
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
];

export function csvReport(report: RunReport): string {
  const labels = [...new Set(report.devices.flatMap((device) => Object.keys(device.labels)))];
  const columns: typeof COLUMNS = [
    ...COLUMNS,
    ...labels.map((name): (typeof COLUMNS)[number] => [`labels.${name}`, (device) => device.labels[name] ?? null]),
  ];
  const lines = [columns.map(([name]) => csvCell(name)).join(',')];
  for (const device of report.devices) lines.push(columns.map(([, value]) => csvCell(value(device))).join(','));
  // Without the mark Excel does not take it for UTF-8.
  return `\ufeff${lines.join('\r\n')}\r\n`;
}
