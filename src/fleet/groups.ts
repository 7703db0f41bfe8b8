/** Groups devices: a gateway and the aircraft on it. Updated device by device, never by a full pass. */
import { byText } from '../text.js';
import type { Fleet } from './properties.js';

interface Groups {
  /** Updates the group of `serial` after a change. Returns the gateways whose groups are affected. */
  note(serial: string): string[];
  /** Whether anything is known of the gateway `pid` or of an aircraft on it. */
  has(pid: string): boolean;
  /** The gateway itself first, then its aircraft by serial number; only the gateway if nothing is known of it. */
  membersOf(pid: string): string[];
  /** Every known gateway, by serial number. */
  gateways(): readonly string[];
}

/**
 * Creates the groups of a fleet.
 * @param fixed devices that belong to a gateway because a manifest says so; they do not move
 */
export function createGroups(fleet: Fleet, fixed: ReadonlyMap<string, string> = new Map()): Groups {
  const groups = new Map<string, Set<string>>();
  const placed = new Map<string, string>();
  // Cached, because it is read for each frame but rarely changes.
  let sorted: string[] | null = null;
  const place = (serial: string, pid: string) => {
    const before = placed.get(serial);
    if (before === pid) return [pid];
    if (before !== undefined) {
      const group = groups.get(before);
      group?.delete(serial);
      if (group?.size === 0) {
        groups.delete(before);
        sorted = null;
      }
    }
    placed.set(serial, pid);
    const group = groups.get(pid);
    if (group) {
      group.add(serial);
    } else {
      groups.set(pid, new Set([serial]));
      sorted = null;
    }
    return before === undefined ? [pid] : [before, pid];
  };
  const note = (serial: string) => {
    const pid = fixed.get(serial) ?? fleet.devices.get(serial)?.gateway?.value ?? serial;
    return place(serial, pid);
  };
  for (const serial of fixed.keys()) note(serial);
  for (const serial of fleet.devices.keys()) note(serial);
  return {
    note,
    has: (pid) => groups.has(pid),
    membersOf(pid) {
      const members = [...(groups.get(pid) ?? [])].filter((serial) => serial !== pid).sort(byText);
      return [pid, ...members];
    },
    gateways() {
      sorted ??= [...groups.keys()].sort(byText);
      return sorted;
    },
  };
}
