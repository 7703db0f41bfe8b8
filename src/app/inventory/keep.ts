/** The inventory of this machine, as commands that listen to docks update and use it. */
import path from 'node:path';
import { systemReason } from '../../errors.js';
import type { FleetFeed } from '../../fleet/feed.js';
import { type Inventory, learnProduct, takeFleet } from '../../fleet/inventory.js';
import { INFORMS_FOR, type NotedVersion, notedVersion } from '../../fleet/noted.js';
import { machineOf } from '../../machine.js';
import type { ManifestDevice } from '../../manifest/model.js';
import type { KnownProducts } from '../../protocol/products.js';
import { stateFolders } from '../../settings/state-folders.js';
import { safeText } from '../../text.js';
import type { DeviceOutcome } from '../../upgrade/events.js';
import type { PartOf } from '../context.js';
import { loadInventory, updateInventory } from './inventory-file.js';

type InventoryContext = PartOf<'clock' | 'env' | 'warn'>;

/** Milliseconds. Long runs save their inventory regularly, so that a kill loses little. */
const SAVE_EVERY = 60_000;
/**
 * Milliseconds, if only times have changed: the SD card of a small computer would wear out if a fleet were written every
 * minute.
 */
const SAVE_TIMES_EVERY = 600_000;

/** The path of the inventory. @throws OtaError `settings_invalid` if no folder is known */
export function inventoryFile(env: NodeJS.ProcessEnv): string {
  return path.join(stateFolders(env).state, 'inventory.json');
}

/** Reads the inventory. A file that cannot be used is a warning. @throws OtaError `settings_invalid` */
export function readInventory(context: PartOf<'env' | 'warn'>): Promise<Inventory> {
  const { env, warn } = context;
  const onProblem = (message: string) => warn('inventory_unreadable', safeText(message, 500));
  return loadInventory(inventoryFile(env), onProblem, machineOf(context).disk);
}

/** The model of a device: as it reports it now, as it did in an earlier run, or as the manifest's `known` has it. */
export function modelsKnown(
  feed: FleetFeed | null,
  inventory: Inventory,
  devices: readonly Pick<ManifestDevice, 'sn' | 'known'>[],
): (sn: string) => string | null {
  const noted = new Map(devices.flatMap(({ sn, known }) => (known?.model ? [[sn, known.model] as const] : [])));
  return (sn) => feed?.fleet.devices.get(sn)?.model ?? inventory.devices.get(sn)?.model ?? noted.get(sn) ?? null;
}

/**
 * Stores what `feed` receives from now on. Never throws: a failed write is a warning, once.
 * @param by the command that listens
 * @param products what it learned of product codes, which is stored as well
 * @returns writes for the last time
 */
export function keepInventory(
  feed: FleetFeed,
  by: string,
  context: InventoryContext,
  products: Inventory['products'] = new Map(),
): () => Promise<void> {
  const { clock, env, warn } = context;
  let warned = false;
  let since = Number.NEGATIVE_INFINITY;
  let timesAt = clock.now();
  let saving = Promise.resolve();
  const save = async (last: boolean) => {
    // Nothing was received: a command that fails at once leaves no file behind.
    if (feed.fleet.devices.size === 0) return;
    const begun = clock.now();
    try {
      const isDue = last || begun - timesAt >= SAVE_TIMES_EVERY;
      let written = false;
      const change = (stored: Inventory) => {
        const changed = takeFleet(stored, feed.fleet, clock, by, since);
        const learned = [...products].filter(([code, { at }]) => (stored.products.get(code)?.at ?? -1) < at);
        for (const [code, product] of learned) learnProduct(stored, code, product);
        written = changed === 'values' || learned.length > 0 || (changed === 'times' && isDue);
        return written;
      };
      await updateInventory(inventoryFile(env), change, machineOf(context));
      if (!written) return;
      since = begun;
      timesAt = begun;
    } catch (error) {
      const why = `reports of devices cannot be stored in the inventory: ${systemReason(error)}`;
      if (!warned) warn('inventory_unwritable', safeText(why, 500));
      warned = true;
    }
  };
  const write = (last: boolean) => {
    saving = saving.then(() => save(last));
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
}

/** The last reported versions of `plan`'s devices, if not older than 30 days. */
export function* notedVersions(
  { devices }: { devices: readonly { sn: string }[] },
  inventory: Inventory,
  known: ReadonlyMap<string, NotedVersion>,
  now: number,
): Generator<{ sn: string; version: string; heardAt: number }> {
  for (const { sn } of devices) {
    const noted = notedVersion(inventory, sn, known.get(sn) ?? null, now, INFORMS_FOR);
    if (noted) yield { sn, version: noted.version, heardAt: noted.heard_at };
  }
}

/** The product codes that were learned, each with its source. */
export function learnedProducts({ products }: Inventory): KnownProducts {
  return Object.fromEntries(
    [...products].map(([code, { model, sn, at }]) => [
      code,
      { key: model, source: `verified on ${safeText(sn, 64)} on ${new Date(at).toISOString().slice(0, 10)}` },
    ]),
  );
}

/** Stores the product code of a package whose upgrade was verified on a device. `codes`: by serial number. */
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
