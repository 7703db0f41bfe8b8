/** What gateways and their aircraft report of themselves. */
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

/** What is listed: gateways in their order, and what a manifest says of devices, by serial. */
export interface DevicesScope {
  pids: readonly string[] | 'all';
  targets: ReadonlyMap<string, Target>;
  /** There is a manifest, though it may have no version for what is listed. */
  hasTarget: boolean;
  /** Devices of the manifest are listed, and no other one. */
  targetsOnly: boolean;
  /** What was reported to earlier commands. */
  inventory: Inventory;
}

/**
 * `pids`: gateways; none with `all`, or to take those of `target`. `select`: labels, as {@link selectDevices} takes them.
 * @throws OtaError `usage` where no gateway is named, or one cannot be.
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

/** The devices of a gateway that are listed, each with its row. */
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

/** The gateway that a manifest gives each device: there a push would look for it, so there it is listed. */
export function fixedOf(scope: DevicesScope): Map<string, string> {
  return new Map([...scope.targets].map(([sn, { pid }]) => [sn, pid]));
}

/**
 * Connects, and gives `work` what hears the docks.
 * @param env where what they say is kept in the inventory; null = nowhere
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

/** Listens for `timeout` milliseconds at most. @returns a row a device, or null where `signal` ended it */
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
  // Docks that nobody could hear are not offline.
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
