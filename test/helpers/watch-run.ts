/** A `watch` on a broker in memory, with a manual clock. */

import type { RunResult } from '../../src/upgrade/end.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import { type WatchOptions, watch } from '../../src/upgrade/watch.js';
import { type FakeBrokerOptions, fakeBroker, type ReceivedJob } from './fake-broker.js';
import { manualClock } from './manual-clock.js';
import { STALL, settle } from './upgrade-run.js';

export function startWatch(options: Partial<WatchOptions> = {}, brokerOptions: FakeBrokerOptions = {}) {
  const fake = fakeBroker(brokerOptions);
  const clock = manualClock();
  const abort = new AbortController();
  const events: RunEvent[] = [];
  let ended: RunResult | null = null;
  const result = watch({
    pids: ['P0', 'P1'],
    bids: [],
    follow: false,
    stallTimeout: STALL,
    timeout: null,
    connect: (to) => fake.connect(to),
    clock,
    emit: (event) => void events.push(event),
    signal: abort.signal,
    ...options,
  });
  result.then((value) => {
    ended = value;
  });
  return {
    ...{ fake, clock, abort, events, result },
    ended: () => ended,
    async pass(ms: number) {
      await settle();
      for (let left = ms; left > 0; left -= 1000) {
        clock.advance(Math.min(1000, left));
        await settle();
      }
    },
  };
}

/** An upgrade of another sender. */
export function theirs(bid = 'b1', pid = 'P0'): ReceivedJob {
  return { pid, bid, tid: `t-${bid}`, devices: [], count: 1 };
}
