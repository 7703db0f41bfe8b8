/**
 * A gateway's dock and aircraft are one unit: on different releases they may refuse to fly (PROTOCOL "Dock and aircraft belong
 * together", codes 316034 and 319010). No I/O.
 */
import { sharesReleases } from '../../protocol/models.js';
import { sameVersion } from '../../protocol/versions.js';
import type { Outcome } from '../events.js';
import type { DeviceState } from '../tracker/state.js';

const BAD: ReadonlySet<string | null> = new Set(['failed', 'rejected', 'canceled', 'timeout']);

/**
 * Whether a pair ended split: one device is at its target and the other one certainly is not, or the two reported different
 * versions although their models share releases. False where the end of one is not known.
 */
export function isSplit({ dock, aircraft }: { dock: DeviceState; aircraft: DeviceState }): boolean {
  const both = [dock, aircraft];
  if (both.some(({ phase, status }) => phase !== 'ended' || status === 'unknown')) return false;
  const atTarget = both.filter(({ status }) => status === 'ok' || status === 'skipped').length;
  if (atTarget === 1 && both.some(({ status }) => BAD.has(status))) return true;
  if (atTarget === 0 || dock.model === null || aircraft.model === null) return false;
  const [one, other] = both.map(({ versionAfter, versionBefore, versionNoted, status }) =>
    // A skipped device has reported its version before; after an `ok` only a report since then counts.
    status === 'ok' ? versionAfter : (versionAfter ?? (versionNoted ? null : versionBefore)),
  );
  if (!one || !other || !sharesReleases(dock.model, aircraft.model)) return false;
  return !sameVersion(one, other);
}

/** The `pair_split` event of a gateway. */
export function splitEvent(pid: string, { dock, aircraft }: { dock: DeviceState; aircraft: DeviceState }) {
  const tell = ({ sn, status, versionAfter }: DeviceState) => ({
    sn: sn ?? '',
    status: status as Outcome,
    version_after: versionAfter,
  });
  return { event: 'pair_split' as const, pid, devices: [tell(dock), tell(aircraft)] };
}
