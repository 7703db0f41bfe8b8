/** Which devices belong together: a gateway and the aircraft on it. Kept up to date device by device, never by a full pass. */
import { byText } from '../text.js';
import type { Fleet } from './properties.js';

interface Groups {
  /** Looks at `serial` again, after it changed; returns the gateways whose group it touches. */
  note(serial: string): string[];
  /** Whether anything is known of the gateway `pid` or of an aircraft on it. */
  has(pid: string): boolean;
  /** The gateway itself first, then its aircraft by serial; the gateway alone where nothing is known of it. */
  membersOf(pid: string): string[];
  /** Every gateway known, by serial. */
  gateways(): readonly string[];
}

/** @param fixed devices that belong to a gateway because a manifest says so; they stay there. */
export function createGroups(fleet: Fleet, fixed: ReadonlyMap<string, string> = new Map()): Groups {
  const groups = new Map<string, Set<string>>();
  const placed = new Map<string, string>();
  // Asked for at each draw, and seldom changed.
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
