/** The inventory of this machine, as every command that listens to docks feeds it and informs itself by it. */
import path from 'node:path';
import { systemReason } from '../errors.js';
import type { FleetFeed } from '../fleet/feed.js';
import { createInventory, type Inventory, learnProduct, takeFleet } from '../fleet/inventory.js';
import { loadInventory, saveInventory } from '../fleet/inventory-file.js';
import { machineOf } from '../machine.js';
import type { KnownProducts } from '../protocol/products.js';
import { stateFolders } from '../settings/state-folders.js';
import { safeText } from '../text.js';
import type { DeviceOutcome } from '../upgrade/events.js';
import type { PartOf } from './context.js';

type InventoryContext = PartOf<'clock' | 'env' | 'warn'>;

/** Long runs and collectors write what they heard now and then, so that a kill loses little. Milliseconds. */
const SAVE_EVERY = 60_000;

/** Where the inventory is kept. @throws OtaError `settings_invalid` where no folder is known. */
export function inventoryFile(env: NodeJS.ProcessEnv): string {
  return path.join(stateFolders(env).state, 'inventory.json');
}

export interface KeptInventory {
  readonly inventory: Inventory;
  /** Keeps what `feed` hears from now on; the result writes it for the last time. Neither throws: a failure is a warning. */
  keep(feed: FleetFeed): () => Promise<void>;
}

/** One that is kept nowhere: of simulated docks, and of programs that ask for none. */
export function noInventory(): KeptInventory {
  return { inventory: createInventory(), keep: () => async () => {} };
}

export async function openInventory(context: InventoryContext): Promise<KeptInventory> {
  const { clock, env, warn } = context;
  const on = machineOf(context);
  const file = inventoryFile(env);
  const onProblem = (message: string) => warn('inventory_unreadable', safeText(message, 500));
  const inventory = await loadInventory(file, onProblem, on.disk);
  let warned = false;
  const save = async () => {
    try {
      await saveInventory(file, inventory, clock, on);
    } catch (error) {
      if (!warned) warn('inventory_unwritable', safeText(`the inventory is not kept: ${systemReason(error)}`, 500));
      warned = true;
    }
  };
  return {
    inventory,
    keep(feed) {
      let saving = Promise.resolve();
      const products = inventory.products.size;
      const write = (always: boolean) => {
        const changed = takeFleet(inventory, feed.fleet, clock);
        if (changed || (always && inventory.products.size !== products)) saving = saving.then(save);
        return saving;
      };
      let cancel = () => {};
      const again = () => {
        void write(false);
        cancel = clock.after(SAVE_EVERY, again);
      };
      cancel = clock.after(SAVE_EVERY, again);
      return () => {
        cancel();
        return write(true);
      };
    },
  };
}

/** What was learned of product codes, each with where it is known from. */
export function learnedProducts({ products }: Inventory): KnownProducts {
  return Object.fromEntries(
    [...products].map(([code, { model, sn, at }]) => [
      code,
      { key: model, source: `verified on ${safeText(sn, 64)} on ${new Date(at).toISOString().slice(0, 10)}` },
    ]),
  );
}

/** A product code whose package was verified on a device is known from then on. `codes`: by serial number. */
export function learnProducts(
  inventory: Inventory,
  codes: ReadonlyMap<string, string>,
  devices: readonly DeviceOutcome[],
  modelOf: (sn: string) => string | null,
  now: number,
): void {
  for (const { sn, verified } of devices) {
    const code = sn === null ? undefined : codes.get(sn);
    const model = sn === null ? null : modelOf(sn);
    if (sn !== null && verified === true && code && model) learnProduct(inventory, code, { model, sn, at: now });
  }
}
