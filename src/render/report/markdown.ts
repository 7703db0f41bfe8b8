/** `.md`: GitHub flavoured Markdown, for a comment, a wiki, or a job's page. */
import { showBytes, showDuration } from '../../text.js';
import { COUNTED, countedAs } from '../../upgrade/counting.js';
import type { DeviceOutcome, Totals } from '../../upgrade/events.js';
import { causesOf } from '../causes.js';
import { countedWord, outcomeText, symbolOf } from '../device-states.js';
import { endMeaning } from '../exit-meaning.js';
import { releasesText } from '../releases.js';
import { markdownName, markdownText } from './escape.js';
import type { ReportRun, RunReport } from './model.js';
import {
  attemptsText,
  durationOf,
  firmwareFiles,
  type Judged,
  judged,
  labelsText,
  spreadOf,
  startsOf,
  whyOf,
} from './stats.js';

const MOST_NAMED = 20;

/** The report as Markdown. */
export function markdownReport(report: RunReport): string {
  const parts = [
    titleOf(report),
    runsOf(report),
    errorsOf(report),
    failuresOf(report),
    timesOf(report),
    devicesOf(report),
    firmwareOf(report),
    warningsOf(report),
    `<sub>dji-ota ${markdownText(report.version)}</sub>`,
  ];
  return `${parts.filter((part) => part !== null).join('\n\n')}\n`;
}

function titleOf(report: RunReport): string {
  const { exit_code, totals, devices } = report;
  const well = exit_code === 0;
  const said = totalsText(totals);
  const count = `${devices.length} ${devices.length === 1 ? 'device' : 'devices'}`;
  return [
    `# ${well ? '✅' : '❌'} Firmware upgrade: ${endMeaning(report)}`,
    '',
    said === '' ? 'No device was upgraded.' : `${count}: ${said}`,
  ].join('\n');
}

function runsOf({ runs }: RunReport): string {
  const rows = runs.map((run) => [
    `${markdownName(run.run)}${run.simulated ? ' (simulated)' : ''}`,
    run.command,
    timeText(run.started),
    showDuration(Date.parse(run.ended) - Date.parse(run.started)),
    `${run.gateways}`,
    `${run.devices}`,
    `${run.exit_code}`,
  ]);
  const runTable = table(['Run', 'Command', 'Started', 'Time >', 'Gateways >', 'Devices >', 'Exit code >'], rows);
  const origins = runs.flatMap((run) => originText(run) ?? []);
  return [runTable, ...[...new Set(origins)]].join('\n\n');
}

/** The origin of a run: manifest, broker, user, host; null = none is known. */
function originText({ manifest, broker, user, host }: ReportRun): string | null {
  const parts = [
    manifest === null ? null : `Manifest: ${manifest === '-' ? 'standard input' : markdownName(manifest)}`,
    broker === null ? null : `Broker: ${markdownName(broker)}`,
    user === null && host === null ? null : `By: ${markdownName([user, host].filter(Boolean).join(' on '))}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' · ');
}

function errorsOf({ errors }: RunReport): string | null {
  if (errors.length === 0) return null;
  const lines = errors.flatMap(({ message, hint, details }) => [
    `- **${markdownText(message)}**${hint === null ? '' : `<br>${markdownText(hint)}`}`,
    ...details.map((detail) => `  - ${markdownText(detail)}`),
  ]);
  return `## Errors\n\n${lines.join('\n')}`;
}

function failuresOf({ devices }: RunReport): string | null {
  const causes = causeTable(devices);
  return causes === null ? null : `## What went wrong\n\n${causes}`;
}

/** The failures, one row per cause; null = there are none. */
export function causeTable(devices: readonly DeviceOutcome[]): string | null {
  const rows = causesOf(devices).map(({ code, counted, meaning, advice, devices: of }) => {
    const named = of.slice(0, MOST_NAMED).map(({ sn, pid }) => markdownName(sn ?? pid));
    const more = of.length > MOST_NAMED ? `, and ${of.length - MOST_NAMED} more` : '';
    const which = named.join(', ') + more;
    return [
      `${of.length}`,
      countedWord(counted),
      code === null ? '' : `${code}`,
      markdownText(meaning),
      markdownText(advice ?? ''),
      which,
    ];
  });
  return rows.length === 0 ? null : table(['Devices >', 'Ended', 'Code >', 'Meaning', 'What to do', 'Which'], rows);
}

/** `**2** ok · **1** failed`; empty without devices. */
export function totalsText(totals: Totals): string {
  const counts = COUNTED.filter((counted) => totals[counted] > 0);
  return counts.map((counted) => `**${totals[counted]}** ${countedWord(counted)}`).join(' · ');
}

function timesOf({ devices }: RunReport): string | null {
  const spread = spreadOf(devices.flatMap((device) => (countedAs(device) === 'ok' ? (durationOf(device) ?? []) : [])));
  if (!spread || spread.count < 2) return null;
  const { least, median, ninth, most } = spread;
  const said = [
    ['fastest', least],
    ['median', median],
    ['nine of ten within', ninth],
    ['slowest', most],
  ] as const;
  const words = said.map(([word, ms]) => `${word} ${showDuration(ms)}`).join(', ');
  return `Time to \`ok\`: ${words}.`;
}

function devicesOf(report: RunReport): string | null {
  if (report.devices.length === 0) return null;
  const labeled = report.devices.some(({ labels }) => Object.keys(labels).length > 0);
  const modeled = report.devices.some(({ model }) => model !== null);
  const titles = [
    ...['', 'Device', ...(modeled ? ['Model'] : []), 'Gateway', 'Version', 'Reported', 'Outcome'],
    ...['% >', 'Code >', 'Time >', 'Reason', 'What to do'],
  ];
  const startOf = startsOf(report);
  const rows = judged(report).map((each) => [
    ...deviceRow(each, modeled, startOf(each.device.run)),
    ...(labeled ? [markdownText(labelsText(each.device.labels))] : []),
  ]);
  return `## Devices\n\n${table(labeled ? [...titles, 'Labels'] : titles, rows)}`;
}

function deviceRow({ device, kind }: Judged, modeled: boolean, began: number): string[] {
  const duration = durationOf(device);
  const attempts = attemptsText(device);
  return [
    symbolOf(kind, true),
    markdownName(device.sn ?? '(not told)'),
    ...(modeled ? [markdownText(device.model ?? '')] : []),
    markdownName(device.pid),
    markdownName(device.product_version ?? ''),
    markdownText(releasesText(device, began)),
    outcomeText(device) + (attempts === null ? '' : `, ${attempts}`),
    device.percent === null ? '' : `${device.percent}`,
    device.result ? `${device.result}` : '',
    duration === null ? '' : showDuration(duration),
    markdownText(whyOf(device) ?? ''),
    markdownText(device.advice ?? ''),
  ];
}

function firmwareOf({ devices }: RunReport): string | null {
  const files = firmwareFiles(devices);
  if (files.length === 0) return null;
  const rows = files.map(({ firmware: { file_name, file_size, md5, sha256, product }, count }) => [
    markdownName(file_name) + (product ? `, ${markdownName(product)}` : ''),
    showBytes(file_size),
    markdownName(sha256 ? `${md5}, sha256:${sha256}` : md5),
    `${count}`,
  ]);
  return `## Firmware\n\n${table(['File', 'Size >', 'MD5', 'Devices >'], rows)}`;
}

function warningsOf({ warnings, warnings_omitted, outages }: RunReport): string | null {
  const lines = [
    ...outages.map(({ from, to, reason }) => {
      const back =
        to === null ? 'it did not come back' : `back after ${showDuration(Date.parse(to) - Date.parse(from))}`;
      return `- ${timeText(from)}: the broker was lost (${markdownText(reason)}), ${back}`;
    }),
    ...warnings.map(({ time, message }) => `- ${timeText(time)}: ${markdownText(message)}`),
    ...(warnings_omitted > 0 ? [`- … and ${warnings_omitted} more warnings`] : []),
  ];
  return lines.length === 0 ? null : `## Warnings\n\n${lines.join('\n')}`;
}

/** A table. A title that ends with ` >` makes a column of numbers. Cells are Markdown already. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = titles.map((title) => title.replace(/ >$/, ''));
  const align = titles.map((title) => (title.endsWith(' >') ? '--:' : '---'));
  return [head, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** `2026-11-24 08:15:30 UTC` */
function timeText(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
