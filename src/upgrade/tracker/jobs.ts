/** The state of a tracker, and the few ways in which it changes. For tracker.ts and tracker-messages.ts alone. */
import type { Labels } from '../../manifest/model.js';
import { resultCode } from '../../protocol/result-codes.js';
import type { TerminalStatus } from '../../protocol/statuses.js';
import { DEFAULT_UPGRADE_TYPE, isProof, type UpgradeType } from '../../protocol/upgrade-types.js';
import { countedAs } from '../counting.js';
import type { DeviceOutcome, Outcome, RunEvent, Totals, Verify } from '../events.js';
import { waitAfter } from '../rollout/options.js';
import { reasonOf } from './progress.js';
import type { DeviceState, JobState } from './state.js';

export interface TrackerOptions {
  /** `gateway`: accept progress with any `bid` on the gateway of the one open job. */
  match: 'bid' | 'gateway';
  /** New attempts after a code that is worth one. */
  retries: number;
  verify: Verify;
  /** Jobs of others become devices of this run (`watch`), all of them or these. */
  adopt: 'none' | 'all' | ReadonlySet<string>;
}

export interface Tracker {
  readonly options: TrackerOptions;
  readonly devices: DeviceState[];
  readonly totals: Totals;
  /** As in the options of the roll-out; milliseconds. */
  readonly retryWait: number;
  /** Devices that were left out because they were not ready. */
  unready: number;
  /** Jobs that have not ended. */
  readonly open: Set<JobState>;
  readonly byBid: Map<string, JobState>;
  /** Open jobs of each gateway: nearly always one, which then stands for itself. */
  readonly openByPid: Map<string, JobState | JobState[]>;
  /** Null until somebody looks for one in it; see {@link jobByTid}. */
  byTid: Map<string, JobState> | null;
  /** Null until somebody looks for one in it; see {@link deviceBySn}. */
  bySn: Map<string, DeviceState> | null;
  /** What was warned of already, by gateway. */
  readonly warned: Set<string>;
  /** Devices that were taken up, by gateway (`watch`). */
  readonly adopted: Map<string, number>;
  /** The newest event without a `bid`, by gateway (`watch`). */
  readonly anonymous: Map<string, string>;
  /** Since when the broker is away; null while it is there. */
  lostAt: number | null;
  /** When it was last found again: time limits count from here at the earliest. */
  restoredAt: number;
}

/** What a fact did. */
export interface Effect {
  events: RunEvent[];
  /** The job that it belonged to, ours and open or ended; null for a stranger's. */
  job: JobState | null;
}

export const NOTHING: Effect = { events: [], job: null };

const NO_LABELS: Labels = Object.freeze({});

export function addDevice(
  tracker: Tracker,
  pid: string,
  sn: string | null,
  target: string | null,
  labels: Labels = NO_LABELS,
  type: UpgradeType = DEFAULT_UPGRADE_TYPE,
): DeviceState {
  const device: DeviceState = {
    index: tracker.devices.length,
    pid,
    sn,
    target,
    type,
    labels,
    phase: 'waiting',
    bid: null,
    attempt: 0,
    earlier: null,
    status: null,
    percent: null,
    step: null,
    rate: null,
    result: null,
    reason: null,
    verified: null,
    verify: tracker.options.adopt === 'none' ? tracker.options.verify : 'off',
    publishedAt: null,
    startedAt: null,
    heardAt: null,
    endedAt: null,
    timestamp: null,
    reported: null,
    reportedAt: null,
    versionBefore: null,
    versionNoted: false,
    versionAfter: null,
    versionHeardAt: null,
    model: null,
    reportedOther: false,
  };
  tracker.devices.push(device);
  if (sn !== null) tracker.bySn?.set(sn, device);
  return device;
}

/** Most runs ask for no device by its serial number: in a large fleet, the index of them is made for those that do. */
export function deviceBySn(tracker: Tracker, sn: string): DeviceState | undefined {
  if (tracker.bySn === null) {
    tracker.bySn = new Map();
    for (const device of tracker.devices) if (device.sn !== null) tracker.bySn.set(device.sn, device);
  }
  return tracker.bySn.get(sn);
}

/** As {@link deviceBySn}: replies name their job's `bid` as well, and few need this. */
export function jobByTid(tracker: Tracker, tid: string): JobState | undefined {
  if (tracker.byTid === null) {
    tracker.byTid = new Map();
    for (const job of tracker.byBid.values()) if (job.tid !== null) tracker.byTid.set(job.tid, job);
  }
  return tracker.byTid.get(tid);
}

/** The open job on a gateway, where it is the only one. */
export function onlyOpenJob(tracker: Tracker, pid: string): JobState | null {
  const open = tracker.openByPid.get(pid);
  return open === undefined || Array.isArray(open) ? null : open;
}

export function newJob(
  pid: string,
  bid: string | null,
  tid: string | null,
  attempt: number,
  at: number,
  devices: DeviceState[],
): JobState {
  return {
    pid,
    bid,
    tid,
    attempt,
    devices,
    openedAt: at,
    acknowledgedAt: null,
    announced: false,
    accepted: false,
    heard: false,
    resent: false,
    uncertain: false,
    ended: false,
    lastWord: null,
    told: 0,
    windowEnds: 0,
    windowLeft: 0,
  };
}

export function addJob(tracker: Tracker, job: JobState): void {
  tracker.open.add(job);
  if (job.bid !== null) tracker.byBid.set(job.bid, job);
  if (job.tid !== null) tracker.byTid?.set(job.tid, job);
  const open = tracker.openByPid.get(job.pid);
  if (open === undefined) tracker.openByPid.set(job.pid, job);
  else if (Array.isArray(open)) open.push(job);
  else tracker.openByPid.set(job.pid, [open, job]);
}

/** `device` is one of the job's. */
export function openDevice(device: DeviceState, job: JobState, at: number): void {
  const { bid, attempt, status, percent, result, reason } = device;
  device.earlier = device.phase === 'retry_wait' ? { bid, attempt, status, percent, result, reason } : null;
  device.phase = 'open';
  device.bid = job.bid;
  device.attempt = job.attempt;
  device.status = null;
  device.percent = null;
  device.step = null;
  device.rate = null;
  device.result = null;
  device.reason = null;
  device.timestamp = null;
  device.publishedAt = at;
  device.heardAt = at;
  device.endedAt = null;
  // What it reported before belongs to the attempt before.
  device.reported = null;
  device.reportedAt = null;
  device.versionAfter = null;
  device.verified = null;
}

/** Whether it reports, since it was published, what its upgrade brings. */
export function hasTarget({ reported, target, type }: DeviceState): boolean {
  return reported !== null && target !== null && isProof(type, reported, target) === true;
}

/** A device's last word under this attempt: final, or to be verified, or worth another attempt. */
export function endDevice(tracker: Tracker, device: DeviceState, status: TerminalStatus, at: number): RunEvent[] {
  const { verify, retries, adopt } = tracker.options;
  device.status = status;
  if (status === 'ok') {
    if (verify === 'off' || adopt !== 'none' || device.target === null)
      return [finish(tracker, device, 'ok', null, at)];
    device.phase = 'verifying';
    device.endedAt = at;
    // Only what is reported from now on counts: before, the old version may still have been told.
    if (hasTarget(device)) {
      device.verified = true;
      return [finish(tracker, device, 'ok', null, at)];
    }
    device.reported = null;
    return [];
  }
  device.reason = reasonOf(device.result);
  if (device.result !== null && device.attempt <= retries && resultCode(device.result).retry) {
    device.phase = 'retry_wait';
    device.endedAt = at;
    const { pid, sn, bid, result, attempt } = device;
    const wait_ms = waitAfter(attempt, tracker);
    return [{ event: 'device_retrying', pid, sn, bid, result, attempt, attempts: retries + 1, wait_ms }];
  }
  return [finish(tracker, device, status, device.reason, at)];
}

export function finish(
  tracker: Tracker,
  device: DeviceState,
  status: Outcome,
  reason: string | null,
  at: number,
): RunEvent {
  device.phase = 'ended';
  device.status = status;
  device.reason = reason;
  device.rate = null;
  device.endedAt = at;
  // Of one that was never heard of it is not known when it began: no time is counted.
  if (device.bid !== null) device.startedAt ??= at;
  const { pid, ...rest } = outcomeOf(device);
  tracker.totals[countedAs(rest)]++;
  return { event: 'device_finished', pid, bid: device.bid, ...rest };
}

/** The attempt never reached the broker: the end of the one before stands, and without one the device was not started. */
export function finishUnsent(tracker: Tracker, device: DeviceState, reason: string, at: number): RunEvent {
  const { earlier } = device;
  if (earlier === null) return finish(tracker, device, 'not_started', reason, at);
  Object.assign(device, earlier);
  return finish(tracker, device, earlier.status as Outcome, earlier.reason, at);
}

/** The job is over once none of its devices is open: its gateway is free again. */
export function closeIfOver(tracker: Tracker, job: JobState): void {
  if (job.ended || job.devices.some((device) => device.phase === 'open' && device.bid === job.bid)) return;
  job.ended = true;
  tracker.open.delete(job);
  const open = tracker.openByPid.get(job.pid);
  const left = Array.isArray(open) ? open.filter((other) => other !== job) : [];
  const [first] = left;
  if (first === undefined) tracker.openByPid.delete(job.pid);
  else tracker.openByPid.set(job.pid, left.length === 1 ? first : left);
}

export function outcomeOf(device: DeviceState): DeviceOutcome {
  const { pid, sn, percent, result, reason, verified, verify, labels } = device;
  const status =
    device.phase === 'ended' ? (device.status as Outcome) : device.publishedAt === null ? 'not_started' : 'unknown';
  return {
    ...{ pid, sn, status, percent, result, reason, verified },
    version_before: device.versionBefore,
    version_after: device.versionAfter,
    heard_at: device.versionHeardAt === null ? null : new Date(device.versionHeardAt).toISOString(),
    verify,
    labels,
  };
}

/** Tells that a job was published, once: it is known to have reached the broker. */
export function announce(job: JobState, at: number, events: RunEvent[]): void {
  if (job.announced || job.bid === null || job.tid === null) return;
  job.announced = true;
  for (const device of job.devices) device.startedAt ??= at;
  events.push({
    event: 'job_published',
    pid: job.pid,
    bid: job.bid,
    tid: job.tid,
    devices: job.devices.map((device) => device.sn ?? ''),
    attempt: job.attempt,
  });
}
