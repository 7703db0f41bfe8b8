import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inventoryText, parseInventory } from '../../../src/app/inventory/inventory-file.js';
import { boundInventory, createInventory, KEPT_FOR, noteEntry, takeFleet } from '../../../src/fleet/inventory.js';
import { DECIDES_FOR, notedVersion } from '../../../src/fleet/noted.js';
import { applyFleetMessage, createFleet } from '../../../src/fleet/properties.js';
import { topicOf } from '../../../src/protocol/topics.js';
import { inventoryOf, LATER, whole } from '../../helpers/inventory.js';

const START = Date.UTC(2026, 10, 27);
const at = (now: number) => ({ now: () => now, wall: () => START + now });

function tell(
  fleet: ReturnType<typeof createFleet>,
  kind: 'osd' | 'state',
  sn: string,
  data: object,
  now = 0,
  kept = false,
) {
  applyFleetMessage(fleet, topicOf(kind, sn), JSON.stringify({ data, gateway: 'DOCK' }), kept, now);
}

describe('what is taken from a fleet', () => {
  it('is what was heard live, with its time and which message told it', () => {
    const fleet = createFleet();
    const sub = { device_sn: 'AIR', device_model_key: '0-100-1', device_online_status: 0, device_paired: 1 };
    tell(fleet, 'osd', 'DOCK', { drone_in_dock: 1, sub_device: sub }, 5);
    tell(fleet, 'state', 'AIR', { firmware_version: '17.07.0401', compatible_status: 1 }, 10);
    tell(fleet, 'osd', 'DOCK', { mode_code: 0 }, 2_000);
    const inventory = createInventory();
    expect(takeFleet(inventory, fleet, at(3_000), 'watch')).toBe('values');
    expect(inventory.devices.get('AIR')).toEqual({
      sn: 'AIR',
      pid: 'DOCK',
      kind: 'aircraft',
      model: '0-100-1',
      firmware_version: '17.07.0401',
      version_at: START + 10,
      how: 'state',
      version_by: 'watch',
      compatible_status: 1,
      compatible_at: START + 10,
      psdk_version: null,
      psdk_at: null,
      heard_at: START + 2_000,
      heard_by: 'watch',
    });
    expect(inventory.devices.get('DOCK')).toMatchObject({ pid: 'DOCK', firmware_version: null, version_at: null });
    expect(takeFleet(inventory, fleet, at(3_000), 'watch')).toBe(null);
  });

  it('ignores retained messages', () => {
    const fleet = createFleet();
    tell(fleet, 'state', 'DOCK', { firmware_version: '1.0' }, 0, true);
    const inventory = createInventory();
    takeFleet(inventory, fleet, at(0), 'watch');
    expect(inventory.devices.size).toBe(0);
    tell(fleet, 'osd', 'DOCK', { mode_code: 0 }, 1);
    takeFleet(inventory, fleet, at(1), 'watch');
    expect(inventory.devices.get('DOCK')).toMatchObject({ firmware_version: null, version_at: null });
  });
});

const entry = fc.record({
  sn: fc.constantFrom('A', 'B', 'C'),
  firmware_version: fc.constantFrom('1.0', '2.0'),
  version_at: fc.integer({ min: 1, max: 5 }),
  compatible_status: fc.constantFrom(0, 1),
  compatible_at: fc.integer({ min: 1, max: 5 }),
  heard_at: fc.integer({ min: 5, max: 9 }),
});

describe('merging', () => {
  it('keeps each value with its latest time, however often it is done', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), fc.array(entry, { maxLength: 12 }), (left, right) => {
        const merged = inventoryOf(...left);
        for (const other of inventoryOf(...right).devices.values()) noteEntry(merged, other, LATER);
        for (const sn of ['A', 'B', 'C']) {
          const all = [...left, ...right].filter((one) => one.sn === sn);
          const found = merged.devices.get(sn);
          expect(found === undefined).toBe(all.length === 0);
          if (!found) continue;
          expect(found.version_at).toBe(Math.max(...all.map((one) => one.version_at)));
          expect(found.heard_at).toBe(Math.max(...all.map((one) => one.heard_at)));
          const versions = all.filter((one) => one.version_at === found.version_at).map((one) => one.firmware_version);
          expect(versions).toContain(found.firmware_version);
        }
        const again = inventoryText(merged);
        for (const other of parseInventory(again).inventory.devices.values()) noteEntry(merged, other, LATER);
        expect(inventoryText(merged)).toBe(again);
      }),
    );
  });
});

describe('a noted version', () => {
  const inventory = inventoryOf({ sn: 'A', firmware_version: '1.0', version_at: START, heard_at: START });

  it('is the later one of inventory and manifest, while it is not too old', () => {
    const known = { version: '2.0', heard_at: START + 1_000 };
    expect(notedVersion(inventory, 'A', null, START, DECIDES_FOR)).toMatchObject({
      version: '1.0',
      source: 'inventory',
    });
    expect(notedVersion(inventory, 'A', known, START + 2_000, DECIDES_FOR)).toEqual({
      version: '2.0',
      heard_at: START + 1_000,
      source: 'manifest',
    });
    expect(notedVersion(inventory, 'A', null, START + DECIDES_FOR, DECIDES_FOR)).not.toBeNull();
    expect(notedVersion(inventory, 'A', null, START + DECIDES_FOR + 1, DECIDES_FOR)).toBeNull();
    expect(notedVersion(inventory, 'B', null, START, DECIDES_FOR)).toBeNull();
  });

  it('is none where its time lies in the future or makes no sense', () => {
    expect(notedVersion(inventory, 'A', null, START - 1, DECIDES_FOR)).toBeNull();
    expect(notedVersion(inventory, 'B', { version: '2.0', heard_at: null }, START, DECIDES_FOR)).toBeNull();
  });
});

describe('what was reported by a clock that was wrong', () => {
  it('yields to any other report, and is dropped first', () => {
    const inventory = inventoryOf();
    const future = { sn: 'A', firmware_version: '9.9', version_at: START + 10_000, heard_at: START + 10_000 };
    noteEntry(inventory, whole(future), START);
    expect(notedVersion(inventory, 'A', null, START, DECIDES_FOR)).toBeNull();
    noteEntry(inventory, whole({ firmware_version: '1.0', version_at: START - 5, heard_at: START }), START);
    expect(inventory.devices.get('A')).toMatchObject({
      firmware_version: '1.0',
      version_at: START - 5,
      heard_at: START,
    });
  });
});

describe('bounds', () => {
  it('are the number of devices, and their age', () => {
    const inventory = createInventory();
    for (let index = 0; index < 12; index++) {
      inventory.devices.set(`A${index}`, whole({ sn: `A${index}`, heard_at: START - index }));
    }
    inventory.devices.set('FUTURE', whole({ sn: 'FUTURE', heard_at: START + 1 }));
    boundInventory(inventory, START, 10);
    expect(inventory.devices.size).toBe(10);
    expect(inventory.devices.has('FUTURE')).toBe(false);
    expect(inventory.devices.has('A10')).toBe(false);
    boundInventory(inventory, START - 1 + KEPT_FOR);
    expect([...inventory.devices.keys()]).toEqual(['A0', 'A1']);
  });

  it('hold for each text of a device', () => {
    const fleet = createFleet();
    tell(fleet, 'state', 'DOCK', { firmware_version: 'x'.repeat(5000) });
    const inventory = createInventory();
    takeFleet(inventory, fleet, at(0), 'watch');
    expect(inventory.devices.get('DOCK')?.firmware_version).toHaveLength(100);
  });

  it('leave times alone when nothing new was heard', () => {
    const fleet = createFleet();
    tell(fleet, 'osd', 'DOCK', { mode_code: 0 }, 10);
    const inventory = createInventory();
    expect(takeFleet(inventory, fleet, at(20), 'watch', 11)).toBeNull();
    expect(takeFleet(inventory, fleet, at(20), 'watch', 10)).toBe('values');
    tell(fleet, 'osd', 'DOCK', { mode_code: 0 }, 30);
    expect(takeFleet(inventory, fleet, at(30), 'watch', 21)).toBe('times');
  });
});
