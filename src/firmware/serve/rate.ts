import type { Clock } from '../../clock.js';

/** A rate limit that all receivers share equally. */
export interface Rate {
  /**
   * Resolves when `who` may send, with the allowed part of `wanted` bytes; with 0 if `gone` was called first. All transfers of
   * one `who` share one part.
   */
  take(who: string, wanted: number, onGone: (gone: () => void) => void): Promise<number>;
}

interface Waiter {
  wanted: number;
  give(bytes: number): void;
}

// The target duration of a turn in milliseconds, and the least bytes of a turn.
const TURN = 20;
const LEAST = 1024;
const MOST = 128 * 1024;
// Milliseconds of delay by timers or a busy machine that are made up for. Unused bandwidth is not saved.
const SLACK = 100;
// Turns that a receiver may miss and still get: between two pieces a dock is briefly away, with one connection more often than
// with several.
const CREDIT = 8;

/** Start-time fair queueing: the receiver that has got least is next. */
export function fairRate(bytesPerSecond: number, clock: Clock): Rate {
  const turn = Math.ceil(Math.min(MOST, Math.max(LEAST, (bytesPerSecond * TURN) / 1000)));
  const queues = new Map<string, Waiter[]>();
  // The virtual time of each receiver in bytes; `level` is that of the last one before its turn.
  const had = new Map<string, number>();
  let level = 0;
  // The time at which everything that was allowed is sent.
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
