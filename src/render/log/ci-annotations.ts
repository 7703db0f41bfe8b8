/** What CI systems understand of a log: folding and annotations. */
import { safeText } from '../../text.js';
import type { DeviceOutcome } from '../../upgrade/events.js';
import { explain, outcomeWord } from '../device-states.js';

export type CiSystem = 'github' | 'gitlab' | null;

export function ciSystem(env: NodeJS.ProcessEnv): CiSystem {
  if (env.GITHUB_ACTIONS === 'true') return 'github';
  return env.GITLAB_CI === 'true' ? 'gitlab' : null;
}

/** Begins a part of the log that can be folded, with line end. `seconds` since 1970, for GitLab's own timing. */
export function groupStart(system: CiSystem, title: string, seconds: number): string {
  if (system === 'github') return `::group::${escapeData(title)}\n`;
  if (system === 'gitlab') return `\u001b[0Ksection_start:${seconds}:dji_ota_progress\r\u001b[0K${title}\n`;
  return '';
}

export function groupEnd(system: CiSystem, seconds: number): string {
  if (system === 'github') return '::endgroup::\n';
  if (system === 'gitlab') return `\u001b[0Ksection_end:${seconds}:dji_ota_progress\r\u001b[0K\n`;
  return '';
}

/** An annotation for a device that did not end well, with line end. */
export function deviceAnnotation(device: DeviceOutcome): string {
  const title = `${device.sn ?? 'device'} on ${device.pid}: ${outcomeWord(device.status)}`;
  const code = device.result ? `code ${device.result}: ` : '';
  const level = device.status === 'unknown' || device.status === 'ok' ? 'warning' : 'error';
  return annotation(level, title, `${code}${explain(device) ?? outcomeWord(device.status)}`);
}

/** A GitHub workflow command of `level`, with line end; its message may have several lines. */
export function annotation(level: 'error' | 'warning', title: string, ...lines: string[]): string {
  return disarm(
    `::${level} title=${escapeProperty(safeText(title))}::${escapeData(lines.map((line) => safeText(line, 1000)).join('\n'))}\n`,
  );
}

/**
 * A log line that GitHub's runner takes for text: it looks for its old commands (`##[...]`) anywhere in a line, and a
 * device must not be able to give it one.
 */
export function disarm(line: string): string {
  return line.replaceAll('##[', '## [');
}

// As in GitHub's own toolkit: packages/core/src/command.ts.
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
