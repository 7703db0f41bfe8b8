import type { DockConfig } from './dock.js';
import { behaviorOf, type Scenario } from './scenario.js';
import { olderVersion } from './versions.js';

/** What is needed of a device of a manifest. */
export interface TargetDevice {
  sn: string;
  /** The gateway. */
  pid: string;
  /** Version to upgrade to. */
  product_version: string;
  firmware_upgrade_type: number;
}

const PAIRS = [
  { dock: '3-2-0', aircraft: '0-91-1', dockVersion: '10.01.1606', aircraftVersion: '09.03.0003' },
  { dock: '3-3-0', aircraft: '0-100-1', dockVersion: '14.01.0212', aircraftVersion: '17.02.0401' },
] as const;

/** `count` docks with one aircraft each: Dock 2 with M3TD and Dock 3 with M4TD by turns. */
export function someDocks(count: number): DockConfig[] {
  return Array.from({ length: count }, (_, index) => {
    const pair = PAIRS[index % PAIRS.length] ?? PAIRS[0];
    const number = String(index + 1).padStart(4, '0');
    return {
      pid: `7CTDM3D00B${number}`,
      model: pair.dock,
      firmware_version: pair.dockVersion,
      aircraft: [{ sn: `1581F6Q8D00B${number}`, model: pair.aircraft, firmware_version: pair.aircraftVersion }],
    };
  });
}

/**
 * One dock for each gateway of a manifest. The device whose `sn` is the gateway's is the dock, the others are its
 * aircraft; their versions are older than the manifest's, or the same where `scenario` says `current`.
 */
export function docksForManifest(devices: readonly TargetDevice[], scenario?: Scenario): DockConfig[] {
  const gateways = new Map<string, TargetDevice[]>();
  for (const device of devices) {
    const list = gateways.get(device.pid);
    if (list) list.push(device);
    else gateways.set(device.pid, [device]);
  }
  return [...gateways].map(([pid, list], index) => {
    const pair = PAIRS[index % PAIRS.length] ?? PAIRS[0];
    const behavior = scenario && behaviorOf(scenario, pid, index);
    const before = (device: TargetDevice) => {
      const { current } = behavior?.device(device.sn) ?? behavior?.dock ?? { current: false };
      return {
        firmware_version: current ? device.product_version : olderVersion(device.product_version),
        // A consistency upgrade is only ever asked of a device that needs one.
        compatible_status: device.firmware_upgrade_type === 2 && !current ? (1 as const) : (0 as const),
      };
    };
    const dock = list.find((device) => device.sn === pid);
    const aircraft = list.filter((device) => device.sn !== pid);
    return {
      pid,
      model: pair.dock,
      ...(dock ? before(dock) : { firmware_version: pair.dockVersion }),
      aircraft: aircraft.map((device) => ({ sn: device.sn, model: pair.aircraft, ...before(device) })),
    };
  });
}
