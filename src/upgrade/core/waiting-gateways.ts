/** Applies facts about gateways that wait to become ready (`--wait-ready`). */
import { showDuration } from '../../text.js';
import type { RunEvent } from '../events.js';
import type { FactOf } from '../facts.js';
import { nextOf } from '../rollout/rollout.js';
import { gatewayAt } from '../rollout/state.js';
import { beginWait, endWait, giveUpWait, mayTellReason } from '../rollout/waiting.js';
import { noteWait } from '../tracker/tracker.js';
import type { RunCore } from './core-state.js';
import { leaveOut } from './leave-out.js';

type WaitingFact = FactOf<'gateway_waiting'> | FactOf<'gateway_ready'> | FactOf<'wait_passed'>;

/** The serial number of a gateway of the roll-out. */
export function pidOf({ plan, rollout }: RunCore, gateway: number): string {
  return plan.devices[rollout.gateways[gateway]?.jobs[0]?.[0] ?? -1]?.pid ?? '';
}

/** Applies one such fact to the roll-out and the tracker. Returns the events that it causes. */
export function advanceWaiting(core: RunCore, fact: WaitingFact): RunEvent[] {
  const { rollout, tracker, gatewayOfPid } = core;
  const { at, pid } = fact;
  const events: RunEvent[] = [];
  const gateway = gatewayOfPid.get(pid);
  if (gateway === undefined || core.cut !== null || rollout.stopped !== null) return events;
  const { phase } = gatewayAt(rollout, gateway);
  if (phase === 'running' || phase === 'ended') return events;
  const devices = nextOf(rollout, gateway).devices;
  if (fact.type === 'gateway_waiting') {
    beginWait(rollout, gateway, fact.reason, at);
    noteWait(tracker, devices, fact.reason);
    if (mayTellReason(rollout, gateway, at)) {
      events.push({ event: 'device_waiting', pid, sn: null, code: 'not_ready', reason: fact.reason });
    }
  } else if (fact.type === 'gateway_ready') {
    endWait(rollout, gateway, at);
    noteWait(tracker, devices, null);
  } else {
    const reason = rollout.waiting.get(gateway)?.reason;
    // A device of the pair that had nothing to do counts as a good end in this wave.
    if (core.skipped.has(pid)) rollout.waveGood = true;
    const given = giveUpWait(rollout, gateway, at);
    const why = `not ready within ${showDuration(fact.ms)}: ${reason}`;
    for (const device of given) leaveOut(core, device, why, at, events, true);
  }
  return events;
}
