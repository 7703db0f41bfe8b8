/** Messages about a job that has ended: copies, late ones, and the end of an upgrade that was given up as unknown. */
import type { ProgressMessage, ReplyMessage } from '../../protocol/messages.js';
import { resultCode } from '../../protocol/result-codes.js';
import { safeText } from '../../text.js';
import type { RunEvent } from '../events.js';
import { warnOnce } from './bounds.js';
import type { Tracker } from './jobs.js';
import { isLate, terminalOf } from './progress.js';
import type { JobState } from './state.js';

/** Notes the message that ended `job`, by which later ones are judged. */
export function endedWith(tracker: Tracker, job: JobState, message: ProgressMessage): void {
  job.lastWord = wordOf(message);
  job.endedWith = newest(job, message.timestamp);
  tracker.lastEnded.set(job.pid, job);
}

/** Whether an event that no `bid` identifies belongs to a job that has ended: a copy of its last event, or an older one. */
export function isAfterEnd({ lastWord, endedWith }: JobState, message: ProgressMessage): boolean {
  const { timestamp } = message;
  // No event of the next job can have the same time: its request has still to reach the dock.
  const before = timestamp !== null && endedWith !== null && (timestamp === endedWith || isLate(timestamp, endedWith));
  return before || lastWord === wordOf(message);
}

/**
 * PROTOCOL: progress after the first terminal event of a `bid` has never been seen; a dock that sends it may be reporting its
 * second device. Warns once for each job, with the content. Copies and late messages do not count.
 */
export function tellLate(tracker: Tracker, job: JobState, message: ProgressMessage, events: RunEvent[]): void {
  if (tellLateEnd(tracker, job, message, events)) return;
  const key = `late ${job.bid ?? job.pid}`;
  if (tracker.warned.has(key)) return;
  const last = job.endedWith ?? newest(job, null);
  const isOld = message.timestamp !== null && last !== null && message.timestamp < last;
  if (isOld || job.lastWord === wordOf(message)) return;
  const { status, percent, result, sn } = message;
  const said = [
    status === null ? null : safeText(status, 64),
    percent === null ? null : `${percent} %`,
    result === 0 ? null : `code ${result}: ${resultCode(result).meaning}`,
    sn === null ? null : `for ${safeText(sn, 64)}`,
  ].filter((part) => part !== null);
  const ends = job.devices.slice(0, 2).map(({ sn, status }) => safeText(`${sn ?? job.pid} ${status}`, 100));
  const again = job.devices.some(({ bid }) => bid !== job.bid);
  const which = again ? `attempt ${job.attempt} of its upgrade` : `its upgrade (${ends.join(', ')})`;
  const text = `gateway ${safeText(job.pid, 64)} reported again after the end of ${which}: ${said.join(', ') || 'no status'}; it may concern its second device: check both with dji-ota devices`;
  warnOnce(tracker, key, 'late_progress', text, events);
}

/**
 * Handles the reply to a job whose outcome was already counted as unknown. The outcome stays, but the reply is emitted and so
 * recorded: `resume` then follows an accepted upgrade, and knows the end of a refused one.
 */
export function tellLateReply(tracker: Tracker, job: JobState, message: ReplyMessage, events: RunEvent[]): void {
  const { result, status } = message;
  if (job.accepted || job.heard || unknownOf(job, null).length === 0) return;
  job.accepted = true;
  events.push({ event: 'job_replied', pid: job.pid, bid: job.bid ?? '', result, status });
  if (result !== 0 && !resultCode(result).running) warnOfEnd(tracker, job, null, `refused${codeOf(result)}`, events);
}

/** Whether `message` is the end of devices that are counted as unknown. Warns once for each device that it names. */
export function tellLateEnd(tracker: Tracker, job: JobState, message: ProgressMessage, events: RunEvent[]): boolean {
  const end = terminalOf(message);
  return end !== null && warnOfEnd(tracker, job, message.sn, `${end}${codeOf(message.result)}`, events);
}

function warnOfEnd(tracker: Tracker, job: JobState, sn: string | null, said: string, events: RunEvent[]): boolean {
  const devices = unknownOf(job, sn);
  if (devices.length === 0) return false;
  const which = devices.slice(0, 2).map((device) => safeText(device.sn ?? job.pid, 64));
  const advice = job.tid === null ? '' : '; resume the run to have it counted';
  const text = `gateway ${safeText(job.pid, 64)} reported the end of an upgrade that is counted as unknown (${which.join(', ')}): ${said}${advice}`;
  warnOnce(tracker, `late end ${job.bid ?? job.pid} ${sn ?? ''}`, 'late_end', text, events);
  return true;
}

/** The devices of a job that are counted as unknown; where `sn` names one of the job, that one alone. */
function unknownOf({ devices, bid }: JobState, sn: string | null) {
  const named = devices.filter((device) => sn !== null && device.sn === sn);
  return (named.length > 0 ? named : devices).filter((device) => device.status === 'unknown' && device.bid === bid);
}

const codeOf = (result: number) => (result === 0 ? '' : ` (code ${result}: ${resultCode(result).meaning})`);

/** Identifies a message, so that a copy of it is recognized. */
function wordOf({ tid, timestamp, status, result, percent, sn }: ProgressMessage): string {
  return JSON.stringify([tid, timestamp, status, result, percent, sn]).slice(0, 300);
}

/** The latest of a job's timestamps and `time`. */
function newest(job: JobState, time: number | null): number | null {
  return job.devices.reduce<number | null>(
    (last, { timestamp }) => (last === null || timestamp === null ? (last ?? timestamp) : Math.max(last, timestamp)),
    time,
  );
}
