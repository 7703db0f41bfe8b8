/** Ties a run's core to a broker, a clock and a journal. All decisions are the core's; what stands here is I/O and order. */
import type { Clock } from '../clock.js';
import { OtaError, toOtaError } from '../errors.js';
import type { Broker, BrokerEvents, BrokerMessage } from '../mqtt/broker.js';
import { eventReply, type ProgressMessage, readProgress, readReply } from '../protocol/messages.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import { showDuration } from '../text.js';
import type { Emit, RunEvent } from './events.js';
import { exitCodeOf } from './exit-code.js';
import type { Fact, FactOf } from './facts.js';
import { jobRequest, type Plan } from './plan.js';
import { type Start, startDue, wakeAt, waveCount } from './rollout.js';
import { advance, dueLimits, isRunOver, type RunCore, refuseStarts, withdrawStart } from './run-core.js';
import { interruptCode, interruption, type RunResult } from './run-end.js';
import type { RunView } from './state.js';
import { isNewVersion, outcomes } from './tracker.js';

/** Where the facts of a run are kept, so that it can be taken up again. */
export interface FactLog {
  /** Durable once it resolves: called before the publishes that it records. @throws OtaError `journal_unwritable` */
  write(facts: readonly Fact[]): Promise<void>;
  /** Kept soon; never throws. */
  append(fact: Fact): void;
}

/** What listens to the devices' own reports during a run (preflight, verification). */
export interface Listener {
  /** A message on a state, osd or status topic. */
  handle(message: BrokerMessage): void;
}

export interface FollowOptions {
  core: RunCore;
  clock: Clock;
  emit: Emit;
  log: FactLog | null;
  /** Limit for the whole run, milliseconds; null = none. */
  timeout: number | null;
  /** Its `reason` is 130 (SIGINT) or 143 (SIGTERM). */
  signal: AbortSignal;
  newId: () => string;
  listener?: Listener | null;
  /** Send jobs again, under their own ids, of which it is not certain that they were sent. */
  republishUncertain?: boolean;
  /** Why a job with these devices, indexes into the plan, must not be published; null = it may be. */
  refuses?: (devices: readonly number[]) => string | null;
  onView?: (view: RunView) => void;
  /** Models and first versions by serial number, where they are listened to. */
  names?: RunView['names'];
  /** Downloads that this program serves. */
  downloads?: RunView['downloads'];
}

/** A run that is connected: hand it everything that the broker says, then {@link FollowedRun.follow} it to its end. */
export interface FollowedRun {
  readonly events: BrokerEvents;
  /** Takes in a fact from elsewhere, e.g. a version that a device reported. */
  take(fact: Fact): void;
  /** A version that a device reported; it reports the same one every few seconds. */
  report(sn: string, version: string): void;
  /** Publishes what is due and resolves when every device has ended, or the run has been cut off. */
  follow(broker: Broker): Promise<RunResult>;
}

/** The topics that a run listens to on its gateways, to be granted before anything is published. */
export function replyTopics(plan: Plan): string[] {
  return plan.gateways.flatMap(({ pid }) => [topicOf('services_reply', pid), topicOf('events', pid)]);
}

export function followRun(options: FollowOptions): FollowedRun {
  const { core, clock, emit, log, signal } = options;
  let broker: Broker | null = null;
  let failure: OtaError | null = null;
  let refused = false;
  let cancelTimer = () => {};
  let timerAt = Number.POSITIVE_INFINITY;
  let checking = false;
  const recordings = new Set<Promise<void>>();
  let over: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    over = resolve;
  });

  function tell(events: readonly RunEvent[]): void {
    for (const event of events) emit(event);
  }

  function take(fact: Fact): void {
    if (core.cut !== null) return;
    const running = core.running.size;
    const events = advance(core, fact);
    if (fact.type !== 'job_opened' && (events.length > 0 || KEPT.has(fact.type))) log?.append(fact);
    tell(events);
    if (broker === null) return;
    if (isRunOver(core)) over();
    // Nearly every fact is a word of progress, after which there is nothing to start.
    else if (core.running.size !== running) schedule();
  }

  /** Starts what is due, and wakes up when the next time limit or wait passes. */
  function schedule(): void {
    if (broker === null || core.cut !== null) return;
    const now = clock.now();
    const starts = startDue(core.rollout, now);
    if (starts.length > 0) {
      const recording: Promise<void> = publishAll(broker, starts).finally(() => recordings.delete(recording));
      recordings.add(recording);
    }
    const wake = wakeAt(core.rollout);
    if (wake !== null) setTimer(Math.max(wake, now));
    if (timerAt === Number.POSITIVE_INFINITY && !checking) checkLimits();
  }

  function setTimer(at: number): void {
    if (at >= timerAt) return;
    cancelTimer();
    timerAt = at;
    cancelTimer = clock.after(at - clock.now(), () => {
      timerAt = Number.POSITIVE_INFINITY;
      checkLimits();
      if (!isRunOver(core)) schedule();
    });
  }

  function checkLimits(): void {
    checking = true;
    const { due, next } = dueLimits(core, clock.now());
    for (const fact of due) take(fact);
    checking = false;
    // A limit that begins later than this look is no shorter than the shortest one.
    const { reply, stall, verify } = core.options.limits;
    const idle = clock.now() + Math.max(1, Math.min(reply, stall, verify, 1000));
    if (core.cut === null && core.running.size > 0) setTimer(next === null ? idle : Math.min(next, idle));
  }

  /** What cannot be published ends without having been sent. */
  function sendable(starts: readonly Start[]): Start[] {
    return starts.filter((start) => {
      const reason = options.refuses?.(start.devices) ?? null;
      if (reason !== null) tell(withdrawStart(core, start, reason, clock.now()));
      return reason === null;
    });
  }

  async function publishAll(to: Broker, claimed: readonly Start[]): Promise<void> {
    const starts = sendable(claimed);
    if (starts.length < claimed.length) {
      // Places of those that were taken back are free again.
      if (isRunOver(core)) over();
      else queueMicrotask(schedule);
    }
    if (starts.length === 0) return;
    const facts = starts.map((start): Extract<Fact, { type: 'job_opened' }> => {
      const pid = core.tracker.devices[start.devices[0] ?? -1]?.pid ?? '';
      const { devices, attempt } = start;
      return { type: 'job_opened', at: clock.now(), pid, bid: options.newId(), tid: options.newId(), attempt, devices };
    });
    try {
      await log?.write(facts);
    } catch (error) {
      withdraw(facts, 'it could not be recorded');
      journalFailed(starts, toOtaError(error));
      return;
    }
    // Interrupted while it was being recorded: nothing of it was sent.
    if (core.cut !== null) return withdraw(facts, 'the run was cut off before it was sent');
    for (const fact of facts) {
      take(fact);
      void publishJob(to, fact);
    }
  }

  /** Of what stands in the journal and was not sent; it may have been recorded in part. */
  function withdraw(facts: readonly Extract<Fact, { type: 'job_opened' }>[], reason: string): void {
    for (const { bid } of facts) log?.append({ type: 'job_unsent', at: clock.now(), bid, reason, withdrawn: true });
  }

  /** What cannot be recorded is not published: what runs is followed to its end, and nothing more is started. */
  function journalFailed(starts: readonly Start[], error: OtaError): void {
    if (core.cut !== null) return;
    failure = error;
    tell(refuseStarts(core, starts, error.message, clock.now()));
    if (isRunOver(core)) over();
  }

  async function publishJob(to: Broker, fact: Extract<Fact, { type: 'job_opened' }>): Promise<void> {
    const { pid, bid, tid } = fact;
    const devices = fact.devices.flatMap((index) => core.plan.devices[index] ?? []);
    try {
      await to.publish(topicOf('services', pid), jobRequest({ bid, tid, timestamp: clock.wall() }, devices));
      take({ type: 'job_acknowledged', at: clock.now(), bid });
    } catch (error) {
      const failed = toOtaError(error);
      // Anything else means that the connection is gone, as does a refusal after the end: then it may have been sent all
      // the same, and the broker's own events decide what follows.
      if (failed.code !== 'broker_refused' || core.cut !== null) return;
      refused = true;
      emit({ event: 'warning', code: 'publish_refused', message: failed.message });
      take({ type: 'job_unsent', at: clock.now(), bid, reason: failed.message });
    }
  }

  // Already recorded: the same request under the same ids, so that a dock that has it refuses it as running.
  function republish(to: Broker): void {
    for (const job of core.running.values()) {
      if (!job.uncertain || job.bid === null || job.tid === null) continue;
      const { pid, bid, tid, attempt } = job;
      const devices = job.devices.map((device) => device.index);
      const reason = options.refuses?.(devices) ?? null;
      if (reason !== null) {
        emit({ event: 'warning', code: 'not_republished', message: `gateway ${pid}: not sent again: ${reason}` });
        continue;
      }
      take({ type: 'job_resent', at: clock.now(), bid });
      void publishJob(to, { type: 'job_opened', at: clock.now(), pid, bid, tid, attempt, devices });
    }
  }

  function cut(cause: 'timeout' | 'interrupted' | 'broker_lost', error: OtaError): void {
    if (core.cut !== null) return;
    failure = error;
    take({ type: 'cut_off', at: clock.now(), cause, reason: error.message });
  }

  function onMessage(message: BrokerMessage): void {
    const topic = parseTopic(message.topic);
    if (!topic) return;
    if (topic.kind === 'services_reply' || topic.kind === 'events') {
      // A retained message may be years old.
      if (!message.retained) onDockMessage(topic.kind, topic.serial, message.payload);
    } else options.listener?.handle(message);
  }

  function onDockMessage(kind: 'services_reply' | 'events', pid: string, payload: Uint8Array): void {
    if (!core.gatewayOfPid.has(pid)) return;
    if (kind === 'services_reply') {
      const reply = readReply(payload);
      if (reply) take({ type: 'reply', at: clock.now(), pid, message: reply });
      return;
    }
    const progress = readProgress(payload);
    if (!progress) return;
    const owed = progress.needReply && isOurs(pid, progress);
    take({ type: 'progress', at: clock.now(), pid, message: progress });
    if (owed) {
      // Unanswered, the dock sends it again, and is answered then.
      broker?.publish(topicOf('events_reply', pid), eventReply(progress, clock.wall())).catch(() => {});
    }
  }

  /** Whether an answer is ours to give: the event names a job of ours, or none and there is but one (asked before its end). */
  function isOurs(pid: string, { bid, method }: ProgressMessage): boolean {
    const { byBid, openByPid } = core.tracker;
    return bid === null ? method !== null && openByPid.get(pid)?.length === 1 : byBid.get(bid)?.pid === pid;
  }

  const events: BrokerEvents = {
    onMessage,
    onLost: (reason) => take({ type: 'broker_lost', at: clock.now(), reason }),
    onRestored: ({ sessionPresent }) => take({ type: 'broker_restored', at: clock.now(), sessionPresent }),
    onGone: (error) => cut('broker_lost', toOtaError(error)),
    onResend: (topic, payload) => {
      const bid = parseTopic(topic)?.kind === 'services' ? bidOf(payload) : null;
      if (bid !== null) take({ type: 'job_resent', at: clock.now(), bid });
    },
  };

  async function follow(connected: Broker): Promise<RunResult> {
    broker = connected;
    options.onView?.(viewOf(core, options.names, options.downloads));
    const onAbort = () => cut('interrupted', interruption(signal));
    const cancelTimeout =
      options.timeout === null
        ? () => {}
        : clock.after(options.timeout, () => cut('timeout', timeoutError(options.timeout ?? 0)));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else if (isRunOver(core)) over();
    else {
      if (options.republishUncertain) republish(connected);
      schedule();
    }
    await done;
    // The journal must be told what became of a record that was under way.
    await Promise.all(recordings);
    cancelTimeout();
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
    broker = null;
    return resultOf();
  }

  function resultOf(): RunResult {
    const devices = outcomes(core.tracker);
    const exit_code = exitCodeOf(devices, {
      interrupted: core.cut === 'interrupted' ? interruptCode(signal) : null,
      stopped: core.rollout.stopped !== null,
      brokerLost: core.cut === 'broker_lost' || refused,
      verify: core.options.tracker.verify,
    });
    return { exit_code, totals: { ...core.tracker.totals }, devices, error: core.cut === 'timeout' ? null : failure };
  }

  function report(sn: string, version: string): void {
    const fact: FactOf<'version_reported'> = { type: 'version_reported', at: clock.now(), sn, version };
    if (isNewVersion(core.tracker, fact)) take(fact);
  }

  return { events, take, report, follow };
}

/** Facts that a journal needs although nobody is told of them. */
const KEPT: ReadonlySet<Fact['type']> = new Set([
  'job_acknowledged',
  'job_resent',
  'resumed',
  'reply',
  'cut_off',
  'version_reported',
]);

/** A live look at a run for bars and tables. */
export function viewOf(
  core: RunCore,
  names: RunView['names'] = new Map(),
  downloads: RunView['downloads'] = new Map(),
): RunView {
  return {
    devices: core.tracker.devices,
    totals: core.tracker.totals,
    get wave() {
      const of = waveCount(core.rollout);
      return of > 1 ? { current: core.rollout.wave + 1, of } : null;
    },
    names,
    downloads: downloads ?? new Map(),
  };
}

function timeoutError(ms: number): OtaError {
  return new OtaError(
    'interrupted',
    `the time limit of ${ms < 1000 ? `${Math.round(ms)}ms` : showDuration(ms)} for the whole run passed`,
  );
}

// `otaCreate` writes the bid in this place; a payload that we published ourselves needs no full parse.
function bidOf(payload: string): string | null {
  return /"bid":"([^"]+)"/.exec(payload)?.[1] ?? null;
}
