import type { Warn } from '../../../app/context.js';
import { type Forgotten, forgetDevices, toForget } from '../../../app/inventory/forget-devices.js';
import { driftExitCode, driftTotals, inventoryRows, NO_GATEWAY } from '../../../app/inventory/inventory-rows.js';
import { readInventory } from '../../../app/inventory/keep.js';
import { OtaError } from '../../../errors.js';
import type { ManifestDevice } from '../../../manifest/model.js';
import { readManifest } from '../../../manifest/read.js';
import { stylesFor } from '../../../render/terminal/chalk-styles.js';
import { useColor } from '../../../render/terminal/color.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import { warnOfLooseFolders } from '../../../settings/loose-folders.js';
import { safeJson } from '../../../text.js';
import { type Io, isInteractive, warner } from '../../io.js';
import type { ForgetOptions, InventoryOptions } from './options.js';
import { BYTE_ORDER_MARK, inventoryCsv, inventoryTable } from './view.js';

/** `dji-ota inventory`. @returns the exit code: 0; with a manifest that of the drift */
export async function inventoryCommand(options: InventoryOptions, io: Io): Promise<number> {
  const { target: source, pid: pids = [], output } = options;
  if (source === undefined && (options.select || options.maxAge !== undefined)) {
    throw new OtaError('usage', `${options.select ? '--select' : '--max-age'} is given without --target`, {
      hint: 'Labels and target versions are in a manifest: give it with --target.',
    });
  }
  const warn = warner(io);
  warnOfLooseFolders(io.env, warn);
  const inventory = await readInventory({ env: io.env, warn });
  const target = source === undefined ? null : await readTarget(source, pids, warn);
  const now = io.clock.wall();
  const rows = inventoryRows(inventory, target, { ...options, pids }, now);
  const totals = target && driftTotals(rows);
  if (output === 'json') {
    const shown = { schema: 1, time: new Date(now).toISOString(), target: source ?? null, totals, devices: rows };
    io.stdout.write(`${safeJson(JSON.stringify(shown))}\n`);
  } else if (output === 'csv') {
    io.stdout.write(BYTE_ORDER_MARK);
    io.stdout.write(inventoryCsv(rows));
  } else if (rows.length > 0) {
    const styles = stylesFor(useColor(io.stdout, io.env, options.color));
    io.stdout.write(`${inventoryTable(rows, totals, now, terminalWidth(io.stdout), styles)}\n`);
  }
  if (inventory.devices.size === 0) {
    io.stderr.write('The inventory is empty: dji-ota devices, push and watch add what devices report.\n');
  } else if (rows.length === 0) io.stderr.write('No device in the inventory is on these gateways.\n');
  return totals ? driftExitCode(totals) : 0;
}

/** Reads a manifest. An entry without a gateway gets the one of `pids`, or the one where the device was last heard. */
async function readTarget(source: string, pids: readonly string[], warn: Warn): Promise<ManifestDevice[]> {
  const defaultPids = pids.length === 1 ? pids : [NO_GATEWAY];
  const { devices, warnings } = await readManifest(source, {
    defaultPids,
    defaultType: null,
    allowFileWithoutUrl: true,
  });
  for (const { code, message } of warnings) warn(code, message);
  return devices;
}

/** `dji-ota inventory forget`. */
export async function forgetCommand(patterns: readonly string[], options: ForgetOptions, io: Io): Promise<number> {
  const { olderThan, dryRun = false, yes = false } = options;
  if (patterns.length === 0 && olderThan === undefined) {
    throw new OtaError('usage', 'no devices to forget are given', {
      hint: 'Give serial numbers (globs allowed), or --older-than, for example 90d.',
    });
  }
  const asked: Forgotten = { patterns, olderThan };
  const inventory = await readInventory({ env: io.env, warn: warner(io) });
  const sns = toForget(inventory, asked, io.clock.wall());
  const many = `${sns.length} ${sns.length === 1 ? 'device' : 'devices'}`;
  if (!dryRun && !yes && sns.length > 0 && isInteractive(io)) {
    io.stderr.write(`${sns.join('\n')}\n`);
    const { confirm } = await import('../../prompt.js');
    const terminal = { input: io.stdin, output: io.stderr, signal: io.signal };
    if (!(await confirm(`Forget ${sns.length === 1 ? 'this device' : `these ${many}`}?`, terminal))) return 0;
  }
  if (!dryRun) await forgetDevices(sns, asked, io);
  for (const sn of sns) io.stdout.write(`${sn}\n`);
  io.stderr.write(dryRun ? `${many} would be forgotten.\n` : `${many} forgotten.\n`);
  return 0;
}
