/** Whether a device runs the version that it was to be upgraded to, by its own word. */
import { sameVersion } from '../protocol/versions.js';
import type { DeviceRecord } from './record.js';

/**
 * What the device says of its version since `since` (monotonic milliseconds; normally when its `ok` was heard): `true` the
 * target, `false` another one, `null` nothing yet. Both spellings of a version are equal; retained values do not count.
 *
 * `true` is final. `false` is not before the time limit: a dock that restarts may still send the version it had, and
 * `state` comes on change alone, so the right one may be seconds or minutes behind. So: wait for `true`, and take what this
 * says when the limit has passed.
 */
export function verifyVersion(record: DeviceRecord | undefined, target: string, since: number): boolean | null {
  const version = record?.firmware_version;
  if (!version || version.retained || version.at < since) return null;
  return sameVersion(version.value, target);
}

/**
 * Whether an upgrade can be taken as done although its end was never heard: the device reports the target version live since
 * `publishedAt` (monotonic milliseconds), and is known to have had another one `before`. Without the latter the same report
 * may as well come from a device that was at the target all along and refused.
 */
export function provesUpgrade(
  record: DeviceRecord | undefined,
  target: string,
  publishedAt: number,
  before: string | null,
): boolean {
  return before !== null && !sameVersion(before, target) && verifyVersion(record, target, publishedAt) === true;
}
