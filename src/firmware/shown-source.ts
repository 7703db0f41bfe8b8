import type { ManifestDevice } from '../manifest/model.js';
import { safeText } from '../text.js';
import { redactUrl } from '../url.js';

/** A URL, safe to show and without secrets. */
export function showUrl(url: string): string {
  return safeText(redactUrl(url), 300);
}

/** The location of a file, safe to show and without secrets. */
export function showSource(source: { kind: 'file' | 'url'; location: string }): string {
  return source.kind === 'url' ? showUrl(source.location) : safeText(source.location, 300);
}

/** `device A`, or `devices A, B, C and 7 more`. */
export function showDevices(devices: readonly ManifestDevice[]): string {
  const names = devices.slice(0, 3).map((device) => safeText(device.sn, 64));
  const more = devices.length > 3 ? ` and ${devices.length - 3} more` : '';
  return `device${devices.length === 1 ? '' : 's'} ${names.join(', ')}${more}`;
}

/** A problem, to follow the name of its file: a predicate (`is empty`) or a sentence of its own (`the server ...`). */
export function showProblem(problem: string): string {
  return problem.startsWith('the ') ? `cannot be read: ${problem}` : problem;
}

/** Why a package is not proven, each in words that follow the name of the file; at most a few. */
export function showReasons(reasons: readonly string[]): string {
  const more = reasons.length > 3 ? `; and ${reasons.length - 3} more` : '';
  return `${reasons
    .slice(0, 3)
    .map((reason) => safeText(reason, 400))
    .join('; ')}${more}`;
}
