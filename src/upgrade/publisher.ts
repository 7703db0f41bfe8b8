/** From what is due to a message at the broker: recorded first, then published, never twice. */
import type { Clock } from '../clock.js';
import { type OtaError, toOtaError } from '../errors.js';
import type { Broker } from '../mqtt/broker.js';
import { otaCreate } from '../protocol/messages.js';
import { topicOf } from '../protocol/topics.js';
import { type RunCore, refuseStarts, withdrawStart } from './core.js';
import type { Emit, RunEvent } from './events.js';
import type { Fact, FactOf } from './facts.js';
import { otaDeviceOf } from './plan.js';
import type { Start } from './rollout/rollout.js';
import { mayHaveArrived } from './tracker/tracker.js';

/** Where the facts of a run are kept, so that it can be taken up again. */
export interface FactLog {
  /** Durable once it resolves: called before the publishes that it records. @throws OtaError `journal_unwritable` */
  write(facts: readonly Fact[]): Promise<void>;
  /** Kept soon; never throws. */
  append(fact: Fact): void;
  /**
   * `onTaken` is told, once, that another process has taken the run up: from then on nothing may be published. The result
   * looks whether that has happened.
   */
  watchLease?(onTaken: (error: OtaError) => void): () => void;
  /** Why the run is to start nothing more, where somebody has asked for that; told once. */
  stopRequest?(): string | null;
}

export interface PublisherOptions {
  core: RunCore;
  clock: Clock;
  log: FactLog | null;
  emit: Emit;
  newId: () => string;
  /** Why a job with these devices, indexes into the plan, must not be published; null = it may be. */
  refuses?: (devices: readonly number[]) => string | null;
  /** The `bid` of a job; without it a new one each time. */
  bidOf?: (job: BidOf) => string;
  /** An earlier process that nobody knows of may have sent the same jobs: that one runs already means that it has. */
  maybeSent?: boolean;
  /** The clock in whole milliseconds. */
  now: () => number;
  take(fact: Fact): void;
  /** Starts were taken back: others may start in their place, or the run is over. */
  freed(): void;
  /** What the run has to tell in the end; `refused`: by the broker. */
  failed(error: OtaError, refused: boolean): void;
}

/** `devices`: indexes into the plan. */
export interface BidOf {
  pid: string;
  devices: readonly number[];
  attempt: number;
  /** 0, and more for what is left of a job of which a part was published alone (`--allow split-pair`). */
  part?: number;
}

interface Publisher {
  /** Records `starts` and publishes them. */
  start(broker: Broker, starts: readonly Start[]): void;
  /** Publishes again, under their own ids, the jobs of which it is not certain that they were sent. */
  republish(broker: Broker): void;
  /** Resolves once the log has been told what became of every start. */
  recorded(): Promise<void>;
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { core, clock, log, emit, now, take } = options;
  const recordings = new Set<Promise<void>>();
  // A text put together from pieces keeps its pieces; this copy is in one.
  const newId = () => Buffer.from(options.newId(), 'latin1').toString('latin1');

  const tell = (events: readonly RunEvent[]) => {
    for (const event of events) emit(event);
  };

  /** What cannot be published ends without having been sent. */
  function sendable(starts: readonly Start[]): Start[] {
    return starts.filter((start) => {
      const reason = options.refuses?.(start.devices) ?? null;
      if (reason !== null) tell(withdrawStart(core, start, reason, now()));
      return reason === null;
    });
  }

  async function recordAndPublish(to: Broker, claimed: readonly Start[]): Promise<void> {
    const starts = sendable(claimed);
    if (starts.length < claimed.length) options.freed();
    if (starts.length === 0) return;
    const facts = starts.map(({ devices, attempt }): FactOf<'job_opened'> => {
      const pid = core.tracker.devices[devices[0] ?? -1]?.pid ?? '';
      let bid = options.bidOf?.({ pid, devices, attempt, part: 0 }) ?? newId();
      for (let part = 1; options.bidOf && core.tracker.byBid.has(bid); part++)
        bid = options.bidOf({ pid, devices, attempt, part });
      return { type: 'job_opened', at: now(), pid, bid, tid: newId(), attempt, devices };
    });
    try {
      await log?.write(facts);
    } catch (error) {
      withdraw(facts, 'it could not be written to the journal');
      journalFailed(starts, toOtaError(error));
      return;
    }
    // Interrupted while it was being recorded: nothing of it was sent.
    if (core.cut !== null) return withdraw(facts, 'the run was interrupted before it was sent');
    const { stopped } = core.rollout;
    if (stopped !== null) {
      const reason = `the run was stopped: ${stopped}`;
      withdraw(facts, reason);
      for (const start of starts) tell(withdrawStart(core, start, reason, now()));
      options.freed();
      return;
    }
    for (const fact of facts) {
      // From here on its limits count: the disk may have taken its time.
      take({ ...fact, at: now() });
      if (options.maybeSent) take({ type: 'job_resent', at: now(), bid: fact.bid });
      void publishJob(to, fact);
    }
  }

  /** Of what stands in the journal and was not sent; it may have been recorded in part. */
  function withdraw(facts: readonly FactOf<'job_opened'>[], reason: string): void {
    for (const { bid } of facts) log?.append({ type: 'job_unsent', at: now(), bid, reason, withdrawn: true });
  }

  /** What cannot be recorded is not published: what runs is followed to its end, and nothing more is started. */
  function journalFailed(starts: readonly Start[], error: OtaError): void {
    if (core.cut !== null) return;
    options.failed(error, false);
    tell(refuseStarts(core, starts, error.message, now()));
    options.freed();
  }

  async function publishJob(to: Broker, fact: FactOf<'job_opened'>): Promise<void> {
    const { pid, bid, tid } = fact;
    const planned = fact.devices.flatMap((index) => core.plan.devices[index] ?? []);
    try {
      const request = otaCreate({ bid, tid, timestamp: clock.wall() }, planned.map(otaDeviceOf));
      await to.publish(topicOf('services', pid), request);
      take({ type: 'job_acknowledged', at: now(), bid });
    } catch (error) {
      const failed = toOtaError(error);
      // Anything else means that the connection is gone, as does a refusal after the end: then it may have been sent all
      // the same, and the broker's own events decide what follows.
      if (failed.code !== 'broker_refused' || core.cut !== null) return;
      const job = core.tracker.byBid.get(bid);
      if (!job || !mayHaveArrived(job)) options.failed(failed, true);
      emit({ event: 'warning', code: 'publish_refused', message: failed.message });
      take({ type: 'job_unsent', at: now(), bid, reason: failed.message });
    }
  }

  return {
    start(broker, starts) {
      const recording: Promise<void> = recordAndPublish(broker, starts).finally(() => recordings.delete(recording));
      recordings.add(recording);
    },
    republish(broker) {
      for (const job of core.running.values()) {
        if (!job.uncertain || job.bid === null || job.tid === null) continue;
        const { pid, bid, tid, attempt } = job;
        const devices = job.devices.map((device) => device.index);
        const reason = options.refuses?.(devices) ?? null;
        if (reason !== null) {
          emit({ event: 'warning', code: 'not_republished', message: `gateway ${pid}: not sent again: ${reason}` });
          continue;
        }
        // Already recorded: the same request under the same ids, so that a dock that has it refuses it as running.
        take({ type: 'job_resent', at: now(), bid });
        void publishJob(broker, { type: 'job_opened', at: now(), pid, bid, tid, attempt, devices });
      }
    },
    async recorded() {
      await Promise.all(recordings);
    },
  };
}
