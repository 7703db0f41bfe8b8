/** What is known of each device, and whether it matches a manifest. No I/O. */

import type { Inventory, InventoryEntry } from '../../fleet/inventory.js';
import { notedState, notedVersion } from '../../fleet/noted.js';
import { consistencyWord } from '../../fleet/number-names.js';
import type { DeviceKind } from '../../fleet/record.js';
import type { Labels, ManifestDevice } from '../../manifest/model.js';
import { type Selection, selectDevices } from '../../manifest/select.js';
import { modelName } from '../../protocol/models.js';
import type { UpgradeType } from '../../protocol/upgrade-types.js';
import { byText } from '../../text.js';

/** `unknown`: no report that decides, or only an old one. `not_checked`: a PSDK upgrade, which concerns a payload. */
export const DRIFT_STATES = ['drift', 'current', 'unknown', 'not_checked'] as const;
/** Whether a device is at the version of the manifest. */
export type DriftState = (typeof DRIFT_STATES)[number];

/** A JSON object of `dji-ota inventory --output json`. Keys are only added. Texts are as received (unsafe to show). */
export interface InventoryRow {
  sn: string;
  /** The gateway that it last reported, or that of the manifest; a gateway's own serial number; null = not known. */
  pid: string | null;
  kind: DeviceKind | null;
  /** Model key `domain-type-sub_type`, or the name in the manifest. */
  model: string | null;
  model_name: string | null;
  firmware_version: string | null;
  /** ISO 8601, UTC, like all times here. */
  version_heard_at: string | null;
  /** The command that received it, or `manifest` if the manifest's `known` is newer. */
  version_heard_by: string | null;
  compatible_status: number | null;
  consistency: 'consistent' | 'upgrade needed' | null;
  compatible_heard_at: string | null;
  psdk_version: string | null;
  psdk_heard_at: string | null;
  /** When the device was last heard, or its gateway last reported it. */
  heard_at: string | null;
  heard_by: string | null;
  /** The version in the manifest. */
  target: string | null;
  firmware_upgrade_type: UpgradeType | null;
  /** Null without a manifest. */
  state: DriftState | null;
  labels: Labels;
}

/** Which devices are listed. */
export interface InventoryFilter extends Selection {
  /** Gateways; empty = all. */
  pids: readonly string[];
  /** Reports older than this many milliseconds do not decide. */
  maxAge?: number | undefined;
}

/** Shown instead of the gateway for an entry that names none. */
export const NO_GATEWAY = 'unknown';

const NO_LABELS: Labels = Object.freeze({});

interface Listed {
  sn: string;
  pid: string;
  labels: Labels;
  entry: InventoryEntry | undefined;
  wanted: ManifestDevice | null;
}

/**
 * The devices of `wanted` (null = the whole inventory) that `filter` selects, by gateway, each dock before its aircraft. A
 * named gateway has a row even if nothing is known of it. `now`: milliseconds since 1970.
 * @throws OtaError `usage` as {@link selectDevices}
 */
export function inventoryRows(
  inventory: Inventory,
  wanted: readonly ManifestDevice[] | null,
  filter: InventoryFilter,
  now: number,
): InventoryRow[] {
  const { pids } = filter;
  const known = ({ sn, pid }: InventoryEntry) => ({ sn, pid: pid ?? '', labels: NO_LABELS, wanted: null });
  const nothing = pids.filter((pid) => !inventory.devices.has(pid));
  const all: Listed[] = wanted
    ? wanted.map((device) => {
        const entry = inventory.devices.get(device.sn);
        const pid = device.pid === NO_GATEWAY ? (entry?.pid ?? '') : device.pid;
        return { sn: device.sn, pid, labels: device.labels, entry, wanted: device };
      })
    : [
        ...[...inventory.devices.values()].map((entry) => ({ ...known(entry), entry })),
        ...nothing.map((pid) => ({ sn: pid, pid, labels: NO_LABELS, entry: undefined, wanted: null })),
      ];
  const listed = pids.length === 0 ? all : all.filter(({ pid }) => pids.includes(pid));
  const chosen = selectDevices(listed, filter, wanted ? 'the manifest' : 'the inventory');
  const group = ({ sn, pid }: Listed) => pid || sn;
  chosen.sort(
    (a, b) => byText(group(a), group(b)) || Number(b.sn === group(b)) - Number(a.sn === group(a)) || byText(a.sn, b.sn),
  );
  return chosen.map((device) => rowOf(device, inventory, filter.maxAge ?? Number.POSITIVE_INFINITY, now));
}

function rowOf({ sn, pid, labels, entry, wanted }: Listed, inventory: Inventory, maxAge: number, now: number) {
  const noted = notedVersion(inventory, sn, wanted?.known ?? null, now, Number.POSITIVE_INFINITY);
  const byManifest = noted?.source === 'manifest' ? noted : null;
  const model = entry?.model ?? wanted?.known?.model ?? null;
  const row: InventoryRow = {
    sn,
    pid: pid || null,
    kind: entry?.kind ?? null,
    model,
    model_name: model === null ? null : modelName(model),
    firmware_version: byManifest?.version ?? entry?.firmware_version ?? null,
    version_heard_at: iso(byManifest?.heard_at ?? entry?.version_at),
    version_heard_by: byManifest ? 'manifest' : (entry?.version_by ?? null),
    compatible_status: entry?.compatible_status ?? null,
    consistency: consistencyWord(entry?.compatible_status ?? null),
    compatible_heard_at: iso(entry?.compatible_at),
    psdk_version: entry?.psdk_version ?? null,
    psdk_heard_at: iso(entry?.psdk_at),
    heard_at: iso(entry?.heard_at),
    heard_by: entry?.heard_by ?? null,
    target: wanted?.product_version ?? null,
    firmware_upgrade_type: wanted?.firmware_upgrade_type ?? null,
    state: null,
    labels,
  };
  if (!wanted) return row;
  const { firmware_upgrade_type: type, known } = wanted;
  const told = type === 4 ? null : notedState(inventory, wanted, known, now, maxAge);
  row.state = type === 4 ? 'not_checked' : told === null ? 'unknown' : told.atTarget ? 'current' : 'drift';
  return row;
}

/** Null for a time that a Date cannot represent. */
function iso(at: number | null | undefined): string | null {
  return at == null || Math.abs(at) > 8.64e15 ? null : new Date(at).toISOString();
}

/** The number of devices in each state. */
export type DriftTotals = Record<DriftState, number>;

/** Counts the states of `rows`. */
export function driftTotals(rows: readonly InventoryRow[]): DriftTotals {
  const totals: DriftTotals = { drift: 0, current: 0, unknown: 0, not_checked: 0 };
  for (const { state } of rows) if (state) totals[state]++;
  return totals;
}

/** CONTRACT: 0 = no drift, 1 = drift, 5 = no drift, but the state of some or all devices is unknown. */
export function driftExitCode({ drift, current, unknown }: DriftTotals): 0 | 1 | 5 {
  return drift > 0 ? 1 : unknown > 0 || current === 0 ? 5 : 0;
}
