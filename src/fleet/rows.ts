/** One device in the list of `dji-ota devices`: what it reported, and what that means for an upgrade. */
import type { Clock } from '../clock.js';
import { modelName } from '../protocol/models.js';
import type { UpgradeType } from '../protocol/upgrade-types.js';
import { isNewer } from '../protocol/versions.js';
import { allowHint } from '../risks.js';
import { safeText } from '../text.js';
import type { Inventory } from './inventory.js';
import { DECIDES_FOR, INFORMS_FOR, type KnownVersion, type NotedVersion, notedState, notedVersion } from './noted.js';
import { consistencyWord } from './number-names.js';
import { pairOf } from './pair.js';
import { type Fleet, isOnline } from './properties.js';
import { type Battery, type Presence, readinessOf } from './readiness.js';
import type { Reason } from './reasons.js';
import { type DeviceKind, type DeviceRecord, live } from './record.js';

/** What a manifest says about a device: a device of a manifest has these keys. */
export interface Target {
  sn: string;
  pid: string;
  product_version: string;
  firmware_upgrade_type: UpgradeType;
  labels: Readonly<Record<string, string>>;
  known: NotedVersion | null;
}

/**
 * What a push with this target would find. `current`: the device is already there, by a report of now or of the last day;
 * `unknown`: not enough was reported.
 */
type Action = 'upgrade' | 'current' | 'not_ready' | 'unknown';

/** A JSON object of `dji-ota devices --output json`. Keys are only added. Texts are as received (unsafe to show). */
export interface DeviceRow {
  sn: string;
  /** Its gateway; for a gateway, its own serial number. */
  pid: string;
  kind: DeviceKind | null;
  /** Model key `domain-type-sub_type`. */
  model: string | null;
  model_name: string | null;
  firmware_version: string | null;
  /** True = received live; false = stored by the broker, perhaps long ago; null = no version. */
  firmware_version_live: boolean | null;
  /** The last known version. If it was not heard now, it comes from the inventory or the manifest's `known`. */
  known_version: { version: string; heard_at: string; source: KnownVersion['source'] } | null;
  compatible_status: number | null;
  consistency: 'consistent' | 'upgrade needed' | null;
  /** The same for `compatible_status`; only if it was not heard now. */
  known_consistency: { compatible_status: number; heard_at: string } | null;
  firmware_upgrade_status: number | null;
  mode_code: number | null;
  emergency_stop_state: number | null;
  drone_in_dock: number | null;
  /** The charge of the aircraft in percent; null = not known. */
  capacity_percent: number | null;
  /** The property that has it. The lowest charge decides. */
  capacity_source: Battery['source'] | null;
  online: boolean;
  /** ISO 8601, UTC; null = never, or only through its gateway. */
  last_heard: string | null;
  ready: boolean | null;
  reasons: Reason[];
  /** What may make an upgrade fail, without making the device not ready. */
  warnings: Reason[];
  /** The aircraft is in its dock, paired and off: its usual state, and ready for an upgrade. */
  asleep: boolean;
  /** Where the aircraft is, if its dock has reported that. */
  presence: Presence | null;
  /** The version in the manifest; null = none. */
  target: string | null;
  /** From the manifest: 2 = consistency, 3 = normal, 4 = PSDK. */
  firmware_upgrade_type: UpgradeType | null;
  action: Action | null;
  labels: Readonly<Record<string, string>>;
}

const NO_LABELS = Object.freeze({});

/** The row of the device `sn` on the gateway `pid`, known or not, with its target if there is one. No I/O. */
export function deviceRow(
  fleet: Fleet,
  sn: string,
  pid: string,
  target: Target | null,
  inventory: Inventory,
  clock: Pick<Clock, 'now' | 'wall'>,
): DeviceRow {
  const now = clock.now();
  const wall = clock.wall();
  const iso = (at: number) => new Date(at).toISOString();
  const record = fleet.devices.get(sn);
  const { product_version = null, firmware_upgrade_type } = target ?? {};
  const found = readinessOf(fleet, { sn, pid, product_version, firmware_upgrade_type }, now);
  const { ready, reasons, warnings, asleep, presence } = found;
  const battery: Battery | null = sn === pid ? chargeOf(record) : found.battery;
  const compatible = record?.compatible_status?.value ?? null;
  const heardAt = record?.heardAt ?? null;
  // The model of a serial number never changes.
  const model = record?.model ?? inventory.devices.get(sn)?.model ?? null;
  const told = record?.firmware_version;
  const noted = notedVersion(inventory, sn, target?.known ?? null, wall, Number.POSITIVE_INFINITY);
  const version: KnownVersion | null =
    told && !told.retained ? { version: told.value, heard_at: wall - (now - told.at), source: 'live' } : noted;
  const downgrade = target && downgradeOf(version, target, wall);
  const { compatible_status, compatible_at } = inventory.devices.get(sn) ?? {};
  const isOld = live(record?.compatible_status) === null && compatible_status != null && compatible_at != null;
  const atTarget =
    found.atTarget ?? (target && notedState(inventory, target, target.known, wall, DECIDES_FOR)?.atTarget) ?? null;
  return {
    sn,
    pid,
    kind: record?.kind ?? null,
    model,
    model_name: model === null ? null : modelName(model),
    firmware_version: told?.value ?? null,
    firmware_version_live: told ? !told.retained : null,
    known_version: version && { version: version.version, heard_at: iso(version.heard_at), source: version.source },
    compatible_status: compatible,
    consistency: consistencyWord(compatible),
    known_consistency: isOld && compatible_at <= wall ? { compatible_status, heard_at: iso(compatible_at) } : null,
    firmware_upgrade_status: live(record?.firmware_upgrade_status),
    mode_code: live(record?.mode_code),
    emergency_stop_state: live(record?.emergency_stop_state),
    drone_in_dock: live(record?.drone_in_dock),
    capacity_percent: battery?.percent ?? null,
    capacity_source: battery?.source ?? null,
    online: record ? isOnline(fleet, record, now) : false,
    last_heard: heardAt === null ? null : iso(wall - (now - heardAt)),
    ready,
    reasons,
    warnings: downgrade === null ? warnings : [...warnings, downgrade],
    asleep,
    presence,
    target: product_version,
    firmware_upgrade_type: firmware_upgrade_type ?? null,
    action: target === null ? null : actionOf(ready, atTarget),
    labels: target?.labels ?? NO_LABELS,
  };
}

/** Whether a push would refuse it as a downgrade, by a version that was heard within the last 30 days. */
function downgradeOf(
  version: KnownVersion | null,
  { product_version, firmware_upgrade_type }: Target,
  wall: number,
): Reason | null {
  if (version === null || firmware_upgrade_type !== 3 || wall - version.heard_at > INFORMS_FOR) return null;
  if (isNewer(version.version, product_version) !== true) return null;
  const message = `${safeText(version.version, 60)} is newer than ${safeText(product_version, 60)}: push refuses the downgrade`;
  return { code: 'downgrade', message: `${message} ${allowHint('downgrade')}` };
}

/**
 * The rows of one gateway, with the effect of dock and aircraft on each other: if one of the two is not ready, a push leaves
 * out the other one, too. No I/O.
 */
export function withPartners(rows: readonly DeviceRow[]): DeviceRow[] {
  const pair = rows.filter(({ action }) => action !== null);
  if (!pairOf(pair)) return [...rows];
  return rows.map((row) => {
    const other = pair.find(({ sn }) => sn !== row.sn);
    if (row.ready !== true || row.action === 'current' || row.action === null || !other) return row;
    if (other.ready === true || other.action === 'current') return row;
    const kind = other.sn === other.pid ? 'dock' : 'aircraft';
    const why = other.ready === null ? 'may not be ready' : 'is not ready';
    const message = `${kind} ${safeText(other.sn, 64)} ${why}, and dock and aircraft are upgraded together`;
    const warnings = [...row.warnings, { code: 'pair_not_ready' as const, message }];
    return { ...row, action: other.ready === null ? 'unknown' : 'not_ready', warnings };
  });
}

/** The battery of the aircraft on the charging contacts, as the dock reports it. */
function chargeOf(dock: DeviceRecord | undefined): Battery | null {
  const percent = live(dock?.capacity_percent) ?? -1;
  return percent < 0 ? null : { percent, source: 'drone_charge_state' };
}

/** Identifies the content of a row, without times and the charge, which change by themselves. */
export function rowKey(row: DeviceRow): string {
  const codes = (all: readonly Reason[]) => all.map((reason) => reason.code);
  const [reasons, warnings] = [codes(row.reasons), codes(row.warnings)];
  const known_version = row.known_version?.version ?? null;
  const aside = { last_heard: null, capacity_percent: null, capacity_source: null, known_version };
  return JSON.stringify({ ...row, ...aside, reasons, warnings });
}

function actionOf(ready: boolean | null, atTarget: boolean | null): Action {
  if (atTarget) return 'current';
  if (ready === false) return 'not_ready';
  // A device that was not heard may be at its target already.
  return ready === null || atTarget === null ? 'unknown' : 'upgrade';
}
