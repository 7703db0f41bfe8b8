import picomatch from 'picomatch';
import { type Behavior, DEFAULT_BEHAVIOR } from '../dock/behavior.js';

/** What the docks of a fleet do: `defaults` for all, and differences for some. */
export interface Scenario {
  name: string;
  /** One line. */
  description: string;
  defaults: Partial<Behavior>;
  /** Differences for single devices, by a glob for the serial number. A job then reports each device by `sn`. */
  devices: Readonly<Record<string, Partial<Behavior>>>;
  /** All entries that match a dock apply; later ones override earlier ones. */
  docks: readonly DockOverride[];
}

interface DockOverride {
  /** A glob for the gateway's serial number. */
  pid?: string | undefined;
  /** The index in the fleet, from 0. */
  index?: number | undefined;
  /** With `index`: the period, so that `index: 1, every: 3` means the second of each three docks. */
  every?: number | undefined;
  behavior: Partial<Behavior>;
  devices?: Readonly<Record<string, Partial<Behavior>>> | undefined;
}

/** The behavior of one dock, and the differences for its devices. */
export interface DockBehavior {
  dock: Behavior;
  /** The behavior of device `sn`; null = that of its dock. */
  device(sn: string): Behavior | null;
}

/** The behavior of the dock `pid` with this index in the fleet. */
export function behaviorOf(scenario: Scenario, pid: string, index: number): DockBehavior {
  let dock: Behavior = { ...DEFAULT_BEHAVIOR, ...scenario.defaults };
  const devices = Object.entries(scenario.devices);
  for (const override of scenario.docks) {
    if (!matches(override, pid, index)) continue;
    dock = { ...dock, ...override.behavior };
    devices.push(...Object.entries(override.devices ?? {}));
  }
  return {
    dock,
    device(sn) {
      const own = devices.filter(([glob]) => picomatch.isMatch(sn, glob)).map(([, behavior]) => behavior);
      return own.length > 0 ? Object.assign({ ...dock }, ...own) : null;
    },
  };
}

function matches(override: DockOverride, pid: string, index: number): boolean {
  if (override.pid !== undefined && !picomatch.isMatch(pid, override.pid)) return false;
  if (override.index === undefined) return true;
  return override.every === undefined ? index === override.index : index % override.every === override.index;
}
