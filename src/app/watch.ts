/** Follows upgrades that another program started. */
import { createFleetFeed } from '../fleet/feed.js';
import type { RunResult } from '../upgrade/end.js';
import { watch as runWatch, type WatchOptions } from '../upgrade/watch.js';
import type { Connect, Context } from './context.js';
import { DEFAULTS } from './defaults.js';
import { keepInventory } from './inventory/keep.js';
import type { Limits } from './push-settings.js';

interface WatchRequest {
  /** Serial numbers of gateways. */
  pids: readonly string[];
  /** Only these upgrades; default all. */
  bids?: readonly string[] | undefined;
  /** Do not end when all observed upgrades have ended. */
  follow?: boolean | undefined;
  limits?: Pick<Limits, 'stall' | 'total'> | undefined;
  connect: Connect;
  /** Store what the devices report in the inventory. */
  inventory?: boolean | undefined;
  /** The devices of a job that is known from another source. */
  devicesOf?: WatchOptions['devicesOf'];
}

/** Runs until every observed upgrade has ended, or until `follow` and the limits end it. */
export async function watch(request: WatchRequest, context: Context): Promise<RunResult> {
  const { limits = {} } = request;
  const { clock, emit, signal } = context;
  const feed = request.inventory ? createFleetFeed(clock) : undefined;
  const close = feed && keepInventory(feed, 'watch', context);
  const result = await runWatch({
    pids: request.pids,
    bids: request.bids ?? [],
    follow: request.follow ?? false,
    stallTimeout: limits.stall ?? DEFAULTS.stallTimeout,
    timeout: limits.total ?? null,
    devicesOf: request.devicesOf,
    feed,
    connect: request.connect,
    clock,
    emit,
    signal,
    onPhase: (phase) => context.phase?.(phase),
    onView: (view) => context.view?.(view),
  });
  await close?.();
  return result;
}
