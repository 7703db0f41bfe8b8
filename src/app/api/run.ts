import { toOtaError } from '../../errors.js';
import type { RunResult as RunEnd } from '../../upgrade/end.js';
import { type PublicDevice, publicDevice, type RunEvent, type StampedEvent, stamped } from '../../upgrade/events.js';
import type { RunView } from '../../upgrade/tracker/state.js';
import type { Context, World } from '../context.js';
import { errorInKeys, eventInKeys } from './caller-words.js';
import { type RunSnapshot, snapshotOf } from './snapshot.js';
import { endingWith, type RunTools } from './world.js';

/** How a run ended. */
export interface RunResult extends Omit<RunEnd, 'devices'> {
  devices: PublicDevice[];
}

/**
 * A run in progress: an async iterable of its events, and its result. Each loop gets the events from when it begins to the end
 * of the run; a loop that begins at once gets all events.
 */
export interface Run extends AsyncIterable<StampedEvent> {
  /** The run's id in its events and its journal. For a `resume` without `run`, it is empty until the run is found. */
  readonly id: string;
  /**
   * How the run ended. `error` is set if it ended before its devices did. Rejects only if the request itself is wrong, before
   * anything has begun, or with what a callback of the caller throws.
   */
  readonly result: Promise<RunResult>;
  /** The state of the run; null before it is connected. */
  snapshot(): RunSnapshot | null;
}

interface RunStart {
  id(): string;
  world: World;
  signal: AbortSignal | undefined;
}

/**
 * Starts `work` in the next turn of the event loop, so that a loop which begins right away gets all events. Events are buffered
 * only for loops that have begun, so a run whose events are not used takes no memory.
 */
export function startRun({ id, world, signal }: RunStart, work: (tools: RunTools) => Promise<RunEnd>): Run {
  const queues = new Set<Queue>();
  const own = new AbortController();
  let failure: { error: unknown } | null = null;
  let view: RunView | null = null;
  let ended = false;
  let finished = false;
  const emit = (event: RunEvent) => {
    if (queues.size === 0 || finished) return;
    finished = event.event === 'run_finished';
    const line = stamped(eventInKeys(event), id(), world.clock.wall());
    for (const queue of queues) queue.push(line);
  };
  const fail = (error: unknown) => {
    failure ??= { error };
    own.abort(error);
  };
  const context: Context = {
    ...world,
    signal: endingWith(own, signal),
    emit,
    warn: (code, message) => emit({ event: 'warning', code, message }),
    note() {},
    view(given) {
      view = given;
    },
  };
  const result = Promise.resolve()
    .then(() => work({ context, fail }))
    .then(
      (value) => {
        if (failure) throw failure.error;
        return {
          ...value,
          devices: value.devices.map(publicDevice),
          error: value.error && errorInKeys(value.error),
        };
      },
      (error: unknown) => {
        throw failure ? failure.error : errorInKeys(toOtaError(error));
      },
    )
    .finally(() => {
      for (const queue of queues) queue.end();
      ended = true;
    });
  // A caller that only loops over the events gets the failure from the loop.
  result.catch(() => {});
  return {
    get id() {
      return id();
    },
    result,
    snapshot: () => (view === null ? null : snapshotOf(view, id(), world.clock)),
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
  private events: StampedEvent[] = [];
  private over = false;
  private wake = () => {};

  push(event: StampedEvent): void {
    this.events.push(event);
    this.wake();
  }

  end(): void {
    this.over = true;
    this.wake();
  }

  async *drain(): AsyncGenerator<StampedEvent, void, undefined> {
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
