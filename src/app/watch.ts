/** Follows upgrades that something else started. */
import { createFleetFeed } from '../fleet/feed.js';
import type { RunResult } from '../upgrade/end.js';
import { watch as runWatch, type WatchOptions } from '../upgrade/watch.js';
import type { Connect, Context } from './context.js';
import { DEFAULTS } from './defaults.js';
import { keepInventory } from './inventory/keep.js';
import type { Limits } from './push-settings.js';

interface WatchRequest {
  /** Gateways. */
  pids: readonly string[];
  /** Only these upgrades; default all. */
  bids?: readonly string[] | undefined;
  /** Do not end when all upgrades that were seen have ended. */
  follow?: boolean | undefined;
  limits?: Pick<Limits, 'stall' | 'total'> | undefined;
  connect: Connect;
  /** Keep what the devices report of themselves. */
  inventory?: boolean | undefined;
  /** Devices of a job that is known from elsewhere. */
  devicesOf?: WatchOptions['devicesOf'];
}

/** Runs until every upgrade that it has seen has ended, or as `follow` and the limits say. */
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
