/** Removes devices from the inventory that are gone or belong to someone else. */
import { OtaError, systemReason } from '../../errors.js';
import type { Inventory } from '../../fleet/inventory.js';
import { machineOf } from '../../machine.js';
import { devicesMatching } from '../../manifest/select.js';
import { byText, quoted, safeText } from '../../text.js';
import type { PartOf } from '../context.js';
import { updateInventory } from './inventory-file.js';
import { inventoryFile } from './keep.js';

/** Which devices are removed. */
export interface Forgotten {
  /** Globs of sn or pid; empty = all. */
  patterns: readonly string[];
  /** Only devices that were last heard at least this many milliseconds ago. */
  olderThan?: number | undefined;
}

/** The serial numbers to remove, sorted. @throws OtaError `usage` for a pattern that matches nothing */
export function toForget(inventory: Inventory, { patterns, olderThan = 0 }: Forgotten, now: number): string[] {
  const all = [...inventory.devices.values()].map((entry) => ({ ...entry, pid: entry.pid ?? '', labels: {} }));
  const chosen = new Set(
    patterns.length === 0
      ? all
      : patterns.flatMap((one) => [...devicesMatching(quoted(one), one, all, 'the inventory')]),
  );
  const old = [...chosen].filter(({ heard_at }) => olderThan === 0 || now - heard_at > olderThan);
  return old.map(({ sn }) => sn).sort(byText);
}

/** Removes devices from the inventory file. @throws OtaError `inventory_unwritable` */
export async function forgetDevices(
  sns: readonly string[],
  { olderThan = 0 }: Forgotten,
  context: PartOf<'clock' | 'env'>,
): Promise<void> {
  const { clock, env } = context;
  const file = inventoryFile(env);
  const forget = ({ devices }: Inventory) => {
    // Keep devices that were heard since the list was made.
    const gone = sns.filter((sn) => {
      const entry = devices.get(sn);
      return entry && (olderThan === 0 || clock.wall() - entry.heard_at > olderThan);
    });
    for (const sn of gone) devices.delete(sn);
    return gone.length > 0;
  };
  try {
    await updateInventory(file, forget, machineOf(context));
  } catch (cause) {
    throw new OtaError(
      'inventory_unwritable',
      `the inventory ${safeText(file, 400)} cannot be changed: ${systemReason(cause)}`,
      {
        hint: 'Set DJI_OTA_HOME to a folder that you can write to.',
        cause,
      },
    );
  }
}
