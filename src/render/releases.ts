/** The releases of a device before and after its upgrade, as it reported them itself. */
import { safeText } from '../text.js';
import type { DeviceOutcome } from '../upgrade/events.js';

export type Reported = Pick<DeviceOutcome, 'status' | 'version_before' | 'version_after' | 'heard_at'>;

// What was heard shortly before the run is as good as heard in it.
const OLD_MS = 3_600_000;
const DAY = 24 * 3_600_000;
const LONGEST = 40;

/**
 * `17.05.0102 (3d old) → 17.07.0401`; `?` is what nobody heard. `began`: when the run began, milliseconds since 1970; null
 * = not known, and no age is told.
 */
export function releasesText(device: Reported, began: number | null, unicode = true): string {
  const { status, version_before: before, version_after: after } = device;
  if (before === null && after === null) return 'unknown';
  const from = before === null ? '?' : safeText(before, LONGEST) + ageText(device, began);
  // Nothing was done to it: what it ran is what it runs.
  if (after === null && (status === 'skipped' || status === 'not_started')) return from;
  return `${from} ${unicode ? '→' : '->'} ${after === null ? '?' : safeText(after, LONGEST)}`;
}

/** ` (3d old)`, where the version before is known from an earlier time alone. */
function ageText({ version_after, heard_at }: Reported, began: number | null): string {
  // Of both, only when the last one was heard is known.
  if (version_after !== null || heard_at === null || began === null) return '';
  const age = began - Date.parse(heard_at);
  if (!(age >= OLD_MS)) return '';
  return ` (${age >= DAY ? `${Math.floor(age / DAY)}d` : `${Math.floor(age / OLD_MS)}h`} old)`;
}
