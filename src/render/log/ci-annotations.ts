/** What CI systems understand of a log: folding and annotations. */
import { safeJson, safeText } from '../../text.js';
import type { DeviceOutcome } from '../../upgrade/events.js';
import type { CiCommand } from '../ci-guard.js';
import { explain, outcomeWord } from '../device-states.js';

export type CiSystem = 'github' | 'gitlab' | null;

export function ciSystem(env: NodeJS.ProcessEnv): CiSystem {
  if (env.GITHUB_ACTIONS === 'true') return 'github';
  return env.GITLAB_CI === 'true' ? 'gitlab' : null;
}

/** Begins a part of the log that can be folded; null = the system has none. `seconds` since 1970, for GitLab's own timing. */
export function groupStart(system: CiSystem, title: string, seconds: number): CiCommand | null {
  if (system === 'github') return command(`::group::${escapeData(title)}`);
  if (system === null) return null;
  return command(`\u001b[0Ksection_start:${seconds}:dji_ota_progress\r\u001b[0K${title}`);
}

export function groupEnd(system: CiSystem, seconds: number): CiCommand | null {
  if (system === 'github') return command('::endgroup::');
  return system === null ? null : command(`\u001b[0Ksection_end:${seconds}:dji_ota_progress\r\u001b[0K`);
}

/** An annotation for a device that did not end well. */
export function deviceAnnotation(device: DeviceOutcome): CiCommand {
  const title = `${device.sn ?? 'device'} on ${device.pid}: ${outcomeWord(device.status)}`;
  const code = device.result ? `code ${device.result}: ` : '';
  const level = device.status === 'unknown' || device.status === 'ok' ? 'warning' : 'error';
  return annotation(level, title, `${code}${explain(device) ?? outcomeWord(device.status)}`);
}

/** A GitHub workflow command of `level`; its message may have several lines. */
export function annotation(level: 'error' | 'warning', title: string, ...lines: string[]): CiCommand {
  const message = escapeData(lines.map((line) => safeText(line, 1000)).join('\n'));
  // The runner writes the message into the log again, where `##[` would be a command.
  return command(safeJson(`::${level} title=${escapeProperty(safeText(title))}::${message}`));
}

function command(text: string): CiCommand {
  return { ciCommand: `${text}\n` };
}

// As in GitHub's own toolkit: packages/core/src/command.ts.
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
