/** Inventories, and a helper that changes an inventory file like a program that has heard devices. */
import { updateInventory } from '../../src/app/inventory/inventory-file.js';
import {
  createInventory,
  type Inventory,
  type InventoryEntry,
  learnProduct,
  noteEntry,
} from '../../src/fleet/inventory.js';

/** Later than every time in the tests. */
export const LATER = Date.UTC(2100, 0, 1);

export const whole = (entry: Partial<InventoryEntry>): InventoryEntry => ({
  ...{ sn: 'A', pid: 'DOCK', kind: null, model: null, firmware_version: null, version_at: null, how: null },
  ...{ compatible_status: null, compatible_at: null, psdk_version: null, psdk_at: null, heard_at: 0 },
  ...{ version_by: null, heard_by: null, ...entry },
});

export function inventoryOf(...entries: Partial<InventoryEntry>[]): Inventory {
  const inventory = createInventory();
  for (const entry of entries) noteEntry(inventory, whole(entry), LATER);
  return inventory;
}

export function save(file: string, { devices, products }: Inventory): Promise<void> {
  return updateInventory(file, (stored) => {
    for (const entry of devices.values()) noteEntry(stored, entry, LATER);
    for (const [code, learned] of products) learnProduct(stored, code, learned);
    return true;
  });
}

/** An entry that is recent enough to be kept. */
export const recent = (sn: string) => ({ sn, heard_at: Date.now() });
