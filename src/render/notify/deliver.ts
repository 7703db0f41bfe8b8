/** Delivers messages to one webhook, in order, without delaying the run. */
import { abortable } from '../../abort.js';
import type { Clock } from '../../clock.js';
import { signedHeaders } from './signature.js';

/**
 * The result of a request: the status, and the milliseconds of `Retry-After`; or why there is no response, without the address.
 */
export type Answer = { status: number; retryAfter: number | null } | { problem: string };

interface DeliveryOptions {
  clock: Clock;
  key: Buffer | null;
  /** Sends one request, without following redirects or reading the response body. Must not throw. */
  post(body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer>;
  /** A message could not be delivered. Called once until one is accepted again. `why` follows "it". */
  onFailure(why: string): void;
}

interface Delivery {
  send(id: string, body: string): void;
  /** Waits at most `ms` milliseconds until all messages are delivered. The others are dropped. */
  finish(ms: number): Promise<void>;
}

/** Milliseconds for an attempt, before the second attempt (doubled each time), and in total for one message. */
const ATTEMPT = 10_000;
const FIRST_WAIT = 1_000;
const TRIED_FOR = 120_000;
const MOST_WAIT = 30_000;
/** The most messages that wait while one is sent. The last message of a run contains what they say. */
const MOST_WAITING = 20;

/** Creates the delivery to one webhook. */
export function createDelivery({ clock, key, post, onFailure }: DeliveryOptions): Delivery {
  const queue: { id: string; body: string }[] = [];
  const stop = new AbortController();
  let busy = false;
  /** When the run stops waiting; null while it goes on. */
  let end: number | null = null;
  let failing = false;
  let gone = false;
  let wake = () => {};
  let idle = () => {};

  const failed = (why: string) => {
    if (!failing) onFailure(why);
    failing = true;
  };

  async function attempt({ id, body }: { id: string; body: string }): Promise<Answer> {
    const limit = new AbortController();
    const cancel = clock.after(ATTEMPT, () => limit.abort());
    const signal = AbortSignal.any([limit.signal, stop.signal]);
    const headers = signedHeaders(id, Math.floor(clock.wall() / 1000), body, key);
    try {
      // Enforce the time limit, whatever the receiver does.
      return await abortable(post(body, headers, signal), signal);
    } catch {
      return { problem: `did not answer within ${ATTEMPT / 1000} s` };
    } finally {
      cancel();
    }
  }

  async function deliver(message: { id: string; body: string }): Promise<void> {
    const begun = clock.now();
    for (let wait = FIRST_WAIT; !gone && !stop.signal.aborted; wait = Math.min(wait * 2, MOST_WAIT)) {
      const answer = await attempt(message);
      if (stop.signal.aborted) return;
      const status = 'status' in answer ? answer.status : null;
      if (status !== null && status >= 200 && status < 300) {
        failing = false;
        return;
      }
      const asked = ('status' in answer && answer.retryAfter) || 0;
      const pause = Math.max(wait, Math.min(asked, TRIED_FOR));
      // At the end of the run, the remaining time is reserved for the last message.
      const until = end === null ? begun + TRIED_FOR : queue.length > 1 ? 0 : end;
      const again = status === null || status >= 500 || AGAIN.has(status);
      if (!again || clock.now() + pause > until) {
        gone = status === 410;
        return failed('problem' in answer ? answer.problem : `answered ${status}${MEANING[status ?? 0] ?? ''}`);
      }
      await new Promise<void>((resolve) => {
        const cancel = clock.after(pause, resolve);
        wake = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  async function work(): Promise<void> {
    busy = true;
    for (let message = queue[0]; message; message = queue[0]) {
      await deliver(message);
      queue.shift();
    }
    busy = false;
    idle();
  }

  return {
    send(id, body) {
      if (gone) return;
      if (queue.length >= MOST_WAITING) queue.splice(1, 1);
      queue.push({ id, body });
      if (!busy) void work();
    },
    async finish(ms) {
      if (!busy) return;
      end = clock.now() + ms;
      wake();
      const done = new Promise<void>((resolve) => {
        idle = resolve;
      });
      const cancel = clock.after(ms, () => {
        failed(`accepted no message within ${ms / 1000} s at the end of the run`);
        stop.abort();
        wake();
      });
      await done;
      cancel();
    },
  };
}

const AGAIN: ReadonlySet<number> = new Set([408, 425, 429]);

const MEANING: Readonly<Record<number, string>> = {
  301: ', a redirect, which is not followed',
  302: ', a redirect, which is not followed',
  303: ', a redirect, which is not followed',
  307: ', a redirect, which is not followed',
  308: ', a redirect, which is not followed',
  410: ' (gone): no more messages are sent to it',
};
