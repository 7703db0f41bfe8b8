/** Applies replies, progress, and the requests of other senders to a tracker, by the matching rules of PROTOCOL. */
import type { ProgressMessage } from '../../protocol/messages.js';
import { resultCode } from '../../protocol/result-codes.js';
import { isTerminal, type TerminalStatus } from '../../protocol/statuses.js';
import { safeText } from '../../text.js';
import type { RunEvent } from '../events.js';
import type { FactOf } from '../facts.js';
import { mayAdopt, mayTell, warnOnce } from './bounds.js';
import {
  addDevice,
  addJob,
  announce,
  closeIfOver,
  type Effect,
  endDevice,
  jobByTid,
  newJob,
  nothing,
  onlyOpenJob,
  openDevice,
  type Tracker,
} from './jobs.js';
import { endedWith, isAfterEnd, tellLate, tellLateEnd, tellLateReply } from './late.js';
import { takeProgress } from './progress.js';
import type { DeviceState, JobState } from './state.js';

/** An `ota_create` holds two devices. More than a few under one id are not real. */
const MAX_IN_JOB = 8;

/** Applies a `services_reply`, matched by `bid` and `tid`. */
export function replied(tracker: Tracker, fact: FactOf<'reply'>): Effect {
  const { message, pid, at } = fact;
  const byBid = message.method !== null && message.bid !== null ? tracker.byBid.get(message.bid) : undefined;
  const agreed = message.tid === null || message.tid === byBid?.tid;
  const job = agreed ? byBid : (jobByTid(tracker, message.tid ?? '') ?? byBid);
  // A message on another gateway's topic does not come from this dock, even with our ids.
  if (!job || job.pid !== pid) return nothing();
  const events: RunEvent[] = [];
  if (job.ended) {
    tellLateReply(tracker, job, message, events);
    return { events, job };
  }
  announce(job, at, events);
  const running = job.accepted || job.heard;
  const told = !running || mayTell(tracker, job, at, events);
  if (told && (!job.accepted || message.result !== 0)) {
    const { result, status } = message;
    events.push({ event: 'job_replied', pid, bid: job.bid ?? '', result, status });
  }
  const isRunning = resultCode(message.result).running;
  if (isRunning && job.attempt > 1) takeUpEarlier(tracker, job);
  const again = isRunning && (job.resent || job.attempt > 1);
  if (message.result !== 0 && (running || again)) {
    // The request arrived twice, or the dock contradicts itself. It is upgrading, so its progress decides.
    job.accepted = true;
    for (const device of job.devices) if (device.phase === 'open') device.heardAt = at;
    if (!isRunning) {
      const said = `code ${message.result}: ${resultCode(message.result).meaning}`;
      const text = `gateway ${pid} refused (${said}) an upgrade that it had already begun; following its progress`;
      warnOnce(tracker, `contradicts ${pid}`, 'contradicting_reply', text, events);
    }
    return { events, job };
  }
  const status = message.status;
  if (message.result !== 0) {
    const end: TerminalStatus = status !== null && isTerminal(status) && status !== 'ok' ? status : 'rejected';
    for (const device of job.devices) {
      if (device.phase !== 'open') continue;
      device.heardAt = at;
      device.result = message.result;
      events.push(...endDevice(tracker, device, end, at));
    }
    closeIfOver(tracker, job);
    return { events, job };
  }
  job.accepted = true;
  // A reply's `ok` means that the request was accepted. Only progress can end a device well.
  const end = status !== null && isTerminal(status) && status !== 'ok' ? status : null;
  for (const device of job.devices) {
    if (device.phase !== 'open') continue;
    device.heardAt = at;
    if (end && !job.heard) events.push(...endDevice(tracker, device, end, at));
    else if (!job.heard) device.status = status === 'ok' ? 'sent' : (status ?? 'sent');
  }
  closeIfOver(tracker, job);
  return { events, job };
}

/** A new attempt was refused because an upgrade is running: an earlier attempt of this run, whose progress now counts. */
function takeUpEarlier(tracker: Tracker, job: JobState): void {
  for (const [bid, earlier] of tracker.byBid) {
    if (earlier !== job && earlier.pid === job.pid && earlier.devices.some((device) => job.devices.includes(device))) {
      tracker.byBid.set(bid, job);
    }
  }
}

/** Applies an `ota_progress` event. */
export function progressed(tracker: Tracker, fact: FactOf<'progress'>): Effect {
  const { message, pid, at } = fact;
  const events: RunEvent[] = [];
  const job = jobOfProgress(tracker, pid, message, at, events);
  if (!job) {
    warnOfForeign(tracker, pid, message, events);
    return { events, job };
  }
  if (job.ended) {
    tellLate(tracker, job, message, events);
    return { events, job };
  }
  job.heard = true;
  announce(job, at, events);
  const named = message.sn === null ? undefined : deviceNamed(tracker, job, message.sn, at, events);
  for (const device of named ? [named] : job.devices) {
    if (device.phase !== 'open') continue;
    device.startedAt ??= at;
    const change = takeProgress(device, message, at);
    if (change === 'same' || (change === 'changed' && !mayTell(tracker, job, at, events))) continue;
    const end = change === 'changed' ? [] : endDevice(tracker, device, change, at);
    // An `ok` whose version is still to be verified is emitted, and kept, as progress.
    events.push(...(end.length > 0 ? end : [progressEvent(device)]));
  }
  // A device that was given up may have ended as well, while the job goes on for its other device.
  tellLateEnd(tracker, job, message, events);
  closeIfOver(tracker, job);
  if (job.ended) endedWith(tracker, job, message);
  return { events, job };
}

/** The device of the job that an event names by serial number. A followed job of another sender can gain a device this way. */
function deviceNamed(
  tracker: Tracker,
  job: JobState,
  sn: string,
  at: number,
  events: RunEvent[],
): DeviceState | undefined {
  const known = job.devices.find((device) => device.sn === sn);
  const learning = job.tid === null && tracker.options.adopt !== 'none' && job.devices.length < MAX_IN_JOB;
  if (known || !learning || job.devices.some((device) => device.sn === null)) return known;
  if (!mayAdopt(tracker, job.pid, events)) return undefined;
  const device = addDevice(tracker, job.pid, sn, null);
  (job.devices as DeviceState[]).push(device);
  openDevice(device, job, at);
  return device;
}

/** Finds the job of an event (PROTOCOL "Matching"): by `bid`; without one, the only open job of the gateway. */
function jobOfProgress(
  tracker: Tracker,
  pid: string,
  message: ProgressMessage,
  at: number,
  events: RunEvent[],
): JobState | null {
  const ours = message.bid === null ? undefined : tracker.byBid.get(message.bid);
  if (ours) return ours.pid === pid ? ours : null;
  const only = onlyOpenJob(tracker, pid);
  // Without a method, only the `bid` identifies the event.
  if (message.method === null && message.bid === null) return null;
  if (message.bid === null || tracker.options.match === 'gateway') {
    const before = tracker.lastEnded.get(pid);
    if (before && isAfterEnd(before, message)) return before;
    if (only || tracker.options.adopt === 'none') return only;
  }
  return adopt(tracker, pid, message, at, events);
}

function warnOfForeign(tracker: Tracker, pid: string, { bid }: ProgressMessage, events: RunEvent[]): void {
  if (bid === null || !tracker.openByPid.has(pid) || tracker.options.adopt !== 'none') return;
  const message = `gateway ${pid} reports an upgrade of another program (bid ${safeText(bid, 64)}); it is not followed`;
  warnOnce(tracker, `foreign ${pid}`, 'foreign_upgrade', message, events);
}

function adopt(
  tracker: Tracker,
  pid: string,
  message: ProgressMessage,
  at: number,
  events: RunEvent[],
): JobState | null {
  const { adopt } = tracker.options;
  if (adopt === 'none') return null;
  if (adopt !== 'all' && (message.bid === null || !adopt.has(message.bid))) return null;
  if (!mayAdopt(tracker, pid, events)) return null;
  const device = addDevice(tracker, pid, message.sn, null);
  const job = newJob(pid, message.bid, null, 1, at, [device]);
  openDevice(device, job, at);
  addJob(tracker, job);
  return job;
}

/** Applies another sender's `ota_create`, which `watch` may follow. */
export function createSeen(tracker: Tracker, fact: FactOf<'create_seen'>): Effect {
  const { adopt } = tracker.options;
  if (tracker.byBid.has(fact.bid) || adopt === 'none' || (adopt !== 'all' && !adopt.has(fact.bid))) return nothing();
  const events: RunEvent[] = [];
  const devices = fact.devices.flatMap(({ sn, product_version }) =>
    mayAdopt(tracker, fact.pid, events) ? addDevice(tracker, fact.pid, sn, product_version) : [],
  );
  if (devices.length === 0) return { events, job: null };
  const job = newJob(fact.pid, fact.bid, null, 1, fact.at, devices);
  for (const device of devices) openDevice(device, job, fact.at);
  addJob(tracker, job);
  return { events, job };
}

function progressEvent(device: DeviceState): RunEvent {
  const { pid, bid, sn, status, percent, step, rate } = device;
  return { event: 'device_progress', pid, bid, sn, status, percent, step_key: step, rate };
}
