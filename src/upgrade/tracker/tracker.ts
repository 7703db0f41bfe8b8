/**
 * The state of a run: a reducer over facts. It does no I/O, has no clock, and does not decide what happens next. The same facts
 * give the same state and the same events. It changes the state in place, because a fleet sends thousands of messages a second;
 * no other module changes it.
 */
import type { Labels } from '../../manifest/model.js';
import { isProof, PROVEN_BY, type UpgradeType } from '../../protocol/upgrade-types.js';
import { sameVersion } from '../../protocol/versions.js';
import { safeText } from '../../text.js';
import { emptyTotals } from '../counting.js';
import type { DeviceOutcome, Outcome, RunEvent } from '../events.js';
import type { Fact, FactOf } from '../facts.js';
import { mayTell } from './bounds.js';
import {
  addDevice,
  addJob,
  announce,
  closeIfOver,
  deviceBySn,
  type Effect,
  finish,
  finishUnsent,
  hasTarget,
  newJob,
  nothing,
  openDevice,
  outcomeOf,
  type Tracker,
  type TrackerOptions,
} from './jobs.js';
import { createSeen, progressed, replied } from './messages.js';
import type { DeviceState, JobState } from './state.js';

export type { Effect, Tracker, TrackerOptions } from './jobs.js';

/** Creates a tracker for the devices of a run. None is published yet. */
export function createTracker(
  devices: readonly {
    sn: string;
    pid: string;
    product_version: string;
    labels?: Labels | undefined;
    firmware_upgrade_type?: UpgradeType | undefined;
  }[],
  options: TrackerOptions,
  retryWait = 0,
): Tracker {
  const tracker: Tracker = {
    options,
    devices: [],
    totals: emptyTotals(),
    retryWait,
    unready: 0,
    open: new Set(),
    byBid: new Map(),
    openByPid: new Map(),
    byTid: null,
    bySn: null,
    warned: new Set(),
    adopted: new Map(),
    lastEnded: new Map(),
    lostAt: null,
    restoredAt: Number.NEGATIVE_INFINITY,
  };
  for (const { pid, sn, product_version, labels, firmware_upgrade_type: type } of devices)
    addDevice(tracker, pid, sn, product_version, labels, type);
  return tracker;
}

/** Applies one fact. Never throws, whatever a message contains. */
export function apply(tracker: Tracker, fact: Fact): Effect {
  switch (fact.type) {
    case 'job_opened':
      return jobOpened(tracker, fact);
    case 'job_acknowledged':
      return withJob(tracker, fact.bid, (job) => {
        const events: RunEvent[] = [];
        job.acknowledgedAt = fact.at;
        job.uncertain = false;
        announce(job, fact.at, events);
        return events;
      });
    case 'job_unsent':
      return withJob(tracker, fact.bid, (job) => {
        if (fact.withdrawn || !mayHaveArrived(job))
          return endJob(tracker, job, (device) => finishUnsent(tracker, device, fact.reason, fact.at));
        // The broker refused a second copy, not the first one.
        job.uncertain = !job.accepted && !job.heard;
        return [];
      });
    case 'job_resent':
      return withJob(tracker, fact.bid, (job) => {
        job.resent = true;
        return [];
      });
    case 'reply':
      return replied(tracker, fact);
    case 'progress':
      return progressed(tracker, fact);
    case 'create_seen':
      return createSeen(tracker, fact);
    case 'limit':
      return limitPassed(tracker, fact);
    case 'version_reported':
      return versionReported(tracker, fact);
    case 'model_reported':
      return modelReported(tracker, fact);
    case 'state_reported':
      return stateReported(tracker, fact);
    case 'left_out':
      return withDevice(tracker, fact.device, (device) => {
        if (fact.unready) tracker.unready++;
        return [finish(tracker, device, fact.outcome, fact.reason, fact.at)];
      });
    case 'retry_given_up':
      return withDevice(tracker, fact.device, (device) =>
        device.phase === 'retry_wait'
          ? [finish(tracker, device, device.status as Outcome, device.reason, fact.at)]
          : [],
      );
    case 'broker_lost':
      tracker.lostAt = fact.at;
      return { events: [{ event: 'broker_lost', reason: fact.reason }], job: null };
    case 'broker_restored':
      tracker.lostAt = null;
      tracker.restoredAt = fact.at;
      return {
        events: [
          {
            event: 'broker_restored',
            reason: fact.sessionPresent ? null : 'the broker kept no session: messages sent meanwhile may be missing',
          },
        ],
        job: null,
      };
    // These facts concern the roll-out only.
    case 'stop_requested':
    case 'gateway_waiting':
    case 'gateway_ready':
    case 'wait_passed':
      return nothing();
    case 'cut_off':
      return cutOff(tracker, fact);
    case 'resumed':
      tracker.lostAt = null;
      tracker.restoredAt = fact.at;
      for (const job of tracker.open) {
        job.uncertain = job.acknowledgedAt === null && !job.accepted && !job.heard;
      }
      return nothing();
  }
}

/**
 * Whether a dock may have a request although the broker refused this copy: it was sent before, or the dock has replied to it.
 */
export function mayHaveArrived({ resent, accepted, heard }: JobState): boolean {
  return resent || accepted || heard;
}

/** The outcome of every device as it stands, in the manifest's order. One that waits for a new attempt ended as its last one did. */
export function outcomes(tracker: Tracker): DeviceOutcome[] {
  return tracker.devices.map((device) => {
    const outcome = outcomeOf(device);
    return device.phase === 'retry_wait' ? { ...outcome, status: device.status as Outcome } : outcome;
  });
}

/** Stores why devices that are not published yet wait; null = only for their turn. */
export function noteWait(tracker: Tracker, indexes: readonly number[], reason: string | null): void {
  for (const index of indexes) {
    const device = tracker.devices[index];
    if (device?.phase === 'waiting') device.reason = reason;
  }
}

function jobOpened(tracker: Tracker, fact: FactOf<'job_opened'>): Effect {
  if (tracker.byBid.has(fact.bid)) return nothing();
  const devices = fact.devices
    .flatMap((index) => tracker.devices[index] ?? [])
    .filter(({ phase }) => phase !== 'ended');
  // A copied array has exactly the size of its content.
  const job = newJob(fact.pid, fact.bid, fact.tid, fact.attempt, fact.at, [...devices]);
  for (const device of devices) openDevice(device, job, fact.at);
  addJob(tracker, job);
  return { events: [], job };
}

function withJob(tracker: Tracker, bid: string, run: (job: JobState) => RunEvent[]): Effect {
  const job = tracker.byBid.get(bid);
  return job && !job.ended ? { events: run(job), job } : nothing();
}

function withDevice(tracker: Tracker, index: number, run: (device: DeviceState) => RunEvent[]): Effect {
  const device = tracker.devices[index];
  if (!device || device.phase === 'ended') return nothing();
  const job = device.bid === null ? null : (tracker.byBid.get(device.bid) ?? null);
  const events = run(device);
  if (job) closeIfOver(tracker, job);
  return { events, job };
}

function limitPassed(tracker: Tracker, fact: FactOf<'limit'>): Effect {
  return withDevice(tracker, fact.device, (device) => {
    const seconds = Math.round(fact.ms / 1000);
    if (fact.limit === 'verify') {
      if (device.phase !== 'verifying') return [];
      if (device.reported !== null) device.verified = false;
      return [finish(tracker, device, 'ok', unverified(device, seconds), fact.at)];
    }
    if (device.phase !== 'open') return [];
    if (fact.proven || hasTarget(device)) {
      // The end was missed, but the device reports the target of its upgrade, which is sufficient evidence.
      device.percent = 100;
      device.verified = true;
      const what = device.type === 3 ? 'the version' : PROVEN_BY[device.type];
      return [finish(tracker, device, 'ok', `the last event was missed; the device reports ${what}`, fact.at)];
    }
    const uncertain = device.bid !== null && tracker.byBid.get(device.bid)?.uncertain === true;
    const reason = uncertain
      ? `it is not certain that the upgrade was sent, and nothing was reported within ${seconds} s; check the dock, or send it again with dji-ota resume --republish-uncertain`
      : fact.limit === 'reply'
        ? `no services_reply within ${seconds} s; the dock may be offline, or may be upgrading anyway`
        : `no message from the device for ${seconds} s; it may still be upgrading`;
    return [finish(tracker, device, 'unknown', reason, fact.at)];
  });
}

function unverified({ type, reported, target }: DeviceState, seconds: number): string {
  if (type === 2) {
    return reported === null
      ? `not checked: the device reported no compatible_status within ${seconds} s`
      : `the device reports compatible_status ${safeText(reported, 64)}: it still needs a consistency upgrade`;
  }
  const what = type === 4 ? 'psdk_version' : 'version';
  return reported === null
    ? `${type === 4 ? 'not checked: ' : ''}the device reported no ${what} within ${seconds} s`
    : `the device reports ${what} ${safeText(reported, 64)}, not ${target ?? 'the target'}`;
}

function versionReported(tracker: Tracker, fact: FactOf<'version_reported'>): Effect {
  const device = deviceBySn(tracker, fact.sn);
  if (!device || device.target === null) return nothing();
  device.model = fact.model ?? device.model;
  const reached = sameVersion(fact.version, device.target);
  if (device.phase === 'waiting') {
    device.versionBefore = fact.version;
    device.versionNoted = fact.noted === true;
    device.versionHeardAt = fact.wall ?? device.versionHeardAt;
    if (device.type === 3 && !reached && fact.noted !== true) device.reportedOther = true;
    return nothing();
  }
  if (fact.noted) return nothing();
  device.versionHeardAt = fact.wall ?? device.versionHeardAt;
  if (device.type === 3 && !reached) device.reportedOther = true;
  // An unpublished device runs its version from before, and so does one whose upgrade is in progress.
  if (device.publishedAt === null || tellsBefore(device, fact.version)) {
    device.versionBefore = fact.version;
    device.versionNoted = false;
  } else device.versionAfter = fact.version;
  if (device.phase === 'ended' || device.type !== 3) return { events: [], job: jobOf(tracker, device) };
  return reported(tracker, device, fact.version, fact.at);
}

function modelReported(tracker: Tracker, { sn, model }: FactOf<'model_reported'>): Effect {
  const device = deviceBySn(tracker, sn);
  if (!device) return nothing();
  device.model = model;
  return { events: [], job: jobOf(tracker, device) };
}

/**
 * Whether `version`, reported while the upgrade runs, is still the one from before: the only one reported, and not the target.
 */
function tellsBefore(device: DeviceState, version: string): boolean {
  const { phase, target, versionBefore, versionNoted, versionAfter } = device;
  if (phase !== 'open' || versionAfter !== null || target === null || sameVersion(version, target)) return false;
  return versionBefore === null || versionNoted || sameVersion(version, versionBefore);
}

function stateReported(tracker: Tracker, fact: FactOf<'state_reported'>): Effect {
  const device = deviceBySn(tracker, fact.sn);
  if (!device || device.target === null || device.phase === 'ended' || PROVEN_BY[device.type] !== fact.key)
    return nothing();
  if (isProof(device.type, fact.value, device.target) === false) device.reportedOther = true;
  return device.phase === 'waiting' ? nothing() : reported(tracker, device, fact.value, fact.at);
}

/** Handles a report of the property that proves an upgrade, from a device that was published and has not ended. */
function reported(tracker: Tracker, device: DeviceState, told: string, at: number): Effect {
  // The value is repeated every few seconds. What matters is when it was first reported.
  if (device.reported !== told && !(device.reported !== null && sameVersion(device.reported, told)))
    device.reportedAt = at;
  device.reported = told;
  if (device.phase !== 'verifying' || !hasTarget(device)) return nothing();
  device.verified = true;
  return { events: [finish(tracker, device, 'ok', null, at)], job: jobOf(tracker, device) };
}

function jobOf(tracker: Tracker, { bid }: DeviceState): JobState | null {
  return bid === null ? null : (tracker.byBid.get(bid) ?? null);
}

/**
 * Whether a reported version is new. Docks repeat theirs every few seconds, and the journal needs it once; from a dock that
 * keeps changing it, only so many are accepted. The time of every report is stored even if it is not new.
 */
export function takesVersion(tracker: Tracker, fact: FactOf<'version_reported'>): boolean {
  const device = deviceBySn(tracker, fact.sn);
  if (!device || device.target === null) return false;
  const isBefore = device.publishedAt === null || tellsBefore(device, fact.version);
  const known = isBefore ? device.versionBefore : device.versionAfter;
  const proves = device.type === 3 && device.phase === 'verifying';
  const noted = isBefore && device.versionNoted;
  if (known === fact.version && !noted && (!proves || device.reported === fact.version)) {
    device.versionHeardAt = fact.wall ?? device.versionHeardAt;
    return false;
  }
  const job = device.bid === null ? undefined : tracker.byBid.get(device.bid);
  const decides = proves && sameVersion(fact.version, device.target);
  if (job !== undefined) return decides || mayTell(tracker, job, fact.at, null);
  // Before the first publish: from a device that keeps changing its version, one change is accepted.
  return known === null || !device.reportedOther;
}

/** {@link takesVersion} for the properties that prove upgrades of the other types. */
export function takesState(tracker: Tracker, { sn, key, value, at }: FactOf<'state_reported'>): boolean {
  const device = deviceBySn(tracker, sn);
  if (!device || device.target === null || device.phase === 'ended' || PROVEN_BY[device.type] !== key) return false;
  if (device.reported === value) return false;
  const proof = isProof(device.type, value, device.target);
  if (device.phase === 'waiting') return proof === false && !device.reportedOther;
  const job = jobOf(tracker, device);
  return (device.phase === 'verifying' && proof === true) || (job !== null && mayTell(tracker, job, at, null));
}

function cutOff(tracker: Tracker, fact: FactOf<'cut_off'>): Effect {
  const events: RunEvent[] = [];
  for (const device of tracker.devices) {
    if (device.phase === 'ended') continue;
    if (device.phase === 'waiting') events.push(finish(tracker, device, 'not_started', fact.reason, fact.at));
    else if (device.phase === 'verifying') events.push(finish(tracker, device, 'ok', fact.reason, fact.at));
    else if (device.phase === 'retry_wait') {
      events.push(finish(tracker, device, device.status as Outcome, device.reason, fact.at));
    } else events.push(finish(tracker, device, 'unknown', fact.reason, fact.at));
  }
  for (const job of [...tracker.open]) closeIfOver(tracker, job);
  return { events, job: null };
}

function endJob(tracker: Tracker, job: JobState, each: (device: DeviceState) => RunEvent): RunEvent[] {
  const events = job.devices.filter((device) => device.phase === 'open').map(each);
  closeIfOver(tracker, job);
  return events;
}
