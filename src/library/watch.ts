import { DEFAULTS } from '../app/defaults.js';
import { checkedPids } from '../app/named-values.js';
import { systemClock } from '../clock.js';
import { OtaError } from '../errors.js';
import type { RunView } from '../upgrade/tracker/state.js';
import { watch as runWatch } from '../upgrade/watch.js';
import { type BrokerOptions, type ConnectFunction, connectFunction } from './broker.js';
import { type Run, startRun } from './run.js';

export interface WatchRequest {
  /** Gateways, at least one. */
  pids: string | readonly string[];
  /** Only these upgrades; default all. */
  bids?: readonly string[];
  /** Do not end when all upgrades that were seen have ended. */
  follow?: boolean;
  broker: BrokerOptions | ConnectFunction;
  /** Milliseconds. Defaults: stall 30 min, total none. */
  limits?: { stall?: number; total?: number };
  signal?: AbortSignal;
  onView?: (view: RunView) => void;
}

/** Follows upgrades that something else started, as `dji-ota watch` does. Publishes nothing, prints nothing. */
export function watch(request: WatchRequest): Run {
  return startRun(async (emit) => {
    const pids = checkedPids('pid', request.pids);
    if (pids.length === 0)
      throw new OtaError('usage', 'no gateway is given', { hint: 'Say which ones to watch in pids.' });
    return runWatch({
      pids,
      bids: request.bids ?? [],
      follow: request.follow ?? false,
      stallTimeout: request.limits?.stall ?? DEFAULTS.stallTimeout,
      timeout: request.limits?.total ?? null,
      connect: connectFunction(request.broker),
      clock: systemClock,
      emit,
      signal: request.signal ?? new AbortController().signal,
      ...(request.onView ? { onView: request.onView } : {}),
    });
  });
}
