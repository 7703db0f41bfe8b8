/** The state of a tracker, and the few functions that change it. Only the other modules of this folder use them. */
import type { Labels } from '../../manifest/model.js';
import { resultCode } from '../../protocol/result-codes.js';
import type { TerminalStatus } from '../../protocol/statuses.js';
import { DEFAULT_UPGRADE_TYPE, isProof, type UpgradeType } from '../../protocol/upgrade-types.js';
import { countedAs } from '../counting.js';
import type { DeviceOutcome, Outcome, RunEvent, Totals, Verify } from '../events.js';
import { waitAfter } from '../rollout/options.js';
import { reasonOf } from './progress.js';
import type { DeviceState, JobState } from './state.js';

/** The options of a tracker. Part of the run's settings in the journal. */
export interface TrackerOptions {
  /** `gateway`: progress with any `bid` counts for the one open job of the gateway. */
  match: 'bid' | 'gateway';
  /** How many new attempts are made after a code for which one is worthwhile. */
  retries: number;
  verify: Verify;
  /** Whether jobs of other senders become devices of this run (`watch`): none, all, or those with these `bid`s. */
  adopt: 'none' | 'all' | ReadonlySet<string>;
}

/** The state of all devices and jobs of a run. */
export interface Tracker {
  readonly options: TrackerOptions;
  readonly devices: DeviceState[];
  readonly totals: Totals;
  /** As in the options of the roll-out, in milliseconds. */
  readonly retryWait: number;
  /** Devices that were left out because they were not ready. */
  unready: number;
  /** Jobs that have not ended. */
  readonly open: Set<JobState>;
  readonly byBid: Map<string, JobState>;
  /** The open jobs of each gateway. Nearly always there is one, which is then stored without an array. */
  readonly openByPid: Map<string, JobState | JobState[]>;
  /** Index of jobs by `tid`; null until {@link jobByTid} needs it. */
  byTid: Map<string, JobState> | null;
  /** Index of devices by serial number; null until {@link deviceBySn} needs it. */
  bySn: Map<string, DeviceState> | null;
  /** The warnings that were already emitted, by gateway. */
  readonly warned: Set<string>;
  /** How many devices `watch` follows on each gateway. */
  readonly adopted: Map<string, number>;
  /** The last job of each gateway that an event has ended. */
  readonly lastEnded: Map<string, JobState>;
  /** Since when the broker has been away; null = connected. */
  lostAt: number | null;
  /** When the connection was last restored. Time limits count from here at the earliest. */
  restoredAt: number;
}

/** What applying a fact did. */
export interface Effect {
  events: RunEvent[];
  /** The job to which the fact belonged, open or ended; null = a job of another sender, or none. */
  job: JobState | null;
}

/** The effect of a fact that changes nothing. A new one each time: what follows from a fact is added to its events. */
export const nothing = (): Effect => ({ events: [], job: null });

const NO_LABELS: Labels = Object.freeze({});

/** Adds a device to the tracker. `target`: the version to upgrade to; null = not known. */
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

/** Finds a device by serial number. The index is built on first use, because most runs never need it. */
export function deviceBySn(tracker: Tracker, sn: string): DeviceState | undefined {
  if (tracker.bySn === null) {
    tracker.bySn = new Map();
    for (const device of tracker.devices) if (device.sn !== null) tracker.bySn.set(device.sn, device);
  }
  return tracker.bySn.get(sn);
}

/** Finds a job by `tid`. The index is built on first use, because replies usually carry the `bid` as well. */
export function jobByTid(tracker: Tracker, tid: string): JobState | undefined {
  if (tracker.byTid === null) {
    tracker.byTid = new Map();
    for (const job of tracker.byBid.values()) if (job.tid !== null) tracker.byTid.set(job.tid, job);
  }
  return tracker.byTid.get(tid);
}

/** The open job of a gateway, if there is exactly one. */
export function onlyOpenJob(tracker: Tracker, pid: string): JobState | null {
  const open = tracker.openByPid.get(pid);
  return open === undefined || Array.isArray(open) ? null : open;
}

/** Creates a job of one attempt, not yet part of a tracker. */
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
    endedWith: null,
    told: 0,
    windowEnds: 0,
    windowLeft: 0,
  };
}

/** Adds an open job to a tracker. */
export function addJob(tracker: Tracker, job: JobState): void {
  tracker.open.add(job);
  if (job.bid !== null) tracker.byBid.set(job.bid, job);
  if (job.tid !== null) tracker.byTid?.set(job.tid, job);
  const open = tracker.openByPid.get(job.pid);
  if (open === undefined) tracker.openByPid.set(job.pid, job);
  else if (Array.isArray(open)) open.push(job);
  else tracker.openByPid.set(job.pid, [open, job]);
}

/** Opens `device`, which belongs to the job. */
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
  // Earlier reports belong to the previous attempt.
  device.reported = null;
  device.reportedAt = null;
  device.versionAfter = null;
  device.verified = null;
}

/** Whether the device has reported the target of its upgrade since it was published. */
export function hasTarget({ reported, target, type }: DeviceState): boolean {
  return reported !== null && target !== null && isProof(type, reported, target) === true;
}

/** Applies the terminal status of an attempt: the device has ended, is to be verified, or gets another attempt. */
export function endDevice(tracker: Tracker, device: DeviceState, status: TerminalStatus, at: number): RunEvent[] {
  const { verify, retries, adopt } = tracker.options;
  device.status = status;
  if (status === 'ok') {
    if (verify === 'off' || adopt !== 'none' || device.target === null)
      return [finish(tracker, device, 'ok', null, at)];
    device.phase = 'verifying';
    device.endedAt = at;
    // A report from before the terminal status may still show the old version, so only later ones count.
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

/** Ends a device for good, and returns its `device_finished` event. */
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
  // If nothing was ever received for a device, its start is not known, and no duration is shown.
  if (device.bid !== null) device.startedAt ??= at;
  const { pid, ...rest } = outcomeOf(device);
  tracker.totals[countedAs(rest)]++;
  return { event: 'device_finished', pid, bid: device.bid, ...rest };
}

/** The attempt did not reach the broker. The end of the previous attempt stands; without one the device was not started. */
export function finishUnsent(tracker: Tracker, device: DeviceState, reason: string, at: number): RunEvent {
  const { earlier } = device;
  if (earlier === null) return finish(tracker, device, 'not_started', reason, at);
  Object.assign(device, earlier);
  return finish(tracker, device, earlier.status as Outcome, earlier.reason, at);
}

/** Closes the job once none of its devices is open. Its gateway is then free. */
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

/** The outcome of a device as it stands now. */
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

/** Emits `job_published`, once, when the job is known to have reached the broker. */
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
