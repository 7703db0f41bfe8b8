import type { RunEvent } from '../events.js';
import type { Fact } from '../facts.js';
import { apply } from '../tracker/tracker.js';
import type { RunCore } from './core-state.js';

/**
 * Ends a device without an upgrade. One that waited for a new attempt keeps the end of its last attempt; any other one is
 * `not_started`. `unready`: because its gateway was not ready.
 */
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
