/** Lists what gateways and their aircraft report of themselves. */
import type { Clock } from '../clock.js';
import { OtaError } from '../errors.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { createGroups } from '../fleet/groups.js';
import { createInventory, type Inventory } from '../fleet/inventory.js';
import { listenToFleet } from '../fleet/listen.js';
import type { Fleet } from '../fleet/properties.js';
import { type DeviceRow, deviceRow, type Target, withPartners } from '../fleet/rows.js';
import type { ManifestDevice } from '../manifest/model.js';
import { selectDevices } from '../manifest/select.js';
import type { Broker } from '../mqtt/broker.js';
import { serialProblem } from '../protocol/topics.js';
import type { Connect, Context } from './context.js';
import { keepInventory } from './inventory/keep.js';
import { checkedPids } from './named-values.js';

type DevicesContext = Pick<Context, 'clock' | 'signal' | 'warn'>;

/** What is listed: the gateways in order, and what a manifest says of devices, by serial number. */
export interface DevicesScope {
  pids: readonly string[] | 'all';
  targets: ReadonlyMap<string, Target>;
  /** There is a manifest, even if it has no version for the listed devices. */
  hasTarget: boolean;
  /** Only devices of the manifest are listed. */
  targetsOnly: boolean;
  /** What was reported in earlier runs. */
  inventory: Inventory;
}

/**
 * Checks what is to be listed. `pids`: gateways; empty with `all`, or to list those of `target`. `select`: labels, as for
 * {@link selectDevices}. @throws OtaError `usage` if no gateway is named, or a name is not valid
 */
export function scopeOf(
  pids: readonly string[],
  all: boolean,
  target?: readonly ManifestDevice[],
  { select, inventory = createInventory() }: { select?: readonly string[] | undefined; inventory?: Inventory } = {},
): DevicesScope {
  if (select && !target) {
    throw new OtaError('usage', '--select is given without --target', {
      hint: 'Labels are in a manifest: give it with --target.',
    });
  }
  const devices = selectDevices(target ?? [], { select });
  const named = checkedPids('--pid', pids.length > 0 ? pids : all ? [] : devices.map(({ pid }) => pid));
  if (named.length === 0 && !all) {
    const hint = 'Give --pid <sn>, --target <manifest>, or --all for all gateways on the broker.';
    throw new OtaError('usage', 'no gateway is given', { hint });
  }
  const listed = new Set(named);
  const inScope = devices.filter(({ sn, pid }) => !serialProblem(sn) && (all || listed.has(pid)));
  return {
    pids: all ? 'all' : named,
    targets: new Map(inScope.map((device) => [device.sn, device])),
    hasTarget: target !== undefined,
    targetsOnly: select !== undefined,
    inventory,
  };
}

/** The listed devices of a gateway, each with its row. */
export function rowsOf(
  { targets, targetsOnly, inventory }: DevicesScope,
  fleet: Fleet,
  pid: string,
  members: readonly string[],
  clock: Clock,
): DeviceRow[] {
  const listed = targetsOnly ? members.filter((sn) => targets.has(sn)) : members;
  return withPartners(listed.map((sn) => deviceRow(fleet, sn, pid, targets.get(sn) ?? null, inventory, clock)));
}

/** The gateway that a manifest gives each device. A push would use this one, so the device is listed there. */
export function fixedOf(scope: DevicesScope): Map<string, string> {
  return new Map([...scope.targets].map(([sn, { pid }]) => [sn, pid]));
}

/**
 * Connects, and passes `work` a feed of what the docks report.
 * @param env where the reports are stored in the inventory; null = they are not stored
 * @param by the command that listens
 * @throws OtaError those of a connection, and what `work` throws
 */
export async function withFleet<T>(
  connect: Connect,
  { clock, signal, warn }: DevicesContext,
  env: Context['env'] | null,
  work: (feed: FleetFeed, broker: Broker) => Promise<T>,
  by = 'devices',
): Promise<T> {
  const feed = createFleetFeed(clock);
  let gone: Error | null = null;
  const broker = await connect(
    {
      onMessage: feed.handle,
      onLost: (reason) => warn('broker_lost', `connection to the broker lost, reconnecting: ${reason}`),
      onRestored: () => warn('broker_restored', 'connection to the broker restored'),
      onGone(error) {
        gone = error;
        feed.fail(error);
      },
    },
    signal,
  );
  const closeInventory = env && keepInventory(feed, by, { clock, env, warn });
  try {
    if (gone) throw gone;
    return await work(feed, broker);
  } finally {
    await broker.close();
    await closeInventory?.();
    if (feed.fleet.ignored > 0) {
      const many = `${feed.fleet.ignored} messages were ignored`;
      warn('messages_ignored', `${many}: the broker names more devices than any fleet has`);
    }
  }
}

/** Listens for at most `timeout` milliseconds. @returns a row for each device; null if `signal` ended it */
export async function listDevices(
  scope: DevicesScope,
  timeout: number,
  feed: FleetFeed,
  broker: Broker,
  { clock, signal, warn }: DevicesContext,
): Promise<DeviceRow[] | null> {
  const onWarning = (message: string) => warn('topic_denied', message);
  const sns = [...scope.targets.keys()];
  const heard = await listenToFleet(feed, broker, scope.pids, sns, { clock, timeout, signal, onWarning });
  heard.stop();
  if (heard.ended === 'aborted') return null;
  // Without a connection nothing is known about the docks, so they must not be listed as offline.
  if (!broker.connected) {
    throw new OtaError('broker_lost', `the connection to ${broker.url} was lost while listening to the docks`, {
      hint: 'Try again when the broker can be reached.',
    });
  }
  const groups = createGroups(feed.fleet, fixedOf(scope));
  return (scope.pids === 'all' ? groups.gateways() : scope.pids).flatMap((pid) =>
    rowsOf(scope, feed.fleet, pid, groups.membersOf(pid), clock),
  );
}
