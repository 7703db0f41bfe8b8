/** Folding and annotations for CI systems. */
import { safeJson, safeText } from '../../text.js';
import type { DeviceOutcome, RunEvent } from '../../upgrade/events.js';
import { causesOf } from '../causes.js';
import { countedWord } from '../device-states.js';
import type { CiCommand } from '../terminal/stream.js';
import { count } from './lines.js';

/** A CI system with commands in its log; null = none. */
export type CiSystem = 'github' | 'gitlab' | null;

/** The CI system in which the program runs. */
export function ciSystem(env: NodeJS.ProcessEnv): CiSystem {
  if (env.GITHUB_ACTIONS === 'true') return 'github';
  return env.GITLAB_CI === 'true' ? 'gitlab' : null;
}

/** Begins a foldable section of the log; null = the system has none. `seconds` since 1970, for GitLab's own timing. */
export function groupStart(system: CiSystem, title: string, seconds: number): CiCommand | null {
  if (system === 'github') return command(`::group::${escapeData(title)}`);
  if (system === null) return null;
  return command(`\u001b[0Ksection_start:${seconds}:dji_ota_progress\r\u001b[0K${title}`);
}

/** Ends the section; null = the system has none. */
export function groupEnd(system: CiSystem, seconds: number): CiCommand | null {
  if (system === 'github') return command('::endgroup::');
  return system === null ? null : command(`\u001b[0Ksection_end:${seconds}:dji_ota_progress\r\u001b[0K`);
}

/** GitHub shows only this many per step. */
export const MOST_ANNOTATIONS = 10;

const MOST_NAMED = 20;

/** Annotations for the devices that need attention: one per cause, at most `most`. */
export function causeAnnotations(devices: readonly DeviceOutcome[], most: number, simulated: boolean): CiCommand[] {
  const causes = causesOf(devices, simulated);
  const shown = causes.length > most ? causes.slice(0, Math.max(0, most - 1)) : causes;
  const commands = shown.map(({ code, counted, meaning, advice, devices: of }) => {
    const word = `${countedWord(counted)}${code === null ? '' : ` (code ${code})`}`;
    const named = of.slice(0, MOST_NAMED).map(({ sn, pid }) => sn ?? `a device on ${pid}`);
    const more = of.length > MOST_NAMED ? `, and ${of.length - MOST_NAMED} more` : '';
    const lines = [advice === null ? meaning : `${meaning}; ${advice}`, `${named.join(', ')}${more}`];
    return annotation(counted === 'unknown' ? 'warning' : 'error', `${count(of.length, 'device')} ${word}`, ...lines);
  });
  const rest = causes.slice(shown.length).reduce((sum, cause) => sum + cause.devices.length, 0);
  if (rest > 0 && most > 0) {
    const said = `${count(rest, 'device')} for ${causes.length - shown.length} other causes: the table lists them`;
    commands.push(annotation('error', 'more devices did not end well', said));
  }
  return commands;
}

/** An annotation for the error that ended the run, with its single findings, which name file, device and key. */
export function errorAnnotation({ code, message, details, hint }: Extract<RunEvent, { event: 'error' }>): CiCommand {
  const more = details.length > MOST_NAMED ? [`and ${details.length - MOST_NAMED} more`] : [];
  const lines = [message, ...details.slice(0, MOST_NAMED), ...more, ...(hint === null ? [] : [hint])];
  return annotation('error', `dji-ota: ${code.replaceAll('_', ' ')}`, ...lines);
}

/** A GitHub workflow command of this level. The message may have several lines. */
export function annotation(level: 'error' | 'warning', title: string, ...lines: string[]): CiCommand {
  const message = escapeData(lines.map((line) => safeText(line, 1000)).join('\n'));
  // The runner writes the message to the log again, where `##[` would be a command.
  return command(safeJson(`::${level} title=${escapeProperty(safeText(title))}::${message}`));
}

function command(text: string): CiCommand {
  return { ciCommand: `${text}\n` };
}

// The same escaping as in GitHub's own toolkit: packages/core/src/command.ts.
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
