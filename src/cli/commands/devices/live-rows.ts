/** The rows of `dji-ota devices --watch`, updated at a cost that depends on the changes, not on the size of the fleet. */

import { type DevicesScope, fixedOf, rowsOf } from '../../../app/devices.js';
import type { Clock } from '../../../clock.js';
import type { FleetFeed } from '../../../fleet/feed.js';
import { createGroups } from '../../../fleet/groups.js';
import { hasReported } from '../../../fleet/listen.js';
import { ONLINE_FOR } from '../../../fleet/properties.js';
import { type DeviceRow, rowKey } from '../../../fleet/rows.js';

/** Milliseconds. Longer than one round of partial messages: until then the row of a new device waits to be complete. */
const COMPLETE_AFTER = 3_000;

interface LiveRows {
  /** Marks these devices as changed. */
  changed(serials: readonly string[]): void;
  /** Rows of devices that are not ready contain ages ("last heard 2m05s ago"). Makes the next `take` rebuild them. */
  age(): void;
  /** The rows that have changed since the last call. */
  take(): DeviceRow[];
  /** Every row, in order. */
  all(): DeviceRow[];
}

/**
 * Creates the rows of a fleet.
 * @param timeout milliseconds after which a device that was not heard gets its row, too
 */
export function createLiveRows({ fleet }: FleetFeed, scope: DevicesScope, timeout: number, clock: Clock): LiveRows {
  const groups = createGroups(fleet, fixedOf(scope));
  const asked = scope.pids === 'all' ? null : new Set(scope.pids);
  const dirty = new Set<string>(asked ?? groups.gateways());
  const shown = new Map<string, DeviceRow[]>();
  const keys = new Map<string, string>();
  const firstSeen = new Map<string, number>();
  /** When a gateway counts as silent, if it sends nothing more. */
  const silentAfter = new Map<string, number>();
  const startedAt = clock.now();

  const isSettled = (sn: string, pid: string, now: number) => {
    if (now - startedAt >= timeout) return true;
    if (!fleet.devices.has(sn)) return false;
    const seen = firstSeen.get(sn) ?? now;
    firstSeen.set(sn, seen);
    return hasReported(fleet, sn, sn === pid, now) || now - seen >= COMPLETE_AFTER;
  };

  const refresh = (pid: string, now: number): DeviceRow[] => {
    silentAfter.delete(pid);
    if (asked ? !asked.has(pid) : !groups.has(pid)) {
      shown.delete(pid);
      return [];
    }
    const members = groups.membersOf(pid);
    const settled = members.filter((sn) => isSettled(sn, pid, now));
    // Check incomplete rows again.
    if (settled.length < members.length) dirty.add(pid);
    const heardAt = fleet.devices.get(pid)?.heardAt ?? null;
    if (heardAt !== null && now - heardAt <= ONLINE_FOR) silentAfter.set(pid, heardAt + ONLINE_FOR);
    const rows = rowsOf(scope, fleet, pid, settled, clock);
    shown.set(pid, rows);
    return rows;
  };

  return {
    changed(serials) {
      for (const serial of serials) for (const pid of groups.note(serial)) dirty.add(pid);
    },
    age() {
      for (const [pid, rows] of shown) if (rows.some((row) => !row.ready)) dirty.add(pid);
    },
    take() {
      const now = clock.now();
      for (const [pid, at] of silentAfter) if (now > at) dirty.add(pid);
      const due = [...dirty];
      dirty.clear();
      const fresh: DeviceRow[] = [];
      for (const row of due.flatMap((pid) => refresh(pid, now))) {
        const key = rowKey(row);
        if (keys.get(row.sn) === key) continue;
        keys.set(row.sn, key);
        fresh.push(row);
      }
      return fresh;
    },
    all: () => (scope.pids === 'all' ? groups.gateways() : scope.pids).flatMap((pid) => shown.get(pid) ?? []),
  };
}
