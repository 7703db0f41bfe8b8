/** One device as `dji-ota devices` lists it: what it said of itself, and what that means for an upgrade. */
import type { Clock } from '../clock.js';
import { modelName } from '../protocol/models.js';
import type { UpgradeType } from '../protocol/upgrade-types.js';
import { consistencyWord } from './number-names.js';
import { type Fleet, isOnline } from './properties.js';
import { type Reason, readinessOf } from './readiness.js';
import { type DeviceKind, live } from './record.js';

/** What a push with this target would find: `current` = it is there already; `unknown` = not enough was reported. */
export type Action = 'upgrade' | 'current' | 'not_ready' | 'unknown';

/** A JSON object of `dji-ota devices --output json`; keys are only ever added. Texts as they came (unsafe to show). */
export interface DeviceRow {
  sn: string;
  /** Its gateway; a gateway's own serial. */
  pid: string;
  kind: DeviceKind | null;
  /** Model key `domain-type-sub_type`. */
  model: string | null;
  model_name: string | null;
  firmware_version: string | null;
  /** Heard live; false = kept by the broker, perhaps from long ago; null without a version. */
  firmware_version_live: boolean | null;
  compatible_status: number | null;
  consistency: 'consistent' | 'upgrade needed' | null;
  firmware_upgrade_status: number | null;
  mode_code: number | null;
  emergency_stop_state: number | null;
  drone_in_dock: number | null;
  /** Of the aircraft, in percent; null where it is not known. */
  capacity_percent: number | null;
  online: boolean;
  /** ISO 8601, UTC; null = never, or only through its gateway. */
  last_heard: string | null;
  ready: boolean | null;
  reasons: Reason[];
  /** What may make an upgrade fail and does not speak against it. */
  warnings: Reason[];
  /** An aircraft in its dock, paired and off: its usual state, ready for an upgrade. */
  asleep: boolean;
  /** Version of the manifest; null where it names none. */
  target: string | null;
  action: Action | null;
}

/** What a device is to get. */
export interface Target {
  version: string;
  type: UpgradeType;
}

/** The row of the device `sn` on the gateway `pid`, known or not, with what it is to get, if anything. Pure. */
export function deviceRow(
  fleet: Fleet,
  sn: string,
  pid: string,
  wanted: Target | null,
  clock: Pick<Clock, 'now' | 'wall'>,
): DeviceRow {
  const now = clock.now();
  const target = wanted?.version ?? null;
  const record = fleet.devices.get(sn);
  const found = readinessOf(fleet, { sn, pid, product_version: target, firmware_upgrade_type: wanted?.type }, now);
  const { ready, reasons, warnings, asleep, atTarget } = found;
  const capacity = (sn === pid ? live(record?.capacity_percent) : found.battery) ?? -1;
  const compatible = record?.compatible_status?.value ?? null;
  const heardAt = record?.heardAt ?? null;
  return {
    sn,
    pid,
    kind: record?.kind ?? null,
    model: record?.model ?? null,
    model_name: record?.model ? modelName(record.model) : null,
    firmware_version: record?.firmware_version?.value ?? null,
    firmware_version_live: record?.firmware_version ? !record.firmware_version.retained : null,
    compatible_status: compatible,
    consistency: consistencyWord(compatible),
    firmware_upgrade_status: live(record?.firmware_upgrade_status),
    mode_code: live(record?.mode_code),
    emergency_stop_state: live(record?.emergency_stop_state),
    drone_in_dock: live(record?.drone_in_dock),
    capacity_percent: capacity < 0 ? null : capacity,
    online: record ? isOnline(fleet, record, now) : false,
    last_heard: heardAt === null ? null : new Date(clock.wall() - (now - heardAt)).toISOString(),
    ready,
    reasons,
    warnings,
    asleep,
    target,
    action: target === null ? null : actionOf(ready, atTarget),
  };
}

/** What tells one row of a device from an earlier one: everything but times and the charge, which change by themselves. */
export function rowKey(row: DeviceRow): string {
  const codes = (all: readonly Reason[]) => all.map((reason) => reason.code);
  const [reasons, warnings] = [codes(row.reasons), codes(row.warnings)];
  return JSON.stringify({ ...row, last_heard: null, capacity_percent: null, reasons, warnings });
}

function actionOf(ready: boolean | null, atTarget: boolean | null): Action {
  if (atTarget) return 'current';
  return ready === null ? 'unknown' : ready ? 'upgrade' : 'not_ready';
}
