/**
 * Connects the core of a run to a broker, a clock and a journal. The core makes all decisions; this file does I/O, in order.
 */
import type { Clock } from '../clock.js';
import type { OtaError } from '../errors.js';
import type { Broker, BrokerEvents, BrokerMessage } from '../mqtt/broker.js';
import { createdBid, eventReply, type ProgressMessage } from '../protocol/messages.js';
import { parseTopic, topicOf } from '../protocol/topics.js';
import { advance, dueLimits, EVIDENCE_WAIT, isRunOver, type RunCore } from './core/core.js';
import { interruptCode, type RunResult } from './end.js';
import type { Emit, RunEvent } from './events.js';
import { endOf, exitCodeOf } from './exit-code.js';
import type { Fact, FactOf, ReportedState } from './facts.js';
import type { Plan } from './plan/plan.js';
import type { ReadyWatch } from './preflight/ready-watch.js';
import { createPublisher, type FactLog, type PublisherOptions } from './publisher.js';
import { startDue, wakeAt } from './rollout/rollout.js';
import { openLoop } from './session-loop.js';
import { deviceBySn, onlyOpenJob } from './tracker/jobs.js';
import type { DeviceState, RunView } from './tracker/state.js';
import { outcomes, takesState, takesVersion } from './tracker/tracker.js';
import { viewOf } from './tracker/view.js';
import { waitForReady } from './wait-for-ready.js';

/** Listens to the devices' own reports during a run (preflight, verification). */
interface Listener {
  /** A message on a state, osd or status topic. */
  handle(message: BrokerMessage): void;
}

interface SessionOptions {
  core: RunCore;
  clock: Clock;
  emit: Emit;
  log: FactLog | null;
  /** Its `reason` is 130 (SIGINT), 143 (SIGTERM), or {@link timeLimit}. */
  signal: AbortSignal;
  newId: () => string;
  listener?: Listener | null;
  /** Decides when waiting gateways are ready; null = gateways do not wait. */
  readiness?: ReadyWatch | null;
  /** Publish the jobs again, under their own ids, of which it is not certain that they were sent. */
  republishUncertain?: boolean;
  /** Why a job with these devices (indexes into the plan) must not be published; null = it may be published. */
  refuses?: (devices: readonly number[]) => string | null;
  /** See {@link createPublisher}. */
  bidOf?: PublisherOptions['bidOf'];
  maybeSent?: boolean;
  onView?: (view: RunView) => void;
  /** Downloads that this program serves. */
  downloads?: RunView['downloads'];
}

/** A run on a broker connection: pass it all events of the broker, then await {@link RunSession.toEnd}. */
export interface RunSession {
  readonly events: BrokerEvents;
  /** Applies a fact from another source, for example a version that a device reported. */
  take(fact: Fact): void;
  /** Takes a version that a device reported. Devices repeat the same one every few seconds. */
  report(sn: string, version: string): void;
  /** Takes the model of a device. `live`: the device reported it in this run; only the first such report counts. */
  reportModel(sn: string, model: string, live?: boolean): void;
  /** Takes a property that proves an upgrade which the version does not prove. */
  reportState(sn: string, key: ReportedState, value: string): void;
  /** Publishes what is due. Resolves when every device has ended, or the run has been cut off. */
  toEnd(broker: Broker): Promise<RunResult>;
}

/** The topics of a run's gateways that must be granted before anything is published. */
export function replyTopics(plan: Plan): string[] {
  return plan.gateways.flatMap(({ pid }) => [topicOf('services_reply', pid), topicOf('events', pid)]);
}

/** Creates the session of a run. Nothing is published before {@link RunSession.toEnd}. */
export function openSession(options: SessionOptions): RunSession {
  const { core, clock, emit, log, signal } = options;
  let broker: Broker | null = null;
  let failure: OtaError | null = null;
  let brokerRefused = false;
  let cancelTimer = () => {};
  let timerAt = Number.POSITIVE_INFINITY;
  let checking = false;
  /** Devices that have reported their model. */
  const told = new Set<DeviceState>();
  /** The number of unfinished `events_reply` publishes, by gateway. */
  const answers = new Map<string, number>();

  const loop = openLoop({
    ...{ clock, signal, onFact },
    knows: (pid) => core.gatewayOfPid.has(pid),
    isOver: () => isRunOver(core),
    onProgress(pid, message, takeIt) {
      const owed = message.needReply && isOurs(pid, message);
      takeIt();
      if (owed) answer(pid, message);
    },
    onOther: (_kind, _serial, message) => options.listener?.handle(message),
  });
  const { now, take } = loop;

  const publisher = createPublisher({
    ...options,
    now,
    take,
    freed() {
      // The starts that were taken back no longer count for `--concurrency`.
      if (isRunOver(core)) loop.endIfOver();
      else queueMicrotask(schedule);
    },
    failed(error, refused) {
      failure ??= error;
      brokerRefused ||= refused;
    },
  });

  const waits = options.readiness ? waitForReady(core, options.readiness, { clock, now, take, emit }) : null;

  function tell(events: readonly RunEvent[]): void {
    for (const event of events) emit(event);
  }

  function onFact(fact: Fact): void {
    const running = core.running.size;
    const events = advance(core, fact);
    if (fact.type !== 'job_opened' && (events.length > 0 || KEPT.has(fact.type))) log?.append(fact);
    tell(events);
    if (broker === null || isRunOver(core)) return;
    // Nearly every fact is progress, after which there is nothing to start.
    if (core.running.size !== running || (waits && MAY_START.has(fact.type))) schedule();
  }

  /** Starts what is due, and sets a timer for the next time limit or wait. */
  function schedule(): void {
    if (broker === null || core.cut !== null) return;
    const at = now();
    // While the connection is lost, the last reports of the docks may be outdated.
    const mayStart = waits === null || core.tracker.lostAt === null;
    const starts = mayStart ? startDue(core.rollout, at, waits?.gate) : [];
    waits?.tellHeld();
    if (starts.length > 0) publisher.start(broker, starts);
    waits?.endIfDone(broker);
    const wake = mayStart ? wakeAt(core.rollout) : null;
    if (wake !== null) setTimer(Math.max(wake, at));
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
    const { due, next } = dueLimits(core, now());
    for (const fact of due) take(fact);
    checking = false;
    // With no limit running, look again after the shortest limit, because one may begin in between. Waits need a short
    // interval.
    const { reply, stall, verify } = core.options.limits;
    const idle = now() + Math.max(1, Math.min(reply, stall, verify, waits ? 1000 : EVIDENCE_WAIT));
    const busy = core.running.size > 0 || core.rollout.waiting.size > 0;
    if (core.cut === null && busy) setTimer(next === null ? idle : Math.min(next, idle));
  }

  const lookAtLease =
    log?.watchLease?.((error) => {
      loop.cutOff('broker_lost', error);
      // At once, not when the loop ends: the client must not send again what it has queued.
      void broker?.close({ keepSession: true });
    }) ?? (() => {});

  /** Answers an event. If there is no answer (too many are unfinished, or one is lost), the dock sends the event again. */
  function answer(pid: string, progress: ProgressMessage): void {
    const pending = answers.get(pid) ?? 0;
    if (!broker || pending >= MOST_ANSWERS) return;
    answers.set(pid, pending + 1);
    const done = () => {
      const left = (answers.get(pid) ?? 1) - 1;
      if (left > 0) answers.set(pid, left);
      else answers.delete(pid);
    };
    broker.publish(topicOf('events_reply', pid), eventReply(progress, clock.wall())).then(done, done);
  }

  /**
   * Whether this run must answer an event: it has the `bid` of one of its jobs, or none while just one job is open (before the
   * event is applied).
   */
  function isOurs(pid: string, { bid, method }: ProgressMessage): boolean {
    return bid === null
      ? method !== null && onlyOpenJob(core.tracker, pid) !== null
      : core.tracker.byBid.get(bid)?.pid === pid;
  }

  const events: BrokerEvents = {
    ...loop.events,
    onBatch: (open) => log?.batch?.(open),
    onLost(reason) {
      loop.events.onLost(reason);
      // A process that resumes the run uses the same client id, so the broker ends the older session.
      lookAtLease();
    },
    onRestored(info) {
      lookAtLease();
      waits?.restored();
      loop.events.onRestored(info);
    },
    onResend: (topic, payload) => {
      const bid = parseTopic(topic)?.kind === 'services' ? createdBid(payload) : null;
      if (bid !== null) take({ type: 'job_resent', at: now(), bid });
    },
  };

  /** Polls every second: a request to stop is a file, and file notifications do not work on all kinds of volumes. */
  function lookForStop(): () => void {
    let cancel = () => {};
    const next = () => {
      const reason = log?.stopRequest?.() ?? null;
      if (reason !== null) take({ type: 'stop_requested', at: now(), reason });
      else cancel = clock.after(STOP_LOOK, next);
    };
    if (log?.stopRequest) next();
    return () => cancel();
  }

  async function toEnd(connected: Broker): Promise<RunResult> {
    broker = connected;
    options.onView?.(viewOf(core, options.downloads));
    const heedNoMore = loop.heedSignal();
    if (isRunOver(core)) loop.endIfOver();
    else {
      lookAtLease();
      if (options.republishUncertain && core.cut === null) publisher.republish(connected);
      waits?.begin();
      schedule();
    }
    const endLooks = lookForStop();
    await loop.over;
    endLooks();
    waits?.end();
    // A write that is in progress must be followed by the outcome of its jobs.
    await publisher.recorded();
    cancelTimer();
    heedNoMore();
    broker = null;
    return resultOf();
  }

  function resultOf(): RunResult {
    const devices = outcomes(core.tracker);
    const interrupted = core.cut === 'interrupted' ? interruptCode(signal) : null;
    const exit_code = exitCodeOf(devices, endOf(core, core.cut === 'broker_lost' || brokerRefused, interrupted));
    return {
      exit_code,
      totals: { ...core.tracker.totals },
      devices,
      error: core.cut === 'timeout' ? failure : (loop.cut?.error ?? failure),
    };
  }

  function report(sn: string, version: string): void {
    const wall = Math.round(clock.wall());
    const fact: FactOf<'version_reported'> = { type: 'version_reported', at: now(), wall, sn, version };
    if (takesVersion(core.tracker, fact)) take(fact);
  }

  function reportModel(sn: string, model: string, live = true): void {
    const device = deviceBySn(core.tracker, sn);
    if (!device || told.has(device)) return;
    if (live) told.add(device);
    if (device.model !== model) take({ type: 'model_reported', at: now(), sn, model });
  }

  function reportState(sn: string, key: ReportedState, value: string): void {
    const fact: FactOf<'state_reported'> = { type: 'state_reported', at: now(), sn, key, value };
    if (takesState(core.tracker, fact)) take(fact);
  }

  return { events, take, report, reportState, reportModel, toEnd };
}

/** Milliseconds between two checks for a request to stop. */
const STOP_LOOK = 1000;

/** The most unfinished answers for one gateway, to bound what a flooding dock costs. */
const MOST_ANSWERS = 4;

/** Facts after which a waiting gateway, or the next wave, may start. */
const MAY_START: ReadonlySet<Fact['type']> = new Set(['gateway_ready', 'wait_passed', 'left_out', 'broker_restored']);

/** Facts that the journal keeps although they cause no event. */
const KEPT: ReadonlySet<Fact['type']> = new Set([
  'job_acknowledged',
  'job_resent',
  'resumed',
  'stop_requested',
  'cut_off',
  'version_reported',
  'model_reported',
  'state_reported',
  'gateway_ready',
]);
