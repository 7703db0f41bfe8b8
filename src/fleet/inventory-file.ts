/** The file of the inventory: read whole, merged and replaced under a lock, so that neither SIGKILL nor a second program harms it. */
import path from 'node:path';
import type { Clock } from '../clock.js';
import { type Disk, systemDisk } from '../disk.js';
import { systemReason } from '../errors.js';
import { type Machine, thisMachine } from '../machine.js';
import { byText } from '../text.js';
import {
  createInventory,
  type Inventory,
  type InventoryEntry,
  type LearnedProduct,
  MAX_INVENTORY,
  mergeInventory,
} from './inventory.js';

const SCHEMA = 1;
/** 100,000 devices take about 25 MB; a larger file is none of ours. Bytes. */
const MAX_FILE = 200 * 1024 * 1024;
/** Merging and writing takes well under a second: a lock older than this is what a killed program left. Milliseconds. */
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
] as const satisfies readonly (keyof InventoryEntry)[];

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
    const { size } = await disk.stat(file);
    if (size > MAX_FILE) throw new Error(`it has ${size} bytes`);
    return parseInventory(await disk.readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      onProblem(`the inventory ${file} cannot be read: ${systemReason(error)}`);
    }
    return createInventory();
  }
}

/** @throws Error for a text that is no inventory; single rows that make no sense are left out. */
export function parseInventory(text: string): Inventory {
  const content = JSON.parse(text) as { schema?: unknown; keys?: unknown; devices?: unknown; products?: unknown };
  if (typeof content !== 'object' || content === null || !Array.isArray(content.devices))
    throw new Error('no inventory');
  // A later version may have more keys, in another order.
  const keys = Array.isArray(content.keys) ? content.keys : KEYS;
  const places = KEYS.map((key) => keys.indexOf(key));
  const inventory = createInventory();
  for (const row of content.devices.slice(0, MAX_INVENTORY)) {
    if (!Array.isArray(row)) continue;
    const entry = readRow(row, places);
    if (entry) inventory.devices.set(entry.sn, entry);
  }
  for (const [code, learned] of Object.entries((content.products ?? {}) as Record<string, LearnedProduct | null>)) {
    if (typeof learned?.model !== 'string' || typeof learned.sn !== 'string' || !Number.isFinite(learned.at)) continue;
    inventory.products.set(code, { model: learned.model, sn: learned.sn, at: learned.at });
  }
  return inventory;
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
  const sn = text(0);
  const heard_at = number(11);
  if (sn === null || heard_at === null) return null;
  const kind = text(2);
  const how = text(6);
  const version = text(4);
  const version_at = number(5);
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
    compatible_at: number(8),
    psdk_version: text(9),
    psdk_at: number(10),
    heard_at,
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
 * Merges `inventory` with what the file holds by now, and replaces the file. Others that write at the same time wait.
 * @throws Error where the file cannot be written, or the lock is not given back in time.
 */
export async function saveInventory(
  file: string,
  inventory: Inventory,
  clock: Clock,
  on: Pick<Machine, 'disk' | 'processes'> = thisMachine,
): Promise<void> {
  const { disk } = on;
  await disk.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const release = await lock(`${file}.lock`, clock, on);
  try {
    let broken = false;
    const onProblem = () => {
      broken = true;
    };
    const stored = await loadInventory(file, onProblem, disk);
    // What cannot be read is kept aside, for a person to look at.
    if (broken) await disk.rename(file, `${file}.broken`).catch(() => {});
    mergeInventory(inventory, stored);
    const half = `${file}.${on.processes.pid}.tmp`;
    try {
      await disk.writeFile(half, inventoryText(inventory), { mode: 0o600, flush: true });
      await disk.rename(half, file);
    } catch (error) {
      await disk.unlink(half).catch(() => {});
      throw error;
    }
  } finally {
    await release();
  }
}

async function lock(
  file: string,
  clock: Clock,
  { disk, processes }: Pick<Machine, 'disk' | 'processes'>,
): Promise<() => Promise<void>> {
  for (let waited = 0; ; waited += LOCK_RETRY) {
    try {
      await (await disk.open(file, 'wx', 0o600)).close();
      return () => disk.unlink(file).catch(() => {});
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const age = await disk.stat(file).then(
      ({ mtimeMs }) => clock.wall() - mtimeMs,
      () => 0,
    );
    // Renamed first: of two that find it stale, one only gets it.
    if (age > LOCK_STALE || waited > 2 * LOCK_STALE) {
      const stale = `${file}.${processes.pid}.stale`;
      await disk.rename(file, stale).then(
        () => disk.unlink(stale),
        () => {},
      );
      continue;
    }
    await new Promise<void>((resolve) => {
      clock.after(LOCK_RETRY, resolve);
    });
  }
}
