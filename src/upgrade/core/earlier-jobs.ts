/**
 * Recognizes upgrades that an earlier process sent, when the journal of a named run is missing (on a fresh CI machine). The
 * jobs of a named run have the same `bid`s each time, so the messages of a dock show whether it has one of them.
 */
import type { BrokerMessage } from '../../mqtt/broker.js';
import { readProgress, readReply } from '../../protocol/messages.js';
import { parseTopic } from '../../protocol/topics.js';
import type { FactOf } from '../facts.js';
import type { Plan } from '../plan/plan.js';
import type { BidOf } from '../publisher.js';

/** How many attempts of an earlier process are looked for. */
const MOST_ATTEMPTS = 10;
/** The most messages of one gateway that are kept until the run can read them. */
const MOST_MESSAGES = 50;
/** Bytes. The messages of an upgrade have a few hundred. */
const LONGEST = 8 * 1024;

interface EarlierJobs {
  handle(message: BrokerMessage): void;
  /** The jobs of `plan` that were heard. */
  found(plan: Plan, bidOf: (job: BidOf) => string): HeardJobs;
}

/** The jobs of a plan that an earlier process published. */
export interface HeardJobs {
  /** Gateways on which such a job was heard. */
  pids: ReadonlySet<string>;
  /** The facts that its journal must have held. The jobs of a gateway are in order. */
  opened(at: number, newId: () => string): FactOf<'job_opened'>[];
  /** The messages that were heard about these jobs, in order. */
  messages: BrokerMessage[];
}

/** Starts to collect messages about upgrades that an earlier process may have sent. */
export function earlierJobs(): EarlierJobs {
  // Kept by gateway for every `bid`, because retained or queued messages may arrive before there is a plan.
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
        // The newest attempt counts.
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
