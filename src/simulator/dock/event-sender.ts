import type { Clock } from '../../clock.js';
import { isTerminal } from '../../protocol/statuses.js';
import { topicOf } from '../../protocol/topics.js';
import type { Random } from '../scenario/random.js';
import type { Behavior } from './behavior.js';
import { type DockMessage, type Progress, progressPayload } from './messages.js';

/** Milliseconds after which an unanswered event is sent again. */
const ANSWER_WITHIN = 3000;
/** The most times that an event is sent. */
const SENDINGS = 4;

interface EventSenderOptions {
  pid: string;
  bid: string;
  behavior: Behavior;
  clock: Clock;
  random: Random;
  send(message: DockMessage): void;
  /** An event got no answer, although it was sent repeatedly. */
  unanswered(): void;
}

/** Sends the events of one upgrade, and applies `behavior` to them. */
interface EventSender {
  report(progress: Progress): void;
  /** An `events_reply` with this `tid` was received. Returns whether it was awaited. */
  answered(tid: string): boolean;
  stop(): void;
}

/** Creates the sender for one upgrade. */
export function eventSender(options: EventSenderOptions): EventSender {
  const { behavior, clock, random } = options;
  const topic = topicOf('events', options.pid);
  const foreign = behavior.foreign_bid ? random.id() : null;
  const awaited = new Map<string, () => void>();
  let held: Progress | null = null;
  let sent = 0;

  const publish = (payload: string) => options.send({ topic, payload, qos: 1, retain: false });

  function one(progress: Progress, bid = options.bid): void {
    const ids = { tid: random.id(), bid, timestamp: Math.floor(clock.wall()), pid: options.pid };
    // Only the `bid` identifies another sender's event.
    const form = bid === options.bid ? behavior : ({ ...behavior, bid: 'own' } as const);
    const payload = progressPayload(ids, progress, form);
    publish(payload);
    if (behavior.duplicates) publish(payload);
    if (behavior.need_reply && bid === options.bid) awaitAnswer(ids.tid, payload, 1);
  }

  function awaitAnswer(tid: string, payload: string, sendings: number): void {
    const cancel = clock.after(ANSWER_WITHIN, () => {
      awaited.delete(tid);
      if (sendings >= SENDINGS) return options.unanswered();
      publish(payload);
      awaitAnswer(tid, payload, sendings + 1);
    });
    awaited.set(tid, cancel);
  }

  return {
    report(progress) {
      sent++;
      const end = isTerminal(progress.status);
      // The other upgrade proceeds on its own, and fails before this one ends.
      if (foreign !== null && sent % 3 === 0) {
        const percent = Math.min(99, sent * 7);
        one(
          { ...progress, status: sent < 9 ? 'in_progress' : 'failed', percent, result: sent < 9 ? 0 : 312028 },
          foreign,
        );
      }
      if (behavior.out_of_order && !end && held === null && sent > 1) {
        held = progress;
        return;
      }
      one(progress);
      if (held !== null) one(held);
      else if (behavior.out_of_order && end) one({ ...progress, status: 'in_progress', percent: 90, result: 0 });
      held = null;
    },
    answered(tid) {
      const cancel = awaited.get(tid);
      cancel?.();
      return awaited.delete(tid);
    },
    stop() {
      for (const cancel of awaited.values()) cancel();
      awaited.clear();
    },
  };
}
