/**
 * A gateway's dock and aircraft are one unit: on different releases the pair may refuse to fly (PROTOCOL "Dock and aircraft
 * belong together", codes 316034 and 319010). Pure.
 */
import { sharesReleases } from '../protocol/models.js';
import { sameVersion } from '../protocol/versions.js';
import type { Outcome } from './events.js';
import type { DeviceState } from './tracker/state.js';

const BAD: ReadonlySet<string | null> = new Set(['failed', 'rejected', 'canceled', 'timeout']);

/**
 * Whether the two ended split: one is at its target and the other one is surely not, or both reported different versions
 * although their models share releases. Where one end is not known, nothing is said.
 */
export function isSplit({ dock, aircraft }: { dock: DeviceState; aircraft: DeviceState }): boolean {
  const both = [dock, aircraft];
  if (both.some(({ phase, status }) => phase !== 'ended' || status === 'unknown')) return false;
  const atTarget = both.filter(({ status }) => status === 'ok' || status === 'skipped').length;
  if (atTarget === 1 && both.some(({ status }) => BAD.has(status))) return true;
  if (atTarget === 0 || dock.model === null || aircraft.model === null) return false;
  const [one, other] = both.map(({ versionAfter, versionBefore, versionNoted, status }) =>
    // What is skipped was told before; after an `ok` only a report since then counts.
    status === 'ok' ? versionAfter : (versionAfter ?? (versionNoted ? null : versionBefore)),
  );
  if (!one || !other || !sharesReleases(dock.model, aircraft.model)) return false;
  return !sameVersion(one, other);
}

export function splitEvent(pid: string, { dock, aircraft }: { dock: DeviceState; aircraft: DeviceState }) {
  const tell = ({ sn, status, versionAfter }: DeviceState) => ({
    sn: sn ?? '',
    status: status as Outcome,
    version_after: versionAfter,
  });
  return { event: 'pair_split' as const, pid, devices: [tell(dock), tell(aircraft)] };
}
