/** Brings messages to one webhook, in their order, without ever holding up the run. */
import { abortable } from '../../abort.js';
import type { Clock } from '../../clock.js';
import { signedHeaders } from './signature.js';

/** What came back: the status, and the milliseconds of `Retry-After`; or, where nothing did, why, without the address in it. */
export type Answer = { status: number; retryAfter: number | null } | { problem: string };

interface DeliveryOptions {
  clock: Clock;
  key: Buffer | null;
  /** Sends one request, follows no redirect, and reads nothing of the answer's body. Must not throw. */
  post(body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer>;
  /** A message was given up; told once until one is taken again. `why` follows "it". */
  onFailure(why: string): void;
}

interface Delivery {
  send(id: string, body: string): void;
  /** Waits until all is delivered, for at most `ms`; what was not taken by then is given up. */
  finish(ms: number): Promise<void>;
}

/** Milliseconds: an attempt, the wait before the second one (doubled each time), and how long one message is tried. */
const ATTEMPT = 10_000;
const FIRST_WAIT = 1_000;
const TRIED_FOR = 120_000;
const MOST_WAIT = 30_000;
/** More are not kept while one is tried: the last message of a run has what they say. */
const MOST_WAITING = 20;

export function createDelivery({ clock, key, post, onFailure }: DeliveryOptions): Delivery {
  const queue: { id: string; body: string }[] = [];
  const stop = new AbortController();
  let busy = false;
  /** When the run no longer waits; null while it goes on. */
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
      // Whatever the other side does: the time ends here.
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
      // At the end of the run the last message is worth the time that is left, and no other.
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
