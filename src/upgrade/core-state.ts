/** The state of a push without its I/O; changed by core.ts alone. */
import type { FactOf } from './facts.js';
import type { Plan } from './plan.js';
import type { RolloutOptions } from './rollout/options.js';
import type { Rollout } from './rollout/state.js';
import type { JobState } from './tracker/state.js';
import type { Tracker, TrackerOptions } from './tracker/tracker.js';

/** Milliseconds. */
export interface Limits {
  reply: number;
  stall: number;
  verify: number;
}

export interface RunCore {
  readonly plan: Plan;
  readonly tracker: Tracker;
  readonly rollout: Rollout;
  readonly options: CoreOptions;
  /** The job that each gateway works at, by its place in the plan. */
  readonly running: Map<number, JobState>;
  readonly gatewayOfPid: ReadonlyMap<string, number>;
  /** By gateway: devices, as indexes, that had nothing to do or were not ready at first, and are no part of the roll-out. */
  readonly skipped: ReadonlyMap<string, readonly number[]>;
  /** Gateways whose dock and aircraft ended split; each is told once. */
  readonly split: Set<string>;
  /** Set once by `cut_off`: nothing follows. */
  cut: FactOf<'cut_off'>['cause'] | null;
}

export interface CoreOptions {
  tracker: TrackerOptions;
  rollout: RolloutOptions;
  limits: Limits;
  /** A pair that ends split is told, and is no failure of the run. */
  allowSplitPair?: boolean;
  /** By what else gateways that wait until they are ready are judged, also by who takes the run up again. */
  judge?: { skipCurrent: boolean; allow: readonly string[] };
}
