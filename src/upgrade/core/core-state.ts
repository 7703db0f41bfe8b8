/** The state of a push, without I/O. Only core.ts and the modules that it calls change it. */
import type { FactOf } from '../facts.js';
import type { Plan } from '../plan/plan.js';
import type { RolloutOptions } from '../rollout/options.js';
import type { Rollout } from '../rollout/state.js';
import type { JobState } from '../tracker/state.js';
import type { Tracker, TrackerOptions } from '../tracker/tracker.js';

/** Milliseconds. */
export interface Limits {
  reply: number;
  stall: number;
  verify: number;
}

/** The state of one push: the plan, the tracker, the roll-out, and what ties them together. */
export interface RunCore {
  readonly plan: Plan;
  readonly tracker: Tracker;
  readonly rollout: Rollout;
  readonly options: CoreOptions;
  /** The open job of each gateway, by the gateway's index in the plan. */
  readonly running: Map<number, JobState>;
  readonly gatewayOfPid: ReadonlyMap<string, number>;
  /**
   * Devices (indexes) that are not part of the roll-out, by gateway: they had nothing to do, or were not ready at the start.
   */
  readonly skipped: ReadonlyMap<string, readonly number[]>;
  /** Gateways whose pair ended split. `pair_split` is emitted once for each. */
  readonly split: Set<string>;
  /** Set once, by `cut_off`. After it the core emits nothing more. */
  cut: FactOf<'cut_off'>['cause'] | null;
}

/** What a core is created with. It is kept in the journal, so that a resumed run behaves as the first one did. */
export interface CoreOptions {
  tracker: TrackerOptions;
  rollout: RolloutOptions;
  limits: Limits;
  /** A pair that ends split is reported, but does not make the run fail. */
  allowSplitPair?: boolean;
  /** How waiting gateways are judged, besides readiness. A resumed run uses the same values. */
  judge?: { skipCurrent: boolean; allow: readonly string[] };
}
