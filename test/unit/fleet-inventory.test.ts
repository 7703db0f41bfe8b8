import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import {
  createInventory,
  DECIDES_FOR,
  type Inventory,
  type InventoryEntry,
  learnProduct,
  mergeInventory,
  notedVersion,
  takeFleet,
} from '../../src/fleet/inventory.js';
import { inventoryText, loadInventory, parseInventory, saveInventory } from '../../src/fleet/inventory-file.js';
import { applyFleetMessage, createFleet } from '../../src/fleet/properties.js';
import { topicOf } from '../../src/protocol/topics.js';

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

function inventoryOf(...entries: Partial<InventoryEntry>[]): Inventory {
  const inventory = createInventory();
  for (const entry of entries) {
    const whole: InventoryEntry = {
      ...{ sn: 'A', pid: 'DOCK', kind: null, model: null, firmware_version: null, version_at: null, how: null },
      ...{ compatible_status: null, compatible_at: null, psdk_version: null, psdk_at: null, heard_at: 0, ...entry },
    };
    mergeInventory(inventory, { devices: new Map([[whole.sn, whole]]), products: new Map() });
  }
  return inventory;
}

describe('what is taken from a fleet', () => {
  it('is what was heard live, with its time and which message told it', () => {
    const fleet = createFleet();
    const sub = { device_sn: 'AIR', device_model_key: '0-100-1', device_online_status: 0, device_paired: 1 };
    tell(fleet, 'osd', 'DOCK', { drone_in_dock: 1, sub_device: sub }, 5);
    tell(fleet, 'state', 'AIR', { firmware_version: '17.07.0401', compatible_status: 1 }, 10);
    tell(fleet, 'osd', 'DOCK', { mode_code: 0 }, 2_000);
    const inventory = createInventory();
    expect(takeFleet(inventory, fleet, at(3_000))).toBe(true);
    expect(inventory.devices.get('AIR')).toEqual({
      sn: 'AIR',
      pid: 'DOCK',
      kind: 'aircraft',
      model: '0-100-1',
      firmware_version: '17.07.0401',
      version_at: START + 10,
      how: 'state',
      compatible_status: 1,
      compatible_at: START + 10,
      psdk_version: null,
      psdk_at: null,
      heard_at: START + 2_000,
    });
    expect(inventory.devices.get('DOCK')).toMatchObject({ pid: 'DOCK', firmware_version: null, version_at: null });
    expect(takeFleet(inventory, fleet, at(3_000))).toBe(false);
  });

  it('is nothing that a broker had kept', () => {
    const fleet = createFleet();
    tell(fleet, 'state', 'DOCK', { firmware_version: '1.0' }, 0, true);
    const inventory = createInventory();
    takeFleet(inventory, fleet, at(0));
    expect(inventory.devices.size).toBe(0);
    tell(fleet, 'osd', 'DOCK', { mode_code: 0 }, 1);
    takeFleet(inventory, fleet, at(1));
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
        mergeInventory(merged, inventoryOf(...right));
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
        mergeInventory(merged, parseInventory(again));
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

describe('the file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dji-ota-inventory-'));
    file = join(folder, 'state', 'inventory.json');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const load = async () => {
    const problems: string[] = [];
    return { inventory: await loadInventory(file, (message) => problems.push(message)), problems };
  };

  it('keeps devices and learned products, for its owner alone, and leaves nothing else behind', async () => {
    const inventory = inventoryOf({ sn: 'A', firmware_version: '1.0', version_at: 3, heard_at: 4 });
    learnProduct(inventory, 'wa345t', { model: '0-99-1', sn: 'A', at: 5 });
    await saveInventory(file, inventory, systemClock);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'state'))).toEqual(['inventory.json']);
    const read = await load();
    expect(read).toEqual({ inventory, problems: [] });
  });

  it('is empty where there is none', async () => {
    expect(await load()).toEqual({ inventory: createInventory(), problems: [] });
  });

  it('takes what several writers heard at the same time', async () => {
    const writers = Array.from({ length: 8 }, (_, index) => inventoryOf({ sn: `A${index}`, heard_at: index }));
    await Promise.all(writers.map((inventory) => saveInventory(file, inventory, systemClock)));
    expect([...(await load()).inventory.devices.keys()].sort()).toEqual(writers.map((_, index) => `A${index}`));
  });

  it('takes the lock of a killed program', async () => {
    await saveInventory(file, inventoryOf({ sn: 'A' }), systemClock);
    await writeFile(`${file}.lock`, '');
    const old = new Date(Date.now() - 60_000);
    await utimes(`${file}.lock`, old, old);
    await saveInventory(file, inventoryOf({ sn: 'B' }), systemClock);
    expect([...(await load()).inventory.devices.keys()].sort()).toEqual(['A', 'B']);
  });

  it.each(['', '{', '[]', '{"devices":7}', '\u0000\u0001'])(
    'says that %j is no inventory, and keeps it aside',
    async (text) => {
      await saveInventory(file, inventoryOf({ sn: 'A' }), systemClock);
      await writeFile(file, text);
      const read = await load();
      expect(read.inventory.devices.size).toBe(0);
      expect(read.problems).toEqual([expect.stringContaining('cannot be read')]);
      await saveInventory(file, inventoryOf({ sn: 'B' }), systemClock);
      expect([...(await load()).inventory.devices.keys()]).toEqual(['B']);
      expect(await readFile(`${file}.broken`, 'utf8')).toBe(text);
    },
  );

  it('leaves out rows that make no sense, and reads keys that a later version adds', () => {
    const keys = ['later', 'sn', 'heard_at', 'firmware_version'];
    const devices = [[0, 'A', 7, '1.0'], null, [0, 5, 7], [0, 'B', 'x'], [0, 'C', 7, { a: 1 }]];
    const { devices: read } = parseInventory(JSON.stringify({ schema: 2, keys, devices, products: { x: null } }));
    expect([...read.keys()]).toEqual(['A', 'C']);
    expect(read.get('A')).toMatchObject({ firmware_version: null, version_at: null, heard_at: 7 });
  });
});
