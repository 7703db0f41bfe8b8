/** `dji-ota devices`: prints the list once, or keeps it live. */
import { connector } from '../../../app/connect.js';
import type { Connect, Context } from '../../../app/context.js';
import { listDevices, scopeOf, withFleet } from '../../../app/devices.js';
import { readInventory } from '../../../app/inventory/keep.js';
import { EXIT_CODES, OtaError } from '../../../errors.js';
import type { Inventory } from '../../../fleet/inventory.js';
import type { ManifestDevice } from '../../../manifest/model.js';
import { readManifest } from '../../../manifest/read.js';
import { serialDoubt } from '../../../protocol/topics.js';
import { stylesFor } from '../../../render/terminal/chalk-styles.js';
import { useColor } from '../../../render/terminal/color.js';
import { terminalWidth } from '../../../render/terminal/stream.js';
import { quoted, safeJson, safeText, showDuration } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import { readConnection } from '../../read-connection.js';
import { checkRecord, recordedConnect } from '../../record.js';
import type { DevicesOptions } from './options.js';
import { devicesTable } from './view.js';
import { watchDevices } from './watch.js';

/** `dji-ota devices`. @returns the exit code: 0, or that of an interruption */
export async function devicesCommand(options: DevicesOptions, io: Io): Promise<number> {
  const { pid: pids = [] } = options;
  checkRecord(options);
  const warn = warner(io);
  const target = options.target === undefined ? undefined : await readTarget(options.target, pids, warn);
  for (const pid of pids) {
    const doubt = serialDoubt(pid);
    if (doubt !== null) warn('odd_serial', `--pid ${quoted(pid)} ${doubt}`);
  }
  const connection = await readConnection(options, io, warn);
  // The time limit includes connecting.
  const connectTimeout = options.watch
    ? connection.connectTimeout
    : Math.min(connection.connectTimeout, options.timeout);
  const connect = connector({ ...connection, connectTimeout }, { sessionExpiry: 0 }, warn);
  const serials = [...pids, ...(target ?? []).flatMap(({ sn, pid }) => [sn, pid])];
  const inventory = await readInventory({ env: io.env, warn });
  return showDevices(options, target, recordedConnect(connect, options, serials, io, warn), io, inventory);
}

/**
 * Lists the devices, or keeps the list live until `io.signal` is aborted. A gateway that sends nothing is listed as offline,
 * which is a result, so the exit code is 0.
 * @param inventory the reports of earlier runs; null = none, and new ones are not stored
 * @throws OtaError `usage`, `broker_unreachable`, `broker_refused`, `broker_lost`
 */
export async function showDevices(
  options: Omit<DevicesOptions, 'target'>,
  target: readonly ManifestDevice[] | undefined,
  connect: Connect,
  io: Io,
  inventory: Inventory | null = null,
): Promise<number> {
  const { pid: pids = [], all = false, output, timeout, select } = options;
  const scope = scopeOf(pids, all, target, { select, ...(inventory ? { inventory } : {}) });
  const { stdout, stderr, clock, signal } = io;
  const context = { clock, signal, warn: warner(io) };
  await withFleet(connect, context, inventory && io.env, async (feed, broker) => {
    if (options.watch) return watchDevices(options, scope, feed, broker, io);
    const telling = output === 'table' && stderr.isTTY === true;
    if (telling) stderr.write(`Listening on ${safeText(broker.url)} for up to ${showDuration(timeout)}...`);
    const rows = await listDevices(scope, timeout, feed, broker, context).finally(() => {
      if (telling) stderr.write('\r\u001b[K');
    });
    if (rows === null) return;
    if (output === 'json') {
      const time = new Date(clock.wall()).toISOString();
      stdout.write(`${safeJson(JSON.stringify({ schema: 1, time, broker: broker.url, devices: rows }))}\n`);
    } else if (rows.length === 0) {
      stderr.write(`No device reported within ${showDuration(timeout)} on ${safeText(broker.url)}.\n`);
    } else {
      const styles = stylesFor(useColor(stdout, io.env, options.color));
      stdout.write(`${devicesTable(rows, scope.hasTarget, clock.wall(), terminalWidth(stdout), styles)}\n`);
    }
  });
  return signal.aborted ? interruptCode(signal.reason) : 0;
}

async function readTarget(source: string, pids: readonly string[], warn: Context['warn']) {
  const options = { defaultPids: pids, defaultType: null, allowFileWithoutUrl: true };
  const { devices, warnings } = await readManifest(source, options);
  for (const { code, message } of warnings) warn(code, message);
  return devices;
}

function interruptCode(reason: unknown): number {
  if (typeof reason === 'number') return reason;
  return reason instanceof OtaError ? reason.exitCode : EXIT_CODES.interrupted;
}
