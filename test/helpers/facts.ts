/** Short functions that create facts and messages for tests. */
import type { ProgressMessage, ReplyMessage } from '../../src/protocol/messages.js';
import type { RunEvent } from '../../src/upgrade/events.js';
import type { Fact, FactOf } from '../../src/upgrade/facts.js';
import { apply, createTracker, type Tracker, type TrackerOptions } from '../../src/upgrade/tracker/tracker.js';

export function opened(bid = 'b1', devices: number[] = [0, 1], attempt = 1, pid = 'P0'): FactOf<'job_opened'> {
  return { type: 'job_opened', at: 0, pid, bid, tid: `t-${bid}`, attempt, devices };
}

export function reply(more: Partial<ReplyMessage> = {}, pid = 'P0'): FactOf<'reply'> {
  const message = { method: 'ota_create', tid: 't-b1', bid: 'b1', result: 0, status: 'in_progress', ...more };
  return { type: 'reply', at: 1, pid, message };
}

export function progress(more: Partial<ProgressMessage> = {}, pid = 'P0', at = 2): FactOf<'progress'> {
  const message: ProgressMessage = {
    method: 'ota_progress',
    tid: 't-b1',
    bid: 'b1',
    sn: null,
    timestamp: null,
    needReply: false,
    result: 0,
    status: 'in_progress',
    percent: null,
    step: null,
    rate: null,
    ...more,
  };
  return { type: 'progress', at, pid, message };
}

/** A tracker with two devices `A` and `B` on gateway `P0`, and `C` on `P1`. */
export function trackerOf(options: Partial<TrackerOptions> = {}): Tracker {
  const devices = ['A', 'B', 'C'].map((sn) => ({ sn, pid: sn === 'C' ? 'P1' : 'P0', product_version: '2.0' }));
  return createTracker(devices, { match: 'bid', retries: 0, verify: 'off', adopt: 'none', ...options });
}

export function applyAll(tracker: Tracker, ...facts: Fact[]): RunEvent[] {
  return facts.flatMap((fact) => apply(tracker, fact).events);
}

/** Serial and status of each `device_finished`. */
export function ends(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.event === 'device_finished' ? [`${event.sn} ${event.status}`] : []));
}
