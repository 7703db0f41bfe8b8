/** Publishes the jobs that are due: each one is recorded first, then published, and never published twice. */
import type { Clock } from '../clock.js';
import { type OtaError, toOtaError } from '../errors.js';
import type { Broker } from '../mqtt/broker.js';
import { otaCreate } from '../protocol/messages.js';
import { topicOf } from '../protocol/topics.js';
import { type RunCore, refuseStarts, withdrawStart } from './core/core.js';
import type { Emit, RunEvent } from './events.js';
import type { Fact, FactOf } from './facts.js';
import { otaDeviceOf } from './plan/plan.js';
import type { Start } from './rollout/rollout.js';
import { mayHaveArrived } from './tracker/tracker.js';

/** Stores the facts of a run, so that the run can be resumed. */
export interface FactLog {
  /**
   * The facts are on disk once it resolves. Called before the publishes that they record. @throws OtaError `journal_unwritable`
   */
  write(facts: readonly Fact[]): Promise<void>;
  /** Stores a fact at once, or at the end of the batch. Never throws. */
  append(fact: Fact): void;
  /** See `onBatch` of `BrokerEvents`. */
  batch?(open: boolean): void;
  /**
   * Calls `onTaken`, once, when another process has taken over the run; after that nothing may be published. Call the result to
   * check at once.
   */
  watchLease?(onTaken: (error: OtaError) => void): () => void;
  /** Why someone asked the run to start nothing more; null = nobody did. Returned once. */
  stopRequest?(): string | null;
}

/** What a publisher needs from its run. */
export interface PublisherOptions {
  core: RunCore;
  clock: Clock;
  log: FactLog | null;
  emit: Emit;
  newId: () => string;
  /** Why a job with these devices (indexes into the plan) must not be published; null = it may be published. */
  refuses?: (devices: readonly number[]) => string | null;
  /** Computes the `bid` of a job. Without it each job gets a new one. */
  bidOf?: (job: BidOf) => string;
  /** An earlier process without a journal may have sent the same jobs. A reply "already running" then means that it did. */
  maybeSent?: boolean;
  /** The clock in whole milliseconds. */
  now: () => number;
  take(fact: Fact): void;
  /** Starts were taken back: other gateways may start in their place, or the run is over. */
  freed(): void;
  /** An error that the run reports at its end. `refused`: the broker refused a message. */
  failed(error: OtaError, refused: boolean): void;
}

/** The job whose `bid` is computed. `devices` are indexes into the plan. */
export interface BidOf {
  pid: string;
  devices: readonly number[];
  attempt: number;
  /** 0, or higher for the rest of a job of which one part was published alone (`--allow split-pair`). */
  part?: number;
}

interface Publisher {
  /** Records `starts` and publishes them. */
  start(broker: Broker, starts: readonly Start[]): void;
  /** Publishes the jobs again of which it is not certain that they were sent, under their own ids. */
  republish(broker: Broker): void;
  /** Resolves once the log knows the outcome of every start. */
  recorded(): Promise<void>;
}

/** Creates the publisher of a run. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { core, clock, log, emit, now, take } = options;
  const recordings = new Set<Promise<void>>();
  // V8 keeps the parts of a concatenated string alive. This copy is one flat string, and ids are kept for the whole run.
  const newId = () => Buffer.from(options.newId(), 'latin1').toString('latin1');

  const tell = (events: readonly RunEvent[]) => {
    for (const event of events) emit(event);
  };

  /** Ends the starts that cannot be published, as not sent. Returns the others. */
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
    // Interrupted while the facts were written: nothing was sent.
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
      // The time limits count from here, because the write may have been slow.
      take({ ...fact, at: now() });
      if (options.maybeSent) take({ type: 'job_resent', at: now(), bid: fact.bid });
      void publishJob(to, fact);
    }
  }

  /** Records that jobs of the journal were not sent. They may have been recorded only in part. */
  function withdraw(facts: readonly FactOf<'job_opened'>[], reason: string): void {
    for (const { bid } of facts) log?.append({ type: 'job_unsent', at: now(), bid, reason, withdrawn: true });
  }

  /** A job that cannot be recorded is not published: running upgrades are followed to their end, and no more are started. */
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
      // Any other error means that the connection is gone, as does a refusal after the end. The request may have been sent
      // nevertheless, and the broker's connection events decide what follows.
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
        // It is recorded already. The request is the same, with the same ids, so a dock that has it replies "already running".
        take({ type: 'job_resent', at: now(), bid });
        void publishJob(broker, { type: 'job_opened', at: now(), pid, bid, tid, attempt, devices });
      }
    },
    async recorded() {
      await Promise.all(recordings);
    },
  };
}
