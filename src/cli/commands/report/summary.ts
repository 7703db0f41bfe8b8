/** Prints a summary of a report for a terminal. */

import { endMeaning } from '../../../render/exit-meaning.js';
import type { ReportDevice, RunReport } from '../../../render/report/model.js';
import { finalTable } from '../../../render/table/final-table.js';
import { renderTable } from '../../../render/table/table.js';
import { stylesFor } from '../../../render/terminal/chalk-styles.js';
import { useColor, useUnicode } from '../../../render/terminal/color.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import { safeText, showDuration } from '../../../text.js';
import type { DeviceState, RunView } from '../../../upgrade/tracker/state.js';
import type { Io } from '../../io.js';

/** The runs, the table that a run prints at its end, and the joined exit code; with a final newline. */
export function summaryOf(report: RunReport, io: Io, color: false | undefined): string {
  const styles = stylesFor(useColor(io.stdout, io.env, color));
  const width = terminalWidth(io.stdout);
  const runs = renderTable(
    [
      { title: 'RUN' },
      { title: 'STARTED', foldAt: 2 },
      { title: 'TIME', align: 'right', foldAt: 1 },
      { title: 'DEVICES', align: 'right' },
      { title: 'EXIT', align: 'right' },
    ],
    report.runs.map((run) => [
      `${run.run}${run.simulated ? ' (simulated)' : ''}`,
      run.started.replace('T', ' ').slice(0, 19),
      showDuration(Date.parse(run.ended) - Date.parse(run.started)),
      String(run.devices),
      String(run.exit_code),
    ]),
    width,
    styles,
  );
  const table = finalTable(report.devices, report.totals, viewOfReport(report), {
    width,
    styles,
    unicode: useUnicode(io.env),
    elsewhere: null,
    simulated: report.runs.some(({ simulated }) => simulated),
    began: Date.parse(report.started),
  });
  const warnings = report.warnings.map(({ message }) => `${styles.warn('warning:')} ${safeText(message, 1000)}\n`);
  const end = `Exit code ${report.exit_code}: ${endMeaning(report)}.\n`;
  return `${runs}\n\n${table}${table === '' ? '' : '\n'}${warnings.join('')}${end}`;
}

/** The live view that the table of a run expects in addition to the outcomes. */
function viewOfReport(report: RunReport): RunView {
  return {
    devices: report.devices.map(stateOf),
    totals: report.totals,
    wave: null,
  };
}

function stateOf(device: ReportDevice, index: number): DeviceState {
  const {
    pid,
    sn,
    product_version,
    status,
    percent,
    result,
    reason,
    verified,
    verify,
    labels,
    attempts,
    bids,
    started,
    ended,
  } = device;
  const time = (iso: string | null) => (iso === null ? null : Date.parse(iso));
  return {
    index,
    pid,
    sn,
    labels,
    target: product_version,
    type: 3,
    phase: 'ended',
    bid: bids.at(-1) ?? null,
    attempt: attempts,
    earlier: null,
    status,
    percent,
    step: null,
    rate: null,
    result,
    reason,
    verified,
    verify,
    publishedAt: time(started),
    startedAt: time(started),
    heardAt: null,
    timestamp: null,
    reported: null,
    reportedAt: null,
    versionBefore: device.version_before,
    versionNoted: false,
    versionAfter: device.version_after,
    versionHeardAt: time(device.heard_at),
    model: device.model,
    reportedOther: false,
    endedAt: time(ended),
  };
}
