/** The file of the inventory: read, changed and replaced under a lock, so that neither SIGKILL nor a second program harms it. */
import path from 'node:path';
import { type Disk, systemDisk, textIfThere } from '../../disk.js';
import { systemReason } from '../../errors.js';
import {
  boundInventory,
  createInventory,
  type Inventory,
  type InventoryEntry,
  type LearnedProduct,
  MAX_INVENTORY,
} from '../../fleet/inventory.js';
import { lifeOf, ownerOf, thisOwner } from '../../journal/owner.js';
import { type Machine, thisMachine } from '../../machine.js';
import { byText } from '../../text.js';

const SCHEMA = 1;
/** 100,000 devices take about 25 MB; a larger file is none of ours. Bytes. */
const MAX_FILE = 200 * 1024 * 1024;
/** Changing the file takes well under a second: a lock older than this is what a killed program left. Milliseconds. */
const LOCK_STALE = 15_000;
const LOCK_RETRY = 50;

/** A row of the file: in an array for each device, names would be most of it. */
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

/** What stands in the file. */
interface Stored {
  inventory: Inventory;
  /** Why not everything in it could be read; null = everything was. */
  damage: string | null;
  /** Of a later version: what it keeps beyond what we know would be lost. */
  later?: boolean;
}

/**
 * The inventory in `file`; an empty one where there is none.
 * @param onProblem hears why a file that is there cannot be used: what it holds is not lost, and not known.
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

/** @throws Node's own errors of reading, and Error for a file that nothing of ours can be */
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

/** `skipped`: entries that make no sense, which are left out. @throws Error for a text that is no inventory */
export function parseInventory(text: string): { inventory: Inventory; skipped: number; schema: number } {
  const content = JSON.parse(text) as Record<'schema' | 'keys' | 'devices' | 'products', unknown> | null;
  const { schema, devices, products = {} } = content ?? {};
  if (!Number.isInteger(schema) || !Array.isArray(devices) || typeof products !== 'object' || products === null)
    throw new Error('it is not an inventory');
  // A later version may have more keys, in another order; an earlier one has fewer.
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
  /** Milliseconds since 1970 of which a date can be made. */
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
    // Without its time a version is not known.
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

/** The text of the file, sorted by serial: a device a line, so that two of them can be compared. */
export function inventoryText(inventory: Inventory): string {
  const entries = [...inventory.devices.values()].sort((a, b) => byText(a.sn, b.sn));
  const rows = entries.map((entry) => JSON.stringify(KEYS.map((key) => entry[key])));
  const products = JSON.stringify(Object.fromEntries(inventory.products));
  return `{"schema":${SCHEMA},"keys":${JSON.stringify(KEYS)},"products":${products},"devices":[\n${rows.join(',\n')}\n]}\n`;
}

/**
 * Changes what the file holds and replaces it. Others that change it at the same time wait; what cannot be read of it is kept
 * aside as `<file>.broken`, for a person to look at.
 * @param change of what the file holds now; false = nothing is to be written. Called again where the lock was lost meanwhile.
 * @throws Error where the file cannot be read or written, or was made by a later version
 */
export async function updateInventory(
  file: string,
  change: (stored: Inventory) => boolean,
  on: Machine = thisMachine,
): Promise<void> {
  const { clock, disk, processes } = on;
  await disk.makeFolders(path.dirname(file), 0o700);
  for (;;) {
    const lock = await takeLock(`${file}.lock`, on);
    try {
      const { inventory, damage, later } = await readStored(file, disk);
      if (later) throw new Error('a later version of dji-ota made it');
      if (!change(inventory) && damage === null) return;
      boundInventory(inventory, clock.wall());
      await removeLeftovers(file, disk);
      const half = `${file}.${processes.pid}.tmp`;
      try {
        await disk.writeFile(half, inventoryText(inventory), { mode: 0o600, flag: 'wx', flush: true });
        // Stopped for so long (a laptop that slept) that another program took its lock for a dead one's: once more.
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

/** What killed programs left half written. Nobody writes here now: the lock is ours. */
async function removeLeftovers(file: string, disk: Disk): Promise<void> {
  const folder = path.dirname(file);
  const name = path.basename(file);
  for (const other of await disk.readdir(folder)) {
    if (other.startsWith(`${name}.`) && /\.\d+\.tmp$/.test(other))
      await disk.unlink(path.join(folder, other)).catch(() => {});
  }
}

interface Lock {
  isOurs(): Promise<boolean>;
  release(): Promise<void>;
}

async function takeLock(file: string, on: Machine): Promise<Lock> {
  const { clock, disk, processes } = on;
  const me = thisOwner(on);
  const text = JSON.stringify(me);
  const read = (name = file) => disk.readFile(name, 'utf8').catch(() => null);
  const remove = (name: string) => disk.unlink(name).catch(() => {});
  const isOurs = async () => (await read()) === text;
  for (let waited = 0; ; waited += LOCK_RETRY) {
    try {
      await disk.writeFile(file, text, { mode: 0o600, flag: 'wx' });
      return { isOurs, release: async () => ((await isOurs()) ? remove(file) : undefined) };
    } catch (error) {
      // A full disk leaves it empty.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        if ((await read()) === '') await remove(file);
        throw error;
      }
    }
    // Gone by now: try again. What cannot be read for another reason may stay so.
    const held = await textIfThere(file, disk);
    if (held === null) continue;
    const holder = ownerOf(held);
    const life = holder ? lifeOf(holder, me, processes) : 'unknown';
    const age = await disk.stat(file).then(
      ({ mtimeMs }) => clock.wall() - mtimeMs,
      () => 0,
    );
    if (life === 'dead' || (life === 'unknown' && age > LOCK_STALE) || waited > 2 * LOCK_STALE) {
      // Renamed first: of two that find it stale, one only gets it; who gets a fresh one by that gives it back.
      const stale = `${file}.${me.token}`;
      await disk.rename(file, stale).catch(() => {});
      if ((await read(stale)) !== held) await disk.link(stale, file).catch(() => {});
      await remove(stale);
      continue;
    }
    await new Promise<void>((resolve) => {
      clock.after(LOCK_RETRY, resolve);
    });
  }
}
