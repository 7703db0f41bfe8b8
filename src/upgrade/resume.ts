/** Resumes an interrupted push: replays its facts, and never sends again what may have been sent. */
import { abortable } from '../abort.js';
import type { Clock } from '../clock.js';
import { toOtaError } from '../errors.js';
import type { FleetFeed } from '../fleet/feed.js';
import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import { type CoreOptions, createCore, type RunCore, replay, splitPairs } from './core/core.js';
import { totalsOf } from './counting.js';
import { failedRun, finishRun, interruption, type RunResult, withTimeLimit } from './end.js';
import type { Emit } from './events.js';
import { endOf, exitCodeOf } from './exit-code.js';
import type { Fact, FactOf } from './facts.js';
import { makePlan, type PlannedDevice } from './plan/plan.js';
import { listenAgain, type ReadyWatch } from './preflight/ready-watch.js';
import type { BidOf, FactLog } from './publisher.js';
import { reportModels, subscribeRun, type Verification } from './push.js';
import { openSession } from './session.js';
import type { DevicePhase, RunView } from './tracker/state.js';
import { outcomes } from './tracker/tracker.js';

interface EarlierRun {
  devices: readonly PlannedDevice[];
  options: CoreOptions;
  /** In order; `at` is in wall milliseconds. */
  facts: readonly Fact[];
}

/** Everything that a resume needs from its caller. */
export interface ResumeOptions {
  core: RunCore;
  connect(events: BrokerEvents, signal: AbortSignal): Promise<Broker>;
  log: FactLog;
  /** Limit for the whole run, in milliseconds from its start. */
  timeout?: number | null;
  republishUncertain: boolean;
  /** The core was rebuilt so that devices with an unknown end are followed again. */
  reopened?: boolean;
  /** The user, machine and program version that resume the run. */
  by?: FactOf<'resumed'>['by'];
  /** See {@link openSession}. */
  refuses?: (devices: readonly number[]) => string | null;
  bidOf?: (job: BidOf) => string;
  verification?: Verification | null;
  /** Watches the readiness of gateways that wait, with the feed that it reads. */
  readiness?: { watch: ReadyWatch; feed: FleetFeed; onWarning(code: string, message: string): void } | null;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  newId: () => string;
  onPhase?: (phase: 'preparing' | 'preflight' | 'upgrading') => void;
  onView?: (view: RunView) => void;
  /** Downloads that this program serves. */
  downloads?: RunView['downloads'];
}

/**
 * Rebuilds the state of `earlier`. `reopen`: devices whose end is unknown because a time limit passed are followed again, like
 * those that were cut off.
 */
export function rebuild(earlier: EarlierRun, clock: Clock, reopen: boolean): RunCore {
  const core = createCore(makePlan(earlier.devices), earlier.options, skippedIn(earlier.facts));
  // The earlier process had another monotonic clock, so its wall times are converted to this one's.
  const offset = clock.now() - clock.wall();
  for (const fact of factsInEffect(earlier.facts, { reopen, ended: false })) replay(core, at(fact, fact.at + offset));
  return core;
}

/** Devices (indexes) that are not part of the roll-out: they had nothing to do or were not ready. */
export function skippedIn(facts: readonly Fact[]): Set<number> {
  return new Set(facts.flatMap((fact) => (isLeftOutAtFirst(fact) ? [fact.device] : [])));
}

/** A run records the devices that it leaves out of the roll-out before any other fact. */
function isLeftOutAtFirst(fact: Fact): fact is FactOf<'left_out'> {
  return fact.type === 'left_out' && !fact.late && (fact.outcome === 'skipped' || fact.unready === true);
}

/**
 * The facts that count. Facts of withdrawn jobs do not, nor do time limits after which a device was followed again, or is now
 * (`reopen`). A `cut_off` counts only if the run has `ended` with it.
 */
export function factsInEffect(facts: readonly Fact[], { reopen, ended }: { reopen: boolean; ended: boolean }): Fact[] {
  // Up to the withdrawal: a named run may publish the job later under the same `bid`.
  const withdrawn = new Map<string, number>();
  for (const [index, fact] of facts.entries()) {
    if (fact.type === 'job_unsent' && fact.withdrawn) withdrawn.set(fact.bid, index);
  }
  const resumed = ended ? facts.findLastIndex((fact) => fact.type === 'resumed') : facts.length;
  // A device that a later process followed again had not ended, even if a time limit had passed.
  const reopenedAt = reopen
    ? facts.length
    : facts.findLastIndex((fact) => fact.type === 'resumed' && fact.reopened === true);
  return facts.filter((fact, index) => {
    if (fact.type === 'cut_off') return index > resumed;
    if ('bid' in fact && index <= (withdrawn.get(fact.bid) ?? -1)) return false;
    return !(leavesUnknown(fact) && index < reopenedAt);
  });
}

/** Whether a time limit left the device's end unknown. Not if the device had reported that it has its upgrade. */
function leavesUnknown(fact: Fact): boolean {
  return fact.type === 'limit' && fact.limit !== 'verify' && fact.proven !== true;
}

/** Replays facts while they are read, without keeping them. */
export interface Replay {
  take(fact: Fact): void;
  /** The result of {@link rebuild} for the same facts; null = a later fact changes earlier ones, and all facts are needed. */
  end(reopen: boolean): RunCore | null;
}

/**
 * {@link rebuild} for a journal with millions of facts. It detects facts that are not in the order in which a run writes them.
 */
export function replayAsRead({ devices, options }: Omit<EarlierRun, 'facts'>, clock: Clock): Replay {
  const offset = clock.now() - clock.wall();
  const skipped = new Set<number>();
  let first: Fact[] = [];
  let core: RunCore | null = null;
  let limited = false;
  let backwards = false;

  function begin(): RunCore {
    core = createCore(makePlan(devices), options, skipped);
    for (const fact of first) replay(core, fact);
    first = [];
    return core;
  }

  return {
    take(fact) {
      const { type } = fact;
      if (type === 'cut_off' || backwards) return;
      if (isLeftOutAtFirst(fact)) {
        if (core) backwards = true;
        skipped.add(fact.device);
        first.push(at(fact, fact.at + offset));
        return;
      }
      // Recorded before anything is left out.
      if (core === null && (type === 'version_reported' || type === 'model_reported')) {
        first.push(at(fact, fact.at + offset));
        return;
      }
      if (type === 'job_unsent' && fact.withdrawn) backwards = true;
      else if (leavesUnknown(fact)) limited = true;
      else if (type === 'resumed' && fact.reopened === true && limited) backwards = true;
      replay(core ?? begin(), at(fact, fact.at + offset));
    },
    end: (reopen) => (backwards || (reopen && limited) ? null : (core ?? begin())),
  };
}

/** `fact` at another time. Nearly all facts are progress, of which there may be millions. */
function at(fact: Fact, time: number): Fact {
  if (fact.type === 'progress') return { type: 'progress', at: time, pid: fact.pid, message: fact.message };
  return { ...fact, at: time };
}

/** Follows every device of the run to its end, as `push` does. Emits only what happens from now on. */
export async function resume(options: ResumeOptions): Promise<RunResult> {
  const { core, emit } = options;
  const { devices, gateways } = core.plan;
  emit({ event: 'run_started', command: 'resume', devices: devices.length, gateways: gateways.length });
  if (options.reopened) for (const event of splitPairs(core)) emit(event);
  const { stopped } = core.rollout;
  if (stopped !== null) emit({ event: 'run_stopping', reason: stopped });
  const result = await withTimeLimit(options, (signal) =>
    attempt({ ...options, signal }).catch((error: unknown) => {
      const { exit_code, error: shown } = failedRun([], toOtaError(error), signal, true);
      // Devices that had ended stay as they were; nothing new is known of the others.
      const known = outcomes(core.tracker);
      const code = exit_code === 4 || exit_code === 5 ? exitCodeOf(known, endOf(core, exit_code === 4)) : exit_code;
      return { exit_code: code, totals: totalsOf(known), devices: known, error: shown };
    }),
  );
  return finishRun(result, emit);
}

/** Phases of devices that have still to be started. */
const MAY_WAIT: ReadonlySet<DevicePhase> = new Set(['waiting', 'retry_wait']);

async function attempt(options: ResumeOptions): Promise<RunResult> {
  const { core, clock, signal, verification, readiness } = options;
  const run = openSession({
    ...options,
    readiness: readiness?.watch ?? null,
    listener: verification ? { handle: (message) => verification.handle(message, run) } : null,
  });
  options.onPhase?.('preparing');
  // Queued messages may arrive before `connect` resolves, so the run listens from the start.
  const broker = await options.connect(run.events, signal);
  let keepSession = true;
  try {
    await abortable(subscribeRun(broker, core.plan, verification), signal);
    if (signal.aborted) throw interruption(signal);
    run.take({
      type: 'resumed',
      at: clock.now(),
      ...(options.reopened ? { reopened: true } : {}),
      ...(options.by ? { by: options.by } : {}),
    });
    reportModels(run, core.plan, verification);
    const toStart = core.tracker.devices.flatMap(({ index, phase }) => (MAY_WAIT.has(phase) ? [index] : []));
    if (readiness && toStart.length > 0) {
      options.onPhase?.('preflight');
      const { feed, onWarning } = readiness;
      await abortable(listenAgain(feed, broker, core.plan, toStart, { clock, signal, onWarning }), signal);
      if (signal.aborted) throw interruption(signal);
    }
    options.onPhase?.('upgrading');
    const result = await run.toEnd(broker);
    keepSession = core.cut !== null;
    return result;
  } finally {
    await broker.close({ keepSession });
  }
}
