import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  driftExitCode,
  driftTotals,
  type InventoryFilter,
  inventoryRows,
  NO_GATEWAY,
} from '../../../src/app/inventory/inventory-rows.js';
import type { InventoryEntry } from '../../../src/fleet/inventory.js';
import type { ManifestDevice } from '../../../src/manifest/model.js';
import { inventoryOf } from '../../helpers/inventory.js';

const NOW = Date.UTC(2026, 10, 27);
const DAY = 86_400_000;

const wanted = (sn: string, more: Partial<ManifestDevice> = {}) =>
  ({
    ...{ sn, pid: 'D1', product_version: '17.07.04.01', firmware_upgrade_type: 3, labels: {}, known: null },
    ...more,
  }) as ManifestDevice;

const version = (firmware_version: string, version_at = NOW - DAY): Partial<InventoryEntry> => ({
  ...{ sn: 'A', pid: 'D1', firmware_version, version_at, version_by: 'push', heard_at: NOW - DAY, heard_by: 'push' },
});

const rowsOf = (
  entries: Partial<InventoryEntry>[],
  devices: ManifestDevice[] | null,
  filter: Partial<InventoryFilter> = {},
) => inventoryRows(inventoryOf(...entries), devices, { pids: [], ...filter }, NOW);

const stateOf = (entry: Partial<InventoryEntry> | null, more: Partial<ManifestDevice> = {}, filter = {}) =>
  rowsOf(entry ? [entry] : [], [wanted('A', more)], filter)[0]?.state;

describe('drift', () => {
  it.each([
    ['the version, in either spelling', version('17.07.0401'), {}, 'current'],
    ['another version', version('17.06.0100'), {}, 'drift'],
    ['what is no version', version('banana'), {}, 'drift'],
    ['an old report of it', version('17.07.0401', NOW - 900 * DAY), {}, 'current'],
    ['a report from the future', version('17.07.0401', NOW + 1), {}, 'unknown'],
    ['heard, but no version', { sn: 'A', heard_at: NOW }, {}, 'unknown'],
    ['never heard', null, {}, 'unknown'],
    [
      'a version without the consistency that is asked for',
      version('17.07.0401'),
      { firmware_upgrade_type: 2 as const },
      'unknown',
    ],
    [
      'that it needs a consistency upgrade, at the version',
      { ...version('17.07.0401'), compatible_status: 1, compatible_at: NOW },
      { firmware_upgrade_type: 2 as const },
      'drift',
    ],
    [
      'that it needs none, at another version',
      { ...version('1.0'), compatible_status: 0, compatible_at: NOW },
      { firmware_upgrade_type: 2 as const },
      'current',
    ],
    [
      'a consistency that was told in the future',
      { sn: 'A', compatible_status: 0, compatible_at: NOW + 1 },
      { firmware_upgrade_type: 2 as const },
      'unknown',
    ],
    [
      'a payload',
      { ...version('17.07.0401'), psdk_version: '17.07.0401', psdk_at: NOW },
      { firmware_upgrade_type: 4 as const },
      'not_checked',
    ],
    [
      'an older version than the manifest knows',
      version('17.06.0100'),
      { known: { version: '17.07.0401', model: null, heard_at: NOW - 1 } },
      'current',
    ],
  ] as const)('%s', (_, entry, more, state) => {
    expect(stateOf(entry, more)).toBe(state);
  });

  it('is not judged by what was heard longer ago than is asked for', () => {
    const consistent = { sn: 'A', compatible_status: 0, compatible_at: NOW - DAY };
    expect(stateOf(version('17.07.0401'), {}, { maxAge: DAY })).toBe('current');
    expect(stateOf(version('17.07.0401'), {}, { maxAge: DAY - 1 })).toBe('unknown');
    expect(stateOf(consistent, { firmware_upgrade_type: 2 }, { maxAge: DAY })).toBe('current');
    expect(stateOf(consistent, { firmware_upgrade_type: 2 }, { maxAge: DAY - 1 })).toBe('unknown');
  });

  it.each([
    [{ drift: 1, current: 5, unknown: 2, not_checked: 0 }, 1],
    [{ drift: 0, current: 5, unknown: 1, not_checked: 0 }, 5],
    [{ drift: 0, current: 5, unknown: 0, not_checked: 3 }, 0],
    [{ drift: 0, current: 0, unknown: 0, not_checked: 3 }, 5],
  ])('%j ends with %i', (totals, code) => {
    expect(driftExitCode(totals)).toBe(code);
  });

  it('is never none where what decides is not known', () => {
    const at = fc.option(fc.integer({ min: NOW - 3 * DAY, max: NOW + DAY }));
    const device = fc.record({
      type: fc.constantFrom(2 as const, 3 as const, 4 as const),
      firmware_version: fc.option(fc.constantFrom('17.07.0401', '17.07.04.01', '1.0')),
      version_at: at,
      compatible_status: fc.option(fc.constantFrom(0, 1)),
      compatible_at: at,
      maxAge: fc.option(fc.integer({ min: 1, max: 2 * DAY }), { nil: undefined }),
    });
    fc.assert(
      fc.property(device, ({ type, maxAge, ...entry }) => {
        const rows = rowsOf([{ sn: 'A', ...entry }], [wanted('A', { firmware_upgrade_type: type })], { maxAge });
        const told = type === 2 ? entry.compatible_at : entry.version_at;
        const value = type === 2 ? entry.compatible_status : entry.firmware_version;
        const fresh = told !== null && told <= NOW && NOW - told <= (maxAge ?? Number.POSITIVE_INFINITY);
        const known = value !== null && fresh && type !== 4;
        expect(['current', 'drift'].includes(rows[0]?.state ?? '')).toBe(known);
        expect(driftExitCode(driftTotals(rows)) === 0).toBe(rows[0]?.state === 'current');
      }),
    );
  });
});

describe('rows', () => {
  const fleet = ['A2', 'D2', 'A1', 'D1'].map((sn) => ({ sn, pid: `D${sn.slice(1)}`, heard_at: NOW }));
  const sns = (rows: { sn: string }[]) => rows.map(({ sn }) => sn);

  it('stand by gateway, a dock before its aircraft, with and without a manifest', () => {
    expect(sns(rowsOf(fleet, null))).toEqual(['D1', 'A1', 'D2', 'A2']);
    const devices = ['A2', 'D2', 'A1', 'D1', 'NEW'].map((sn) => wanted(sn, { pid: sn === 'NEW' ? 'D1' : `D${sn[1]}` }));
    expect(sns(rowsOf(fleet, devices))).toEqual(['D1', 'A1', 'NEW', 'D2', 'A2']);
    expect(sns(rowsOf([...fleet, { sn: 'B', pid: null, heard_at: NOW }], null))).toEqual(['B', 'D1', 'A1', 'D2', 'A2']);
  });

  it('are those of the gateways that are asked for, which have theirs though nothing is known of them', () => {
    expect(rowsOf(fleet, null, { pids: ['D2', 'D9'] })).toMatchObject([
      { sn: 'D2', heard_at: new Date(NOW).toISOString() },
      { sn: 'A2' },
      { sn: 'D9', pid: 'D9', firmware_version: null, heard_at: null, state: null },
    ]);
  });

  it('are on the gateway where the device was last heard, if the manifest names none', () => {
    const devices = ['A1', 'NEW'].map((sn) => wanted(sn, { pid: NO_GATEWAY }));
    expect(rowsOf(fleet, devices)).toMatchObject([
      { sn: 'A1', pid: 'D1' },
      { sn: 'NEW', pid: null, state: 'unknown' },
    ]);
  });

  it('are selected by pattern and label, and a mistyped pattern is an error', () => {
    const devices = ['D1', 'D2'].map((sn) =>
      wanted(sn, { pid: sn, labels: { site: sn === 'D1' ? 'north' : 'south' } }),
    );
    expect(sns(rowsOf(fleet, devices, { select: ['site=n*'] }))).toEqual(['D1']);
    expect(sns(rowsOf(fleet, null, { only: ['D*'], exclude: ['*2'] }))).toEqual(['D1', 'A1']);
    expect(() => rowsOf(fleet, null, { only: ['X'] })).toThrow('--only "X" matches no device of the inventory');
    expect(() => rowsOf(fleet, devices, { only: ['X'] })).toThrow('--only "X" matches no device of the manifest');
  });

  it('have no date where no date is that far away', () => {
    expect(rowsOf([{ sn: 'A', heard_at: 9e15 }], null)[0]?.heard_at).toBeNull();
  });
});
