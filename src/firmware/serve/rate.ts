import type { Clock } from '../../clock.js';

/** A limit for everything that is sent, of which each of those who wait gets the same. */
export interface Rate {
  /**
   * Resolves once `who` may send, with how many of `wanted` bytes; with 0 where `gone` was called first. However many
   * transfers one `who` has, together they get one share.
   */
  take(who: string, wanted: number, onGone: (gone: () => void) => void): Promise<number>;
}

interface Waiter {
  wanted: number;
  give(bytes: number): void;
}

// A share is sent within this many milliseconds, where it is not smaller than is worth a piece.
const TURN = 20;
const LEAST = 1024;
const MOST = 128 * 1024;
// What timers and a busy machine came too late for is made up for; idle time is not saved up.
const SLACK = 100;

/** Round robin by shares (deficit round robin with pieces that always fit). */
export function fairRate(bytesPerSecond: number, clock: Clock): Rate {
  const share = Math.ceil(Math.min(MOST, Math.max(LEAST, (bytesPerSecond * TURN) / 1000)));
  // In the order of their turns: who had one goes to the end.
  const queues = new Map<string, Waiter[]>();
  // When all that was allowed so far is sent.
  let free = clock.now();
  let cancel: (() => void) | null = null;

  function serveTurns(): void {
    cancel?.();
    cancel = null;
    for (const [who, queue] of queues) {
      const now = clock.now();
      if (free > now) {
        cancel = clock.after(free - now, serveTurns);
        return;
      }
      queues.delete(who);
      const waiter = queue.shift();
      if (queue.length > 0) queues.set(who, queue);
      if (!waiter) continue;
      const bytes = Math.min(waiter.wanted, share);
      free = Math.max(free, now - SLACK) + (bytes / bytesPerSecond) * 1000;
      waiter.give(bytes);
    }
  }

  return {
    take: (who, wanted, onGone) =>
      new Promise((resolve) => {
        const queue = queues.get(who) ?? [];
        queues.set(who, queue);
        const waiter = { wanted, give: resolve };
        queue.push(waiter);
        onGone(() => {
          const place = queue.indexOf(waiter);
          if (place < 0) return;
          queue.splice(place, 1);
          if (queue.length === 0 && queues.get(who) === queue) queues.delete(who);
          resolve(0);
        });
        serveTurns();
      }),
  };
}
