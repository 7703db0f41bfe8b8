/**
 * A named run whose journal is not there (a fresh CI machine): its jobs have the same `bid`s each time, so that an upgrade
 * that an earlier process sent can be known again by what its dock says.
 */
import type { BrokerMessage } from '../mqtt/broker.js';
import { readProgress, readReply } from '../protocol/messages.js';
import { parseTopic } from '../protocol/topics.js';
import type { FactOf } from './facts.js';
import type { Plan } from './plan.js';
import type { BidOf } from './publisher.js';

/** Attempts that an earlier process may have made. */
const MOST_ATTEMPTS = 10;
/** Messages of one gateway that are kept until the run can take them. */
const MOST_MESSAGES = 50;
/** Bytes: those of an upgrade have a few hundred. */
const LONGEST = 8 * 1024;

interface EarlierJobs {
  handle(message: BrokerMessage): void;
  /** What was heard of the jobs of a plan. */
  found(plan: Plan, bidOf: (job: BidOf) => string): HeardJobs;
}

export interface HeardJobs {
  /** Gateways on which one was heard. */
  pids: ReadonlySet<string>;
  /** What must have been recorded of them; a gateway's jobs come one after another. */
  opened(at: number, newId: () => string): FactOf<'job_opened'>[];
  /** What was said of them, in order. */
  messages: BrokerMessage[];
}

export function earlierJobs(): EarlierJobs {
  // By gateway, whatever the `bid`: what a broker has kept may come before there is a plan.
  const kept = new Map<string, { bid: string; message: BrokerMessage }[]>();
  return {
    handle(message) {
      const topic = parseTopic(message.topic);
      if (!topic || message.retained || (topic.kind !== 'services_reply' && topic.kind !== 'events')) return;
      const read = topic.kind === 'events' ? readProgress(message.payload) : readReply(message.payload);
      if (!read?.bid || message.payload.length > LONGEST) return;
      const list = kept.get(topic.serial) ?? [];
      list.push({ bid: read.bid, message: { ...message, payload: Uint8Array.from(message.payload) } });
      if (list.length > MOST_MESSAGES) list.shift();
      kept.set(topic.serial, list);
    },
    found(plan, bidOf) {
      const heard = plan.gateways.flatMap(({ pid, jobs }) => {
        const said = kept.get(pid) ?? [];
        if (said.length === 0) return [];
        const candidates = jobs.flatMap((devices, job) =>
          Array.from({ length: MOST_ATTEMPTS }, (_, index) => {
            const attempt = index + 1;
            return { pid, job, attempt, bid: bidOf({ pid, devices, attempt }), jobs };
          }),
        );
        // The last one that was sent is the one that counts.
        return candidates.findLast(({ bid }) => said.some((each) => each.bid === bid)) ?? [];
      });
      return {
        pids: new Set(heard.map(({ pid }) => pid)),
        opened: (at, newId) =>
          heard.flatMap(({ pid, job, attempt, bid, jobs }) =>
            jobs.slice(0, job + 1).map((devices, index): FactOf<'job_opened'> => {
              const of = index === job ? { bid, attempt } : { bid: bidOf({ pid, devices, attempt: 1 }), attempt: 1 };
              return { type: 'job_opened', at, pid, tid: newId(), devices, ...of };
            }),
          ),
        messages: heard.flatMap(({ pid, bid }) =>
          (kept.get(pid) ?? []).filter((each) => each.bid === bid).map(({ message }) => message),
        ),
      };
    },
  };
}
