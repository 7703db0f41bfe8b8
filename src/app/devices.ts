/** What gateways and their aircraft report of themselves. */
import { OtaError } from '../errors.js';
import { createFleetFeed, type FleetFeed } from '../fleet/feed.js';
import { createGroups } from '../fleet/groups.js';
import { listenToFleet } from '../fleet/listen.js';
import { type DeviceRow, deviceRow, type Target } from '../fleet/rows.js';
import type { ManifestDevice } from '../manifest/model.js';
import type { Broker } from '../mqtt/broker.js';
import { serialProblem } from '../protocol/topics.js';
import type { Connect, Context } from './context.js';
import { keepInventory } from './inventory/keep.js';
import { checkedPids } from './named-values.js';

type DevicesContext = Pick<Context, 'clock' | 'signal' | 'warn'>;

/** What is listed: gateways in their order, and the versions of a manifest by serial. */
export interface DevicesScope {
  pids: readonly string[] | 'all';
  targets: ReadonlyMap<string, Target & { pid: string }>;
  /** There is a manifest, though it may have no version for what is listed. */
  hasTarget: boolean;
}

/**
 * `pids`: gateways; none with `all`, or to take those of `target`.
 * @throws OtaError `usage` where no gateway is named, or one cannot be.
 */
export function scopeOf(pids: readonly string[], all: boolean, target?: readonly ManifestDevice[]): DevicesScope {
  const devices = target ?? [];
  const named = checkedPids('--pid', pids.length > 0 ? pids : all ? [] : devices.map(({ pid }) => pid));
  if (named.length === 0 && !all) {
    const hint = 'Give --pid <sn>, --target <manifest>, or --all for every gateway of the broker.';
    throw new OtaError('usage', 'no gateway is named', { hint });
  }
  const listed = new Set(named);
  const inScope = devices.filter(({ sn, pid }) => !serialProblem(sn) && (all || listed.has(pid)));
  return {
    pids: all ? 'all' : named,
    targets: new Map(
      inScope.map(({ sn, pid, product_version: version, firmware_upgrade_type: type }) => [sn, { pid, version, type }]),
    ),
    hasTarget: target !== undefined,
  };
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
      onLost: (reason) => warn('broker_lost', `connection to the broker lost, seeking it: ${reason}`),
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
  const groups = createGroups(feed.fleet, fixedOf(scope));
  return (scope.pids === 'all' ? groups.gateways() : scope.pids).flatMap((pid) =>
    groups.membersOf(pid).map((sn) => deviceRow(feed.fleet, sn, pid, scope.targets.get(sn) ?? null, clock)),
  );
}
