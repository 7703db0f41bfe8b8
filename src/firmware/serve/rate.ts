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

// A turn takes this many milliseconds, where that is not less than is worth a piece.
const TURN = 20;
const LEAST = 1024;
const MOST = 128 * 1024;
// What timers and a busy machine came too late for is made up for; idle time is not saved up.
const SLACK = 100;
// So many turns can be missed and still be had: between two pieces a dock is away for a moment, with one connection more
// often than with several.
const CREDIT = 8;

/** Start-time fair queueing: who has had least comes first. */
export function fairRate(bytesPerSecond: number, clock: Clock): Rate {
  const turn = Math.ceil(Math.min(MOST, Math.max(LEAST, (bytesPerSecond * TURN) / 1000)));
  const queues = new Map<string, Waiter[]>();
  // What each has had, in bytes, as if all had begun together; `level` is what the last one had before its turn.
  const had = new Map<string, number>();
  let level = 0;
  // When all that was allowed so far is sent.
  let free = clock.now();
  let cancel: (() => void) | null = null;

  const standing = (who: string) => Math.max(had.get(who) ?? 0, level - CREDIT * turn);

  function serveTurns(): void {
    cancel?.();
    cancel = null;
    while (queues.size > 0) {
      const now = clock.now();
      if (free > now) {
        cancel = clock.after(free - now, serveTurns);
        return;
      }
      let next = '';
      for (const who of queues.keys()) if (next === '' || standing(who) < standing(next)) next = who;
      const queue = queues.get(next) as Waiter[];
      const waiter = queue.shift() as Waiter;
      if (queue.length === 0) queues.delete(next);
      const bytes = Math.min(waiter.wanted, turn);
      const before = standing(next);
      level = Math.max(level, before);
      had.set(next, before + bytes);
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
