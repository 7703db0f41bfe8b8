/** Compares reading the inventory at the start of a push with parsing the JSON in the same file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadInventory, updateInventory } from '../../dist/app/inventory/inventory-file.js';
import { pidOf } from '../fleet.js';
import { byTurns, milliseconds, row } from '../measure.js';

export async function inventoryRow({ folder, scale }) {
  const count = Math.round(40_000 * scale);
  const file = join(folder, 'inventory.json');
  await updateInventory(file, ({ devices }) => {
    for (let index = 0; index < count; index++) devices.set(pidOf(index), entryOf(index));
    return true;
  });
  const timed = (work) => async () => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  const [theirs, ours] = await byTurns(11, [
    timed(() => JSON.parse(readFileSync(file, 'utf8'))),
    timed(async () => {
      const { devices } = await loadInventory(file, (problem) => {
        throw new Error(problem);
      });
      if (devices.size !== count) throw new Error(`${devices.size} devices were read`);
    }),
  ]);
  return row({
    what: `inventory of ${count} devices loaded`,
    ours: milliseconds(ours),
    than: `\`JSON.parse\` of the file: ${milliseconds(theirs)}`,
    ratio: ours / theirs,
    goal: ['most', 2],
  });
}

/** A complete entry of a device. */
function entryOf(index) {
  const at = Date.now() - index;
  const sn = pidOf(index);
  const version = { firmware_version: '17.07.0401', version_at: at, how: 'state', version_by: 'devices' };
  const more = { compatible_status: 0, compatible_at: at, psdk_version: null, psdk_at: null };
  return { sn, pid: sn, kind: 'dock', model: '3-3-0', ...version, ...more, heard_at: at, heard_by: 'devices' };
}
