/** The inventory file: read, changed and replaced under a lock, so that neither SIGKILL nor a second process damages it. */
import path from 'node:path';
import { type Disk, systemDisk } from '../../disk.js';
import { systemReason } from '../../errors.js';
import {
  boundInventory,
  createInventory,
  type Inventory,
  type InventoryEntry,
  type LearnedProduct,
  MAX_INVENTORY,
} from '../../fleet/inventory.js';
import { type Machine, thisMachine } from '../../machine.js';
import { byText } from '../../text.js';
import { takeFileLock } from './file-lock.js';

const SCHEMA = 1;
/** Bytes. 100,000 devices take about 25 MB; a larger file was not written by this program. */
const MAX_FILE = 200 * 1024 * 1024;

/** The columns of the file. Each device is an array, because names in each device would be most of the file. */
const KEYS = [
  'sn',
  'pid',
  'kind',
  'model',
  'firmware_version',
  'version_at',
  'how',
  'compatible_status',
  'compatible_at',
  'psdk_version',
  'psdk_at',
  'heard_at',
  'version_by',
  'heard_by',
] as const satisfies readonly (keyof InventoryEntry)[];

/** The content of the file. */
interface Stored {
  inventory: Inventory;
  /** Why parts of it could not be read; null = everything was read. */
  damage: string | null;
  /** Written by a later version. Writing the file would lose what only that version knows. */
  later?: boolean;
}

/**
 * Reads the inventory in `file`; empty if there is no file.
 * @param onProblem called with the reason if an existing file cannot be used; it is left unchanged
 */
export async function loadInventory(
  file: string,
  onProblem: (message: string) => void,
  disk: Disk = systemDisk,
): Promise<Inventory> {
  try {
    const { inventory, damage } = await readStored(file, disk);
    if (damage !== null) onProblem(`the inventory ${file} is damaged: ${damage}`);
    return inventory;
  } catch (error) {
    onProblem(`the inventory ${file} cannot be read: ${systemReason(error)}`);
    return createInventory();
  }
}

/** Reads the file. @throws Node's own errors, and Error for a file that is not an inventory */
async function readStored(file: string, disk: Disk): Promise<Stored> {
  let text: string;
  try {
    const { size } = await disk.stat(file);
    if (size > MAX_FILE) throw new Error(`it has ${size} bytes`);
    text = await disk.readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { inventory: createInventory(), damage: null };
    throw error;
  }
  try {
    const { inventory, skipped, schema } = parseInventory(text);
    const damage = skipped === 0 ? null : `${skipped} of its entries are invalid`;
    return { inventory, damage, later: schema > SCHEMA };
  } catch (error) {
    return { inventory: createInventory(), damage: (error as Error).message };
  }
}

/** Parses the text of an inventory. `skipped`: the number of invalid entries. @throws Error if the text is not an inventory */
export function parseInventory(text: string): { inventory: Inventory; skipped: number; schema: number } {
  const content = JSON.parse(text) as Record<'schema' | 'keys' | 'devices' | 'products', unknown> | null;
  const { schema, devices, products = {} } = content ?? {};
  if (!Number.isInteger(schema) || !Array.isArray(devices) || typeof products !== 'object' || products === null)
    throw new Error('it is not an inventory');
  // A later version may have more columns, in another order; an earlier one may have fewer.
  const keys: readonly unknown[] = Array.isArray(content?.keys) ? content.keys : KEYS;
  const places = KEYS.map((key) => keys.indexOf(key));
  const inventory = createInventory();
  let skipped = Math.max(0, devices.length - MAX_INVENTORY);
  for (const row of devices.slice(0, MAX_INVENTORY)) {
    const entry = Array.isArray(row) ? readRow(row, places) : null;
    if (entry) inventory.devices.set(entry.sn, entry);
    else skipped++;
  }
  for (const [code, learned] of Object.entries(products as Record<string, LearnedProduct | null>)) {
    if (typeof learned?.model === 'string' && typeof learned.sn === 'string' && Number.isFinite(learned.at)) {
      inventory.products.set(code, { model: learned.model, sn: learned.sn, at: learned.at });
    } else skipped++;
  }
  return { inventory, skipped, schema: schema as number };
}

function readRow(row: readonly unknown[], places: readonly number[]): InventoryEntry | null {
  const text = (place: number) => {
    const value = row[places[place] ?? -1];
    return typeof value === 'string' && value.length <= 1100 ? value : null;
  };
  const number = (place: number) => {
    const value = row[places[place] ?? -1];
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  /** A time in milliseconds since 1970 that a Date can represent. */
  const time = (place: number) => {
    const at = number(place);
    return at !== null && at >= 0 && at <= 8.64e15 ? at : null;
  };
  const sn = text(0);
  const heard_at = time(11);
  if (sn === null || heard_at === null) return null;
  const kind = text(2);
  const how = text(6);
  const version = text(4);
  const version_at = time(5);
  return {
    sn,
    pid: text(1),
    kind: kind === 'dock' || kind === 'aircraft' || kind === 'other' ? kind : null,
    model: text(3),
    // A version without its time counts as not known.
    firmware_version: version_at === null ? null : version,
    version_at: version === null ? null : version_at,
    how: how === 'osd' || how === 'state' ? how : null,
    compatible_status: number(7),
    compatible_at: time(8),
    psdk_version: text(9),
    psdk_at: time(10),
    heard_at,
    version_by: version === null ? null : text(12),
    heard_by: text(13),
  };
}

/** The text of the file: sorted by serial number, one device per line, so that two files can be compared. */
export function inventoryText(inventory: Inventory): string {
  const entries = [...inventory.devices.values()].sort((a, b) => byText(a.sn, b.sn));
  const rows = entries.map((entry) => JSON.stringify(KEYS.map((key) => entry[key])));
  const products = JSON.stringify(Object.fromEntries(inventory.products));
  return `{"schema":${SCHEMA},"keys":${JSON.stringify(KEYS)},"products":${products},"devices":[\n${rows.join(',\n')}\n]}\n`;
}

/**
 * Changes and replaces the file. Other processes wait for the lock. A file that could not be read completely is kept as
 * `<file>.broken`, for a person to look at.
 * @param change changes the current content; false = nothing to write. Called again if the lock was lost in between.
 * @throws Error if the file cannot be read or written, or was written by a later version
 */
export async function updateInventory(
  file: string,
  change: (stored: Inventory) => boolean,
  on: Machine = thisMachine,
): Promise<void> {
  const { clock, disk, processes } = on;
  await disk.makeFolders(path.dirname(file), 0o700);
  for (;;) {
    const lock = await takeFileLock(`${file}.lock`, on);
    try {
      const { inventory, damage, later } = await readStored(file, disk);
      if (later) throw new Error('a later version of dji-ota made it');
      if (!change(inventory) && damage === null) return;
      boundInventory(inventory, clock.wall());
      await removeLeftovers(file, disk);
      const half = `${file}.${processes.pid}.tmp`;
      try {
        await disk.writeFile(half, inventoryText(inventory), { mode: 0o600, flag: 'wx', flush: true });
        // The process was suspended (a laptop that slept), and another one took the lock as abandoned: try again.
        if (!(await lock.isOurs())) continue;
        if (damage !== null) await disk.rename(file, `${file}.broken`);
        await disk.rename(half, file);
      } finally {
        await disk.unlink(half).catch(() => {});
      }
      return;
    } finally {
      await lock.release();
    }
  }
}

/** Removes temporary files of killed processes. No other process writes now, because this one holds the lock. */
async function removeLeftovers(file: string, disk: Disk): Promise<void> {
  const folder = path.dirname(file);
  const name = path.basename(file);
  for (const other of await disk.readdir(folder)) {
    if (other.startsWith(`${name}.`) && /\.\d+\.tmp$/.test(other))
      await disk.unlink(path.join(folder, other)).catch(() => {});
  }
}
