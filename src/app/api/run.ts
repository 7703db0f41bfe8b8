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
 * A run that has been started: its events as they happen, and its result. Every loop over it gets each event from when it
 * began to when the run ends; a loop that begins at once misses nothing.
 */
export interface Run extends AsyncIterable<StampedEvent> {
  /** Names the run in its events and its journal. Of a `resume` that names no run it is empty until that is known. */
  readonly id: string;
  /**
   * How it ended; `error` is set where it ended before its devices did. Rejects only for a request that is wrong by itself,
   * before anything was begun, and with what a callback of the caller's throws.
   */
  readonly result: Promise<RunResult>;
  /** Where it stands; null before it is connected. */
  snapshot(): RunSnapshot | null;
}

interface RunStart {
  id(): string;
  world: World;
  signal: AbortSignal | undefined;
}

/**
 * Starts `work` in the next turn, so that a loop which begins right away misses nothing. Events are kept for a loop that
 * has begun and for nobody else: a run whose events are not wanted costs no memory.
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
  // Whoever only loops over the events learns of a failure there.
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
