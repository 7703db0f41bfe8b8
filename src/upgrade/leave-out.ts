import type { RunCore } from './core-state.js';
import type { RunEvent } from './events.js';
import type { Fact } from './facts.js';
import { apply } from './tracker/tracker.js';

/** A device that waited for another attempt keeps the end that it had; one that never had a turn is `not_started`. `unready`: because it was not ready. */
export function leaveOut(
  core: RunCore,
  device: number,
  reason: string,
  at: number,
  events: RunEvent[],
  unready = false,
): void {
  const waits = core.tracker.devices[device]?.phase === 'retry_wait';
  const fact: Fact = waits
    ? { type: 'retry_given_up', at, device }
    : { type: 'left_out', at, device, outcome: 'not_started', unready, reason };
  events.push(...apply(core.tracker, fact).events);
}
