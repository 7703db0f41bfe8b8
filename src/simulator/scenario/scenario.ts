import picomatch from 'picomatch';
import { type Behavior, DEFAULT_BEHAVIOR } from '../dock/behavior.js';

/** What the docks of a fleet do: `defaults` for all, and what is different for some. */
export interface Scenario {
  name: string;
  /** One line. */
  description: string;
  defaults: Partial<Behavior>;
  /** What is different for single devices: glob over the serial number, and what. A job then speaks of each by `sn`. */
  devices: Readonly<Record<string, Partial<Behavior>>>;
  /** Every entry that matches a dock counts, later ones over earlier ones. */
  docks: readonly DockOverride[];
}

interface DockOverride {
  /** Glob over the gateway's serial number. */
  pid?: string | undefined;
  /** Place in the fleet, from 0. */
  index?: number | undefined;
  /** With `index`: every so many docks, so that `index: 1, every: 3` means the second of each three. */
  every?: number | undefined;
  behavior: Partial<Behavior>;
  devices?: Readonly<Record<string, Partial<Behavior>>> | undefined;
}

/** What one dock does, and what is different for its devices. */
export interface DockBehavior {
  dock: Behavior;
  /** The behavior of device `sn`, or null where it does as its dock. */
  device(sn: string): Behavior | null;
}

/** What `scenario` has for the dock `pid`, the `index`th of its fleet. */
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
