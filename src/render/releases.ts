/** Shows the version of a device before and after its upgrade, as it reported them. */
import { safeText } from '../text.js';
import type { DeviceOutcome } from '../upgrade/events.js';

/** The properties of an outcome that show versions. */
export type Reported = Pick<DeviceOutcome, 'status' | 'version_before' | 'version_after' | 'heard_at'>;

// A report from shortly before the run counts as current.
const OLD_MS = 3_600_000;
const DAY = 24 * 3_600_000;
const LONGEST = 40;

/**
 * `17.05.0102 (3d old) → 17.07.0401`; `?` = not reported. `began`: start of the run in milliseconds since 1970; null = not
 * known, so no age is shown.
 */
export function releasesText(device: Reported, began: number | null, unicode = true): string {
  const { status, version_before: before, version_after: after } = device;
  if (before === null && after === null) return 'unknown';
  const from = before === null ? '?' : safeText(before, LONGEST) + ageText(device, began);
  // It was not upgraded, so its version has not changed.
  if (after === null && (status === 'skipped' || status === 'not_started')) return from;
  return `${from} ${unicode ? '→' : '->'} ${after === null ? '?' : safeText(after, LONGEST)}`;
}

/** ` (3d old)`, if the version before is only known from an earlier run. */
function ageText({ version_after, heard_at }: Reported, began: number | null): string {
  // `heard_at` is the time of the last report only.
  if (version_after !== null || heard_at === null || began === null) return '';
  const age = began - Date.parse(heard_at);
  if (!(age >= OLD_MS)) return '';
  return ` (${age >= DAY ? `${Math.floor(age / DAY)}d` : `${Math.floor(age / OLD_MS)}h`} old)`;
}
