/** `dji-ota devices`: what gateways and aircraft there are, and whether they can be upgraded. */

import { connector } from '../../../app/connect.js';
import type { Clock } from '../../../clock.js';
import { EXIT_CODES, OtaError } from '../../../errors.js';
import { createFleetFeed, type FleetFeed } from '../../../fleet/feed.js';
import { createGroups } from '../../../fleet/groups.js';
import { listenToFleet } from '../../../fleet/listen.js';
import { type DeviceRow, deviceRow } from '../../../fleet/rows.js';
import type { Broker } from '../../../mqtt/broker.js';
import { stylesFor } from '../../../render/chalk-styles.js';
import { useColor } from '../../../render/color.js';
import { terminalWidth } from '../../../render/stream.js';
import { safeJson, safeText, showDuration } from '../../../text.js';
import { type Io, warner } from '../../io.js';
import type { CommonOptions } from '../../options/common.js';
import type { Options } from '../../options/declaration.js';
import { readConnection } from '../../read-connection.js';
import type { DEVICES } from './command.js';
import { type DevicesIo, type DevicesOptions, fixedOf, type Scope, scopeOf } from './scope.js';
import { devicesTable } from './view.js';
import { watchDevices } from './watch.js';

export type { DevicesIo, DevicesOptions } from './scope.js';

/** `dji-ota devices`. @returns the exit code */
export async function devicesCommand(options: Options<typeof DEVICES> & CommonOptions, io: Io): Promise<number> {
  const { pid: pids = [], all = false, watch = false, output, timeout } = options;
  const target =
    options.target === undefined
      ? undefined
      : await (await import('../../../manifest/read.js')).readManifest(options.target, {
          defaultPids: pids,
          defaultType: null,
          allowFileWithoutUrl: true,
        });
  const connect = connector(await readConnection(options, io, warner(io)), { sessionExpiry: 0 });
  const { stdout, stderr, signal, onExit, clock } = io;
  return showDevices(
    { pids, all, target, watch, output, timeout },
    {
      stdout,
      stderr,
      signal,
      onExit,
      clock,
      connect: (events) => connect(events, signal),
      color: useColor(stdout, io.env, options.color),
      width: terminalWidth(stdout),
    },
  );
}

/**
 * Lists the devices, or keeps the list live with `watch` until `signal` aborts. A gateway that says nothing is listed as
 * offline: that is an answer, so the exit code is 0.
 * @returns the exit code: 0, or that of an interruption.
 * @throws OtaError `usage`, `broker_unreachable`, `broker_refused`, `broker_lost`.
 */
export async function showDevices(options: DevicesOptions, io: DevicesIo): Promise<number> {
  const scope = scopeOf(options);
  const feed = createFleetFeed(io.clock);
  const warn = (message: string) => void io.stderr.write(`warning: ${safeText(message, 500)}\n`);
  let gone: Error | null = null;
  const broker = await io.connect({
    onMessage: feed.handle,
    onLost: (reason) => warn(`connection to the broker lost, seeking it: ${reason}`),
    onRestored: () => warn('connection to the broker restored'),
    onGone(error) {
      gone = error;
      feed.fail(error);
    },
  });
  try {
    if (gone) throw gone;
    if (options.watch) await watchDevices(options, scope, feed, broker, warn, io);
    else await listDevices(options, scope, feed, broker, warn, io);
  } finally {
    await broker.close();
  }
  if (feed.fleet.ignored > 0) {
    warn(`${feed.fleet.ignored} messages were ignored: the broker names more devices than any fleet has`);
  }
  return io.signal.aborted ? interruptCode(io.signal.reason) : 0;
}

async function listDevices(
  { output, timeout, target }: DevicesOptions,
  scope: Scope,
  feed: FleetFeed,
  broker: Broker,
  onWarning: (message: string) => void,
  { stdout, stderr, signal, clock, color, width }: DevicesIo,
): Promise<void> {
  const telling = output === 'table' && stderr.isTTY === true;
  if (telling) stderr.write(`Listening on ${safeText(broker.url)} for up to ${showDuration(timeout)}...`);
  const sns = [...scope.targets.keys()];
  const heard = await listenToFleet(feed, broker, scope.pids, sns, { clock, timeout, signal, onWarning }).finally(
    () => {
      if (telling) stderr.write('\r\u001b[K');
    },
  );
  heard.stop();
  if (heard.ended === 'aborted') return;
  const rows = rowsOf(scope, feed, clock);
  if (output === 'json') {
    const time = new Date(clock.wall()).toISOString();
    stdout.write(`${safeJson(JSON.stringify({ schema: 1, time, broker: broker.url, devices: rows }))}\n`);
  } else if (rows.length === 0) {
    stderr.write(`No device was heard of within ${showDuration(timeout)} on ${safeText(broker.url)}.\n`);
  } else {
    stdout.write(`${devicesTable(rows, target !== undefined, width, stylesFor(color))}\n`);
  }
}

function rowsOf(scope: Scope, feed: FleetFeed, clock: Clock): DeviceRow[] {
  const groups = createGroups(feed.fleet, fixedOf(scope));
  return (scope.pids === 'all' ? groups.gateways() : scope.pids).flatMap((pid) =>
    groups.membersOf(pid).map((sn) => deviceRow(feed.fleet, sn, pid, scope.targets.get(sn)?.version ?? null, clock)),
  );
}

function interruptCode(reason: unknown): number {
  if (typeof reason === 'number') return reason;
  return reason instanceof OtaError ? reason.exitCode : EXIT_CODES.interrupted;
}
