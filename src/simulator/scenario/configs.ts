import { dockOf, isKnownModel, modelKeys } from '../../protocol/models.js';
import { modelClaims } from '../../protocol/products.js';
import type { DockConfig } from '../dock/dock.js';
import { olderVersion } from '../dock/versions.js';
import { behaviorOf, type Scenario } from './scenario.js';

/** The properties of a manifest's device that a simulated one needs. */
export interface TargetDevice {
  sn: string;
  /** The gateway. */
  pid: string;
  /** The version to upgrade to. */
  product_version: string;
  firmware_upgrade_type: number;
  /** What shows its model, if anything does: the package's name, and an earlier report of the device. */
  file_name?: string | null;
  known?: { model: string | null } | null;
}

/** Models that belong together, with the releases that DJI lists for them (PROTOCOL "Dock and aircraft belong together"). */
const PAIRS = [
  { dock: '3-3-0', aircraft: '0-100-1', releases: ['17.07.04.01', '17.07.04.01'] },
  { dock: '3-2-0', aircraft: '0-91-1', releases: ['14.03.09.15', '14.03.09.15'] },
  { dock: '3-3-0', aircraft: '0-100-0', releases: ['17.07.04.01', '17.07.04.01'] },
  { dock: '3-1-0', aircraft: '0-67-1', releases: ['10.01.02.05', '14.03.01.10'] },
] as const;
type Pair = (typeof PAIRS)[number];

/** Serial numbers of simulated docks and aircraft: in the form of real ones, or clearly marked as simulated. */
const SERIALS = { real: ['7CTDM3D00B', '1581F6Q8D00B'], marked: ['SIMDOCK', 'SIMAIRCRAFT'] } as const;

/** `count` docks with one aircraft each, with alternating models. */
export function someDocks(count: number, serials: keyof typeof SERIALS = 'real'): DockConfig[] {
  const [dockSerial, aircraftSerial] = SERIALS[serials];
  return Array.from({ length: count }, (_, index) => {
    const pair = PAIRS[index % PAIRS.length] ?? PAIRS[0];
    const number = String(index + 1).padStart(4, '0');
    const [release, flown] = pair.releases;
    return {
      pid: `${dockSerial}${number}`,
      model: pair.dock,
      firmware_version: release,
      aircraft: [{ sn: `${aircraftSerial}${number}`, model: pair.aircraft, firmware_version: flown }],
    };
  });
}

/**
 * One dock for each gateway of a manifest, with the models whose releases match the manifest's. The device whose `sn` is the
 * gateway's is the dock, the others are its aircraft. Their versions are older than the manifest's, or equal if `scenario` has
 * `current`.
 */
export function docksForManifest(devices: readonly TargetDevice[], scenario?: Scenario): DockConfig[] {
  const gateways = new Map<string, TargetDevice[]>();
  for (const device of devices) {
    const list = gateways.get(device.pid);
    if (list) list.push(device);
    else gateways.set(device.pid, [device]);
  }
  return [...gateways].map(([pid, list], index) => {
    const behavior = scenario && behaviorOf(scenario, pid, index);
    const before = (device: TargetDevice) => {
      const { current } = behavior?.device(device.sn) ?? behavior?.dock ?? { current: false };
      return {
        firmware_version: current ? device.product_version : olderVersion(device.product_version),
        // A consistency upgrade is only requested for a device that needs one.
        compatible_status: device.firmware_upgrade_type === 2 && !current ? (1 as const) : (0 as const),
      };
    };
    const dock = list.find((device) => device.sn === pid);
    const aircraft = list.filter((device) => device.sn !== pid);
    const pair = pairFor(dock, aircraft[0], index);
    const dockModel = (dock && modelOf(dock, '3')) ?? pair.dock;
    const [release, flown] = pair.releases;
    // A dock that is not upgraded runs the old version of its aircraft, if the two share their releases.
    const beside = aircraft[0] && release === flown ? before(aircraft[0]).firmware_version : release;
    return {
      pid,
      model: dockModel,
      ...(dock ? before(dock) : { firmware_version: beside }),
      aircraft: aircraft.map((device) => ({
        sn: device.sn,
        model: modelOf(device, '0') ?? pair.aircraft,
        ...before(device),
      })),
    };
  });
}

/** Chooses the models by what is known of the devices, otherwise by the versions. */
function pairFor(dock: TargetDevice | undefined, aircraft: TargetDevice | undefined, index: number): Pair {
  const [dockModel, flownModel] = [dock && modelOf(dock, '3'), aircraft && modelOf(aircraft, '0')];
  const major = (version: string | undefined) => version?.split('.')[0];
  const byModel = PAIRS.filter(
    (pair) => pair.aircraft === flownModel || pair.dock === (flownModel ? dockOf(flownModel) : dockModel),
  );
  const byVersion = PAIRS.filter(({ releases: [release, flown] }) =>
    dock ? major(release) === major(dock.product_version) : major(flown) === major(aircraft?.product_version),
  );
  const among = [byModel, byVersion, PAIRS].find((pairs) => pairs.length > 0) ?? PAIRS;
  return among[index % among.length] ?? PAIRS[0];
}

/** The model key for that domain (3 dock, 0 aircraft) that the manifest gives for `device`; null = none. */
function modelOf({ known, file_name }: TargetDevice, domain: '0' | '3'): string | null {
  const named = known?.model ?? '';
  const keys = [
    named,
    ...modelKeys(named),
    ...modelClaims({ product: null, file_name: file_name ?? '' }).flatMap((claim) => claim.keys),
  ];
  return keys.find((key) => isKnownModel(key) && key.startsWith(`${domain}-`)) ?? null;
}
