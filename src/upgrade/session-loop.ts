/** The loop that `push` and `watch` share: makes facts of the broker's messages until the run is over. */
import type { Clock } from '../clock.js';
import { type OtaError, toOtaError } from '../errors.js';
import type { BrokerEvents, BrokerMessage } from '../mqtt/broker.js';
import { type ProgressMessage, readProgress, readReply } from '../protocol/messages.js';
import { parseTopic, type TopicKind } from '../protocol/topics.js';
import { cutBy, interruption } from './end.js';
import type { Fact, FactOf } from './facts.js';

type CutCause = FactOf<'cut_off'>['cause'];

interface LoopOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Whether replies and events of this gateway count. */
  knows(pid: string): boolean;
  /** Applies a fact. `cut_off` is the last one. */
  onFact(fact: Fact): void;
  isOver(): boolean;
  /** Called for every progress message. It must call `take` to have the message applied. */
  onProgress(pid: string, message: ProgressMessage, take: () => void): void;
  /** Called for a message that is neither a reply nor an event. */
  onOther(kind: TopicKind, serial: string, message: BrokerMessage): void;
}

/** A running loop. */
export interface SessionLoop {
  /** The handlers for the broker. `onLost` and `onRestored` already make facts. */
  readonly events: Required<Pick<BrokerEvents, 'onMessage' | 'onLost' | 'onRestored' | 'onGone'>>;
  /** Why the run was cut off, and the error to report; null = it was not. */
  readonly cut: { cause: CutCause; error: OtaError } | null;
  /** Applies a fact from another source. Ignored once the run has been cut off. */
  take(fact: Fact): void;
  cutOff(cause: CutCause, error: OtaError): void;
  /** Whole milliseconds: V8 stores a number with a fraction in a heap object of its own. */
  now(): number;
  /** Cuts the run off when the signal is aborted. Call the result to stop listening to it. */
  heedSignal(): () => void;
  /** Checks whether the run is over. Needed where it can end without a fact. */
  endIfOver(): void;
  /** Resolves when the run is over. */
  readonly over: Promise<void>;
}

/** Starts a loop over the messages of a broker. */
export function openLoop(options: LoopOptions): SessionLoop {
  const { clock, signal } = options;
  const now = () => Math.floor(clock.now());
  let cut: SessionLoop['cut'] = null;
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });

  function take(fact: Fact): void {
    if (cut !== null) return;
    options.onFact(fact);
    endIfOver();
  }

  function endIfOver(): void {
    if (options.isOver()) end();
  }

  function cutOff(cause: CutCause, error: OtaError): void {
    if (cut !== null) return;
    cut = { cause, error };
    options.onFact({ type: 'cut_off', at: now(), cause, reason: error.message });
    end();
  }

  function onMessage(message: BrokerMessage): void {
    const topic = parseTopic(message.topic);
    if (!topic) return;
    const { kind, serial: pid } = topic;
    if (kind !== 'services_reply' && kind !== 'events') {
      options.onOther(kind, pid, message);
      return;
    }
    // A retained message may be years old (PROTOCOL "Topics").
    if (message.retained || !options.knows(pid)) return;
    if (kind === 'services_reply') {
      const reply = readReply(message.payload);
      if (reply) take({ type: 'reply', at: now(), pid, message: reply });
      return;
    }
    const progress = readProgress(message.payload);
    if (progress)
      options.onProgress(pid, progress, () => take({ type: 'progress', at: now(), pid, message: progress }));
  }

  return {
    events: {
      onMessage,
      onLost: (reason) => take({ type: 'broker_lost', at: now(), reason }),
      onRestored: ({ sessionPresent }) => take({ type: 'broker_restored', at: now(), sessionPresent }),
      onGone: (error) => cutOff('broker_lost', toOtaError(error)),
    },
    get cut() {
      return cut;
    },
    take,
    cutOff,
    now,
    heedSignal() {
      const onAbort = () => cutOff(cutBy(signal), interruption(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      return () => signal.removeEventListener('abort', onAbort);
    },
    endIfOver,
    over,
  };
}
