/**
 * A push without its I/O: the tracker and the roll-out combined. Everything that follows from a fact by rule (a gateway is
 * free, a wave has ended, a device will not get its turn) is computed here, so that replaying the facts gives the same run.
 */
import { pairOf } from '../../fleet/pair.js';
import { hasFailed } from '../counting.js';
import type { RunEvent } from '../events.js';
import type { Fact, FactOf } from '../facts.js';
import { isSplit, splitEvent } from '../plan/pairs.js';
import type { Plan, PlannedGateway } from '../plan/plan.js';
import {
  deviceEnded,
  isOver,
  type JobResult,
  jobEnded,
  jobStarted,
  type Start,
  takeLeftOver,
} from '../rollout/rollout.js';
import { createRollout } from '../rollout/state.js';
import { dropDevice, waitEnds } from '../rollout/waiting.js';
import { hasTarget, outcomeOf } from '../tracker/jobs.js';
import type { DeviceState, JobState } from '../tracker/state.js';
import { apply, createTracker } from '../tracker/tracker.js';
import type { CoreOptions, RunCore } from './core-state.js';
import { leaveOut } from './leave-out.js';
import { advanceWaiting, pidOf } from './waiting-gateways.js';
import { withWaves } from './wave-events.js';

export type { CoreOptions, Limits, RunCore } from './core-state.js';

/** How long a device that already reports the target version may take to report its own end, in milliseconds. */
export const EVIDENCE_WAIT = 60_000;
/** Milliseconds to listen after a reconnect: docks report about every 2 s, in several partial messages. */
const HEAR_OUT = 10_000;

/** Creates the core of a run. `skipped`: devices (indexes) that have nothing to do and are not part of the roll-out. */
export function createCore(plan: Plan, options: CoreOptions, skipped: ReadonlySet<number> = new Set()): RunCore {
  const gateways = skipped.size === 0 ? plan.gateways : withoutSkipped(plan, skipped);
  const skippedOn = new Map<string, number[]>();
  for (const index of skipped) {
    const pid = plan.devices[index]?.pid ?? '';
    skippedOn.set(pid, [...(skippedOn.get(pid) ?? []), index]);
  }
  return {
    plan,
    tracker: createTracker(plan.devices, options.tracker, options.rollout.retryWait),
    rollout: createRollout(
      gateways.map(({ jobs }) => jobs),
      options.rollout,
    ),
    options,
    running: new Map(),
    gatewayOfPid: new Map(gateways.map(({ pid }, index) => [pid, index])),
    skipped: skippedOn,
    split: new Set(),
    cut: null,
  };
}

/** Applies one fact and everything that follows from it. Returns the events that it causes. */
export function advance(core: RunCore, fact: Fact): RunEvent[] {
  return toldOf(core, follow(core, fact));
}

/** Adds the wave events that follow from `events`. */
function toldOf(core: RunCore, events: RunEvent[]): RunEvent[] {
  return core.cut === null ? withWaves(core.rollout, events) : events;
}

function follow(core: RunCore, fact: Fact): RunEvent[] {
  if (fact.type === 'stop_requested') return stopRun(core, fact.reason, fact.at);
  const before = core.rollout.stopped;
  if (fact.type === 'gateway_waiting' || fact.type === 'gateway_ready' || fact.type === 'wait_passed') {
    return withRest(core, before, fact.at, advanceWaiting(core, fact));
  }
  const { events, job } = apply(core.tracker, fact);
  if (fact.type === 'left_out' && fact.late) {
    const gateway = core.gatewayOfPid.get(core.tracker.devices[fact.device]?.pid ?? '');
    if (gateway !== undefined) dropDevice(core.rollout, gateway, fact.device, fact.at);
    return withRest(core, before, fact.at, events);
  }
  if (fact.type === 'job_opened') {
    const gateway = core.gatewayOfPid.get(fact.pid);
    if (gateway !== undefined && job) core.running.set(gateway, job);
  }
  if (fact.type === 'cut_off') {
    core.cut ??= fact.cause;
    core.running.clear();
    return events;
  }
  if (job) endIfOver(core, job, fact.at, events);
  if (job && (REPORTS.has(fact.type) || events.some(({ event }) => event === 'device_finished'))) {
    tellSplit(core, job.pid, events);
  }
  return events;
}

const REPORTS: ReadonlySet<Fact['type']> = new Set(['version_reported', 'model_reported']);

/** Emits `pair_split`, once, for a gateway whose dock and aircraft have both ended on different releases. */
function tellSplit(core: RunCore, pid: string, events: RunEvent[]): void {
  const pair = core.split.has(pid) ? null : pairOn(core, pid);
  if (!pair || !isSplit(pair)) return;
  core.split.add(pid);
  events.push(splitEvent(pid, pair));
}

function pairOn(core: RunCore, pid: string): ReturnType<typeof pairOf<DeviceState>> {
  const gateway = core.gatewayOfPid.get(pid);
  if (gateway === undefined) return null;
  // A skipped device is not part of the roll-out, but it is still half of its pair.
  const indexes = [...(core.rollout.gateways[gateway]?.jobs.flat() ?? []), ...(core.skipped.get(pid) ?? [])];
  return pairOf(indexes.flatMap((index) => core.tracker.devices[index] ?? []));
}

/** The split pairs that a replayed run already knows. A late end may have shown a split that no process emitted. */
export function splitPairs(core: RunCore): RunEvent[] {
  return [...core.split].flatMap((pid) => {
    const pair = pairOn(core, pid);
    return pair ? splitEvent(pid, pair) : [];
  });
}

/**
 * {@link advance} for a fact of an earlier process, in which the roll-out of this process did not claim the start. Facts may be
 * missing if the journal is damaged.
 */
export function replay(core: RunCore, fact: Fact): RunEvent[] {
  if (fact.type !== 'job_opened') return advance(core, fact);
  const gateway = core.gatewayOfPid.get(fact.pid);
  if (gateway === undefined || core.tracker.byBid.has(fact.bid)) return [];
  const devices = [...new Set(fact.devices)].filter((device) => canOpen(core, device, fact.pid));
  if (devices.length === 0) return [];
  const events = endUnseen(core, gateway, fact.at);
  jobStarted(core.rollout, { gateway, devices, attempt: fact.attempt });
  events.push(...advance(core, { ...fact, devices }));
  return events;
}

/** A gateway runs one job at a time. If a second one was opened, the first one has ended, even if its end was not recorded. */
function endUnseen(core: RunCore, gateway: number, at: number): RunEvent[] {
  const job = core.running.get(gateway);
  if (!job) return [];
  const events = job.devices.flatMap(({ index, phase }) => {
    const limit = phase === 'verifying' ? 'verify' : 'stall';
    return apply(core.tracker, { type: 'limit', at, device: index, limit, ms: 0 }).events;
  });
  core.running.delete(gateway);
  // Not counted as unknown: after an unknown end the earlier process would not have started another job here.
  const { good } = resultOf(job);
  jobEnded(core.rollout, gateway, { good, bad: job.devices.length - good, unknown: 0, retry: [] }, at);
  return events;
}

function canOpen(core: RunCore, index: number, pid: string): boolean {
  const device = core.tracker.devices[index];
  return device?.pid === pid && (device.phase === 'waiting' || device.phase === 'retry_wait');
}

/** Whether every device has ended, or the run was cut off. */
export function isRunOver(core: RunCore): boolean {
  return core.cut !== null || isOver(core.rollout);
}

/** The time limits that have passed at `now`, and the time of the next one; null = no limit is running. */
export function dueLimits(
  core: RunCore,
  now: number,
): { due: (FactOf<'limit'> | FactOf<'wait_passed'>)[]; next: number | null } {
  const due: (FactOf<'limit'> | FactOf<'wait_passed'>)[] = [];
  let next: number | null = null;
  if (core.tracker.lostAt !== null) return { due, next };
  for (const gateway of core.rollout.waiting.keys()) {
    // After a reconnect, listen to the docks again before giving up on them.
    const until = Math.max(waitEnds(core.rollout, gateway) ?? 0, core.tracker.restoredAt + HEAR_OUT);
    const ms = core.options.rollout.waitReady ?? 0;
    if (until <= now) due.push({ type: 'wait_passed', at: now, pid: pidOf(core, gateway), ms });
    else next = next === null ? until : Math.min(next, until);
  }
  for (const job of core.running.values()) {
    for (const device of job.devices) {
      const limit = limitOf(core, job, device);
      if (!limit) continue;
      if (limit.until <= now) {
        const proven = limit.limit !== 'verify' && hasTarget(device) ? { proven: true } : {};
        due.push({ type: 'limit', at: now, device: device.index, limit: limit.limit, ms: limit.ms, ...proven });
      } else next = next === null ? limit.until : Math.min(next, limit.until);
    }
  }
  return { due, next };
}

interface Running {
  limit: 'reply' | 'stall' | 'verify';
  ms: number;
  until: number;
}

function limitOf(core: RunCore, job: JobState, device: DeviceState): Running | null {
  const { limits } = core.options;
  // Time during which the broker was away does not count.
  const from = (at: number) => Math.max(at, core.tracker.restoredAt);
  if (device.phase === 'verifying') {
    return { limit: 'verify', ms: limits.verify, until: from(device.endedAt ?? 0) + limits.verify };
  }
  if (device.phase !== 'open' || device.bid !== job.bid) return null;
  // A request without the broker's acknowledgement falls under the stall limit, because it may still be queued in this process.
  // A request of an earlier process is not queued anywhere: if it was sent, its reply is due.
  const sentAt = job.acknowledgedAt ?? (job.uncertain ? job.openedAt : null);
  if (!job.accepted && !job.heard && sentAt !== null) {
    return { limit: 'reply', ms: limits.reply, until: from(sentAt) + limits.reply };
  }
  const until = from(device.heardAt ?? job.openedAt) + limits.stall;
  if (device.reportedOther && hasTarget(device)) {
    return { limit: 'stall', ms: limits.stall, until: Math.min(until, from(device.reportedAt ?? 0) + EVIDENCE_WAIT) };
  }
  return { limit: 'stall', ms: limits.stall, until };
}

function endIfOver(core: RunCore, job: JobState, at: number, events: RunEvent[]): void {
  const gateway = core.gatewayOfPid.get(job.pid);
  if (gateway === undefined || core.running.get(gateway) !== job) return;
  const before = core.rollout.stopped;
  if (!job.ended || job.devices.some((device) => device.phase === 'verifying')) {
    // Count a failure at once. The other device of the job may run for another hour.
    for (const event of [...events]) {
      if (event.event !== 'device_finished') continue;
      deviceEnded(core.rollout, gateway, hasFailed(event) || event.status === 'unknown', at);
    }
    if (before === null && core.rollout.stopped !== null) leaveRest(core, core.rollout.stopped, at, events);
    return;
  }
  core.running.delete(gateway);
  const dropped = jobEnded(core.rollout, gateway, resultOf(job), at);
  const stopped = core.rollout.stopped;
  const reason =
    before === null
      ? `an upgrade with an unknown outcome may still be running on gateway ${job.pid}`
      : `the run was stopped: ${before}`;
  for (const device of dropped) leaveOut(core, device, reason, at, events);
  if (before === null && stopped !== null) leaveRest(core, stopped, at, events);
}

/** Stops the run: no more gateways are started, and no new attempts. */
function stopRun(core: RunCore, reason: string, at: number): RunEvent[] {
  const events: RunEvent[] = [];
  if (core.cut !== null || core.rollout.stopped !== null) return events;
  core.rollout.stopped = reason;
  leaveRest(core, reason, at, events);
  return events;
}

function leaveRest(core: RunCore, stopped: string, at: number, events: RunEvent[]): void {
  events.push({ event: 'run_stopping', reason: stopped });
  for (const device of takeLeftOver(core.rollout))
    leaveOut(core, device, `the run was stopped: ${stopped}`, at, events);
}

/** Appends what follows to `events` if they stopped the run. */
function withRest(core: RunCore, before: string | null, at: number, events: RunEvent[]): RunEvent[] {
  const { stopped } = core.rollout;
  if (before === null && stopped !== null) leaveRest(core, stopped, at, events);
  return events;
}

/** Takes back starts that could not be recorded, and stops the run. None of them was published. */
export function refuseStarts(core: RunCore, starts: readonly Start[], reason: string, at: number): RunEvent[] {
  const events: RunEvent[] = [];
  if (core.rollout.stopped === null) events.push({ event: 'run_stopping', reason });
  core.rollout.stopped ??= reason;
  for (const { gateway, devices } of starts) {
    for (const device of devices) leaveOut(core, device, reason, at, events);
    const left = jobEnded(core.rollout, gateway, { good: 0, bad: devices.length, unknown: 0, retry: [] }, at);
    for (const device of left) leaveOut(core, device, reason, at, events);
  }
  for (const device of takeLeftOver(core.rollout)) leaveOut(core, device, reason, at, events);
  return toldOf(core, events);
}

/** Takes back one start that cannot be published. The run continues without it. */
export function withdrawStart(core: RunCore, { gateway, devices }: Start, reason: string, at: number): RunEvent[] {
  const events: RunEvent[] = [];
  for (const device of devices) leaveOut(core, device, reason, at, events);
  const result = { good: 0, bad: devices.length, unknown: 0, retry: [] };
  const before = core.rollout.stopped;
  for (const device of jobEnded(core.rollout, gateway, result, at)) leaveOut(core, device, reason, at, events);
  if (before === null && core.rollout.stopped !== null) leaveRest(core, core.rollout.stopped, at, events);
  return toldOf(core, events);
}

function resultOf(job: JobState): JobResult {
  const result = { good: 0, bad: 0, unknown: 0, retry: [] as number[] };
  for (const device of job.devices) {
    if (device.phase === 'retry_wait') result.retry.push(device.index);
    else if (hasFailed(outcomeOf(device)) || device.status === 'not_started') result.bad++;
    else if (device.status === 'unknown') result.unknown++;
    else result.good++;
  }
  return result;
}

function withoutSkipped({ gateways }: Plan, skipped: ReadonlySet<number>): PlannedGateway[] {
  return gateways.flatMap(({ pid, jobs }) => {
    const left = jobs.map((job) => job.filter((device) => !skipped.has(device))).filter((job) => job.length > 0);
    return left.length > 0 ? [{ pid, jobs: left }] : [];
  });
}
