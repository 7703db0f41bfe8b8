/**
 * Judges a device before its upgrade, by live reports, the inventory and the manifest: whether it has nothing to do, would be
 * downgraded, or would get the package of another model (CONTRACT "Looking, waiting, refusing").
 */
import type { Clock } from '../../clock.js';
import type { FleetFeed } from '../../fleet/feed.js';
import type { Inventory } from '../../fleet/inventory.js';
import {
  DECIDES_FOR,
  INFORMS_FOR,
  type KnownVersion,
  type NotedState,
  notedState,
  notedVersion,
} from '../../fleet/noted.js';
import { type Readiness, readinessOf } from '../../fleet/readiness.js';
import { live } from '../../fleet/record.js';
import { type KnownProducts, modelClaims, modelMismatch } from '../../protocol/products.js';
import { isNewer } from '../../protocol/versions.js';
import { safeText, showDuration } from '../../text.js';
import type { Plan, PlannedDevice } from '../plan/plan.js';

/** The options and sources for judging a device. */
export interface JudgeOptions {
  skipCurrent: boolean;
  /** Risks that `--allow` accepts. */
  allow: ReadonlySet<string>;
  /** Versions that were reported in earlier runs. */
  inventory: Inventory;
  /** Versions that `init` wrote to the manifest, by serial number. */
  known: ReadonlyMap<string, { version: string | null; heard_at: number | null }>;
  /** The product codes of the packages by serial number, and which models use a code. */
  productOf?: (sn: string) => string | null;
  products?: KnownProducts;
  clock: Clock;
}

/** The judgement of one device of the plan. */
export interface Judged {
  index: number;
  device: PlannedDevice;
  readiness: Readiness;
  /** Reported live, or recorded within the last 30 days; null = not known. */
  version: KnownVersion | null;
  /** Why the device has nothing to do; null = it has something to do, or that is not known. */
  current: string | null;
}

/** Judges the device at `index` of the plan. */
export function judge(
  { devices }: Pick<Plan, 'devices'>,
  index: number,
  feed: FleetFeed,
  options: JudgeOptions,
): Judged {
  const device = devices[index] as PlannedDevice;
  const { clock, inventory, known } = options;
  const readiness = readinessOf(feed.fleet, device, clock.now());
  const told = live(feed.fleet.devices.get(device.sn)?.firmware_version);
  const noted = notedVersion(inventory, device.sn, known.get(device.sn) ?? null, clock.wall(), INFORMS_FOR);
  const version: KnownVersion | null =
    told === null ? noted : { version: told, heard_at: clock.wall(), source: 'live' };
  return {
    index,
    device,
    readiness,
    version,
    current: options.skipCurrent ? currentOf(device, readiness, options) : null,
  };
}

/** Why `--skip-current` skips a device, by a live report or one of the last 24 hours; null = it does not. */
function currentOf(device: PlannedDevice, { atTarget, current }: Readiness, options: JudgeOptions): string | null {
  const { firmware_upgrade_type: type, product_version: target } = device;
  const what = type === 2 ? 'it needs no consistency upgrade' : `already at version ${safeText(target, 60)}`;
  if (atTarget !== null)
    return atTarget ? (type === 3 ? `already at version ${safeText(current ?? '', 60)}` : what) : null;
  const noted = notedOf(device, options);
  if (!noted?.atTarget) return null;
  return `${what}, as reported ${showDuration(options.clock.wall() - noted.heard_at)} ago (${noted.source})`;
}

function notedOf(device: PlannedDevice, { inventory, known, clock }: JudgeOptions): NotedState | null {
  return notedState(inventory, device, known.get(device.sn) ?? null, clock.wall(), DECIDES_FOR);
}

/** Whether the device certainly has something to do. */
export function isKnown({ device, readiness }: Judged, options: JudgeOptions): boolean {
  return readiness.atTarget !== null || notedOf(device, options) !== null;
}

/** For a device that is skipped by its version: a note if it last reported that it needs a consistency upgrade. */
export function consistencyNoted({ device, readiness }: Judged, { inventory, clock }: JudgeOptions): string | null {
  const entry = inventory.devices.get(device.sn);
  const live = readiness.warnings.some(({ code }) => code === 'consistency_needed');
  if (live || device.firmware_upgrade_type !== 3 || entry?.compatible_status !== 1) return null;
  const age = clock.wall() - (entry.compatible_at ?? Number.NEGATIVE_INFINITY);
  if (age < 0 || age > INFORMS_FOR) return null;
  return `${nameOf(device)} needed a consistency upgrade ${showDuration(age)} ago, by the inventory: give it the type consistency (2)`;
}

/** Why the upgrade would be a downgrade; null = it would not, or that is not known. Not judged for types 2 and 4. */
export function downgradeOf({ device, version }: Judged, clock: Clock): string | null {
  if (version === null || device.firmware_upgrade_type !== 3) return null;
  if (isNewer(version.version, device.product_version) !== true) return null;
  const when =
    version.source === 'live' ? '' : `, by the ${version.source} ${showDuration(clock.wall() - version.heard_at)} ago`;
  return `${nameOf(device)} runs ${safeText(version.version, 60)}${when}, which is newer than ${safeText(device.product_version, 60)}`;
}

/** Why the package does not fit the model that the device reports; null = it fits, or that is not known. */
export function mismatchOf(
  { device }: Judged,
  feed: FleetFeed,
  { productOf, products, inventory }: JudgeOptions,
): string | null {
  const model = feed.fleet.devices.get(device.sn)?.model ?? inventory.devices.get(device.sn)?.model ?? null;
  if (model === null || device.file === null || device.firmware_upgrade_type === 4) return null;
  const { file_name } = device.file;
  const why = modelMismatch(modelClaims({ product: productOf?.(device.sn) ?? null, file_name }, products), model);
  return why === null
    ? null
    : `${safeText(file_name, 120)} for ${nameOf(device)} ${why}, and the device is a ${safeText(model, 40)}`;
}

/** A device in messages: `SN on gateway PID`, safe to show. */
export function nameOf({ sn, pid }: PlannedDevice): string {
  return `${safeText(sn, 64)} on gateway ${safeText(pid, 64)}`;
}
