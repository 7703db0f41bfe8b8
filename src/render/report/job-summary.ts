/** The summary page of a GitHub Actions job: Markdown that is appended to the file in `GITHUB_STEP_SUMMARY`. */
import { appendFileSync } from 'node:fs';
import { showDuration } from '../../text.js';
import type { DeviceOutcome, RunEvent } from '../../upgrade/events.js';
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { explain, kindOfOutcome, needsLook, outcomeText, symbolOf } from '../device-states.js';
import { exitMeaning } from '../exit-meaning.js';
import { releasesText } from '../releases.js';
import type { Renderer } from '../renderer.js';
import { statesOf, timeOf } from '../table/final-table.js';
import { markdownName, markdownText } from './escape.js';
import { causeTable, table, totalsText } from './markdown.js';

type Finished = Extract<RunEvent, { event: 'run_finished' }>;
type Failure = Extract<RunEvent, { event: 'error' }>;

// GitHub accepts at most 1 MiB for a step.
const MOST_ROWS = 200;
const MOST_DETAILS = 50;

/** The result of a run as Markdown: totals, errors, failures by cause, and the devices that need attention. */
function jobSummary(finished: Finished, errors: readonly Failure[], view: RunView | null, simulated: boolean): string {
  const { devices, totals, exit_code } = finished;
  const meaning = exitMeaning({ exit_code, simulated, totals, error: errors.length > 0 });
  const parts = [
    `## ${exit_code === 0 ? '✅' : '❌'} Firmware upgrade: ${meaning} (exit code ${exit_code})`,
    simulated ? 'Simulated: no real device was upgraded.' : null,
    devices.length === 0 ? 'No device was upgraded.' : totalsText(totals),
    ...errors.map(errorText),
    causeTable(devices),
    deviceTable(devices.filter(needsLook), statesOf(devices, view), simulated),
  ];
  return `${parts.filter((part) => part !== null).join('\n\n')}\n\n`;
}

function errorText({ message, details, hint }: Failure): string {
  const lines = [`**${markdownText(message)}**`, ''];
  lines.push(...details.slice(0, MOST_DETAILS).map((detail) => `- ${markdownText(detail)}`));
  if (details.length > MOST_DETAILS) lines.push(`- … and ${details.length - MOST_DETAILS} more`);
  if (hint !== null) lines.push('', markdownText(hint));
  return lines.join('\n');
}

function deviceTable(
  devices: readonly DeviceOutcome[],
  states: ReadonlyMap<DeviceOutcome, Readonly<DeviceState>>,
  simulated: boolean,
): string | null {
  if (devices.length === 0) return null;
  const rows = devices.slice(0, MOST_ROWS).map((device) => {
    const state = states.get(device);
    const time = timeOf(state);
    return [
      symbolOf(kindOfOutcome(device), true),
      markdownName(device.sn ?? ''),
      markdownName(device.pid),
      markdownName(state?.target ?? ''),
      markdownText(releasesText(device, null)),
      outcomeText(device),
      device.percent === null ? '' : String(device.percent),
      device.result ? String(device.result) : '',
      time === null ? '' : showDuration(time),
      markdownText(explain(device, simulated) ?? '', 500),
    ];
  });
  const titles = [
    '',
    'Device',
    'Gateway',
    'Version',
    'Reported',
    'Outcome',
    '% >',
    'Code >',
    'Time >',
    'Reason and advice',
  ];
  const more = devices.length > MOST_ROWS ? `\n\n… and ${devices.length - MOST_ROWS} more devices.` : '';
  return table(titles, rows) + more;
}

/** `renderer`, extended to write the summary to `file` at the end of the run. */
export function withJobSummary(renderer: Renderer, file: string, simulated: boolean): Renderer {
  let view: RunView | null = null;
  const errors: Failure[] = [];
  return {
    ...renderer,
    view(next) {
      view = next;
      renderer.view(next);
    },
    event(event) {
      renderer.event(event);
      if (event.event === 'error') errors.push(event);
      if (event.event !== 'run_finished') return;
      try {
        appendFileSync(file, jobSummary(event, errors, view, simulated));
      } catch {
        // The page is optional: without it there are still the log and the exit code.
      }
    },
  };
}
