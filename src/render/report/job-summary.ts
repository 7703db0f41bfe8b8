/** The summary page of a GitHub Actions job: Markdown appended to the file that `GITHUB_STEP_SUMMARY` names. */
import { appendFileSync } from 'node:fs';
import { showDuration } from '../../text.js';
import { type DeviceOutcome, OUTCOMES, type RunEvent } from '../../upgrade/events.js';
import type { DeviceState, RunView } from '../../upgrade/tracker/state.js';
import { explain, isBad, kindOfOutcome, outcomeWord, symbolOf } from '../device-states.js';
import type { Renderer } from '../renderer.js';
import { statesOf } from '../table/final-table.js';
import { markdownText } from './escape.js';

type Finished = Extract<RunEvent, { event: 'run_finished' }>;

// GitHub takes at most 1 MiB for a step.
const MOST_ROWS = 1000;

/** What a run came to, as Markdown: totals, then every device, those that did not end well first. */
function jobSummary(finished: Finished, view: RunView | null): string {
  const { devices, totals } = finished;
  const well = finished.exit_code === 0;
  const lines = [`## ${well ? '✅' : '❌'} Firmware upgrade: ${well ? 'done' : `exit code ${finished.exit_code}`}`, ''];
  if (devices.length === 0) return `${lines.join('\n')}No device was upgraded.\n\n`;
  const counts = OUTCOMES.filter((outcome) => totals[outcome] > 0);
  lines.push(counts.map((outcome) => `**${totals[outcome]}** ${outcomeWord(outcome)}`).join(' · '), '');
  lines.push('| | Device | Gateway | Version | Outcome | % | Code | Time | Reason and advice |');
  lines.push('|---|---|---|---|---|--:|--:|--:|---|');
  const states = statesOf(devices, view);
  const sorted = [...devices.filter(isBad), ...devices.filter((device) => !isBad(device))];
  for (const device of sorted.slice(0, MOST_ROWS)) lines.push(row(device, states.get(device)));
  if (sorted.length > MOST_ROWS) lines.push('', `… and ${sorted.length - MOST_ROWS} more devices.`);
  return `${lines.join('\n')}\n\n`;
}

function row(device: DeviceOutcome, state: Readonly<DeviceState> | undefined): string {
  const time = state && state.startedAt !== null && state.endedAt !== null ? state.endedAt - state.startedAt : null;
  const verified = device.verified === null ? '' : device.verified ? ', verified' : ', not verified';
  const cells = [
    symbolOf(kindOfOutcome(device.status, device.verified), true),
    device.sn ?? '',
    device.pid,
    state?.target ?? '',
    `${outcomeWord(device.status)}${verified}`,
    device.percent === null ? '' : String(device.percent),
    device.result ? String(device.result) : '',
    time === null ? '' : showDuration(time),
    explain(device) ?? '',
  ];
  return `| ${cells.map((cell) => markdownText(cell, 500)).join(' | ')} |`;
}

/** `renderer`, which at the end of the run also writes the summary to `file`. */
export function withJobSummary(renderer: Renderer, file: string): Renderer {
  let view: RunView | null = null;
  return {
    ...renderer,
    view(next) {
      view = next;
      renderer.view(next);
    },
    event(event) {
      renderer.event(event);
      if (event.event !== 'run_finished') return;
      try {
        appendFileSync(file, jobSummary(event, view));
      } catch {
        // The page is an extra: a runner that takes none has the log and the exit code.
      }
    },
  };
}
