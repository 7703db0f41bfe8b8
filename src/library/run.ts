import type { RunResult } from '../upgrade/end.js';
import type { Emit, RunEvent } from '../upgrade/events.js';

/** A run that has been started: its events as they happen, and its result. */
export interface Run extends AsyncIterable<RunEvent> {
  /**
   * How it ended; `error` is set where it ended before its devices did. Rejects only with an {@link OtaError} for a request
   * that is wrong by itself, before anything was begun.
   */
  readonly result: Promise<RunResult>;
}

/**
 * Starts `work` in the next turn, so that a loop which begins right away misses nothing. Events are kept for a loop that
 * has begun and for nobody else: a run whose events are not wanted costs no memory.
 */
export function startRun(work: (emit: Emit) => Promise<RunResult>): Run {
  const queues = new Set<Queue>();
  const emit: Emit = (event) => {
    for (const queue of queues) queue.push(event);
  };
  const result = Promise.resolve()
    .then(() => work(emit))
    .finally(() => {
      for (const queue of queues) queue.end();
      ended = true;
    });
  let ended = false;
  // Whoever only loops over the events learns of a failure there.
  result.catch(() => {});
  return {
    result,
    async *[Symbol.asyncIterator]() {
      const queue = new Queue();
      if (ended) queue.end();
      queues.add(queue);
      try {
        yield* queue.drain();
      } finally {
        queues.delete(queue);
      }
      await result;
    },
  };
}

class Queue {
  private events: RunEvent[] = [];
  private over = false;
  private wake = () => {};

  push(event: RunEvent): void {
    this.events.push(event);
    this.wake();
  }

  end(): void {
    this.over = true;
    this.wake();
  }

  async *drain(): AsyncGenerator<RunEvent, void, undefined> {
    for (;;) {
      const events = this.events;
      this.events = [];
      yield* events;
      if (this.events.length > 0) continue;
      if (this.over) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
