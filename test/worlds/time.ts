/**
 * Virtual time. Everything that takes time in a world is an event in one queue. Between two events, the shipped code runs until
 * it waits for one of them again. A world of hours takes milliseconds, and is the same each time.
 */
import type { Clock } from '../../src/clock.js';

export interface WorldTime {
  /** Milliseconds since the world began. */
  readonly now: number;
  /** The number of events so far in which shipped code ran, and of all events. */
  readonly steps: number;
  readonly events: number;
  /**
   * Calls `run` after `ms`. Call the result to cancel. `shipped`: it runs shipped code, whose promises settle before the next
   * event.
   */
  after(ms: number, run: () => void, shipped?: boolean): () => void;
  /** Plays events until there are none, or `until` returns true after one of them. */
  play(until: () => boolean): Promise<void>;
  /** Called before each event in which shipped code runs. */
  onStep: (() => void) | null;
}

interface Event {
  at: number;
  order: number;
  run: (() => void) | null;
  shipped: boolean;
}

/** The wall clock at which worlds begin. */
export const BEGIN = Date.UTC(2026, 5, 1, 6, 0, 0);

export function worldTime(): WorldTime {
  const heap: Event[] = [];
  let now = 0;
  let order = 0;
  let steps = 0;
  let events = 0;

  const before = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order);
  function push(event: Event): void {
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Event;
      if (!before(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }
  function pop(): Event | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!before(heap[child] as Event, last)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
    return first;
  }

  const time: WorldTime = {
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    get events() {
      return events;
    },
    onStep: null,
    after(ms, run, shipped = false) {
      const event: Event = { at: now + Math.max(0, ms), order: order++, run, shipped };
      push(event);
      return () => {
        event.run = null;
      };
    },
    async play(until) {
      // What runs from the start, before any event.
      await settled();
      while (!until()) {
        const event = pop();
        if (!event) return;
        const { run } = event;
        if (run === null) continue;
        now = event.at;
        events++;
        event.run = null;
        if (event.shipped) {
          steps++;
          time.onStep?.();
        }
        run();
        if (event.shipped) await settled();
      }
    },
  };
  return time;
}

/** Resolves when every promise that can settle without another event has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/**
 * The clock of one process. `wall`: the offset of its machine's wall clock from the world's. When `alive` is false, no timer
 * fires.
 */
export function processClock(time: WorldTime, process: { readonly alive: boolean }, wall: () => number): Clock {
  const origin = time.now;
  return {
    now: () => time.now - origin,
    wall: () => Math.round(BEGIN + time.now + wall()),
    // Like Node's own timers: whole milliseconds, at least one, and slightly late.
    after: (ms, run) =>
      time.after(
        Math.max(1, Math.trunc(ms)) + 0.3,
        () => {
          if (process.alive) run();
        },
        true,
      ),
  };
}
