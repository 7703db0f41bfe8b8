/** An interrupted push taken up where it stood: its facts are replayed, and what may have been sent is never sent again. */
import { abortable } from '../abort.js';
import type { Clock } from '../clock.js';
import { toOtaError } from '../errors.js';
import type { FleetFeed } from '../fleet/feed.js';
import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import { type CoreOptions, createCore, type RunCore, replay, splitPairs } from './core.js';
import { totalsOf } from './counting.js';
import { failedRun, finishRun, interruption, type RunResult, withTimeLimit } from './end.js';
import type { Emit } from './events.js';
import { endOf, exitCodeOf } from './exit-code.js';
import type { Fact, FactOf } from './facts.js';
import { makePlan, type PlannedDevice } from './plan.js';
import { listenAgain, type ReadyWatch } from './preflight/ready-watch.js';
import type { BidOf, FactLog } from './publisher.js';
import { subscribeRun, type Verification } from './push.js';
import { openSession } from './session.js';
import type { DevicePhase, RunView } from './tracker/state.js';
import { outcomes } from './tracker/tracker.js';

interface EarlierRun {
  devices: readonly PlannedDevice[];
  options: CoreOptions;
  /** In order, `at` in wall milliseconds. */
  facts: readonly Fact[];
}

export interface ResumeOptions {
  core: RunCore;
  connect(events: BrokerEvents, signal: AbortSignal): Promise<Broker>;
  log: FactLog;
  /** Limit for the whole run, milliseconds from its start. */
  timeout?: number | null;
  republishUncertain: boolean;
  /** The core was rebuilt with what had ended unknown to be asked for again. */
  reopened?: boolean;
  /** Who takes it up. */
  by?: FactOf<'resumed'>['by'];
  /** As {@link openSession} takes it. */
  refuses?: (devices: readonly number[]) => string | null;
  bidOf?: (job: BidOf) => string;
  verification?: Verification | null;
  /** Where gateways wait until they are ready: by what they are, and the feed that this goes by. */
  readiness?: { watch: ReadyWatch; feed: FleetFeed; onWarning(code: string, message: string): void } | null;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  newId: () => string;
  onPhase?: (phase: 'preparing' | 'preflight' | 'upgrading') => void;
  onView?: (view: RunView) => void;
  /** As {@link openSession} takes them. */
  names?: RunView['names'];
  /** Downloads that this program serves. */
  downloads?: RunView['downloads'];
}

/**
 * The state in which `earlier` stood. `reopen`: devices that ended unknown because a time limit passed are listened for
 * again, as those are that were cut off.
 */
export function rebuild(earlier: EarlierRun, clock: Clock, reopen: boolean): RunCore {
  const core = createCore(makePlan(earlier.devices), earlier.options, skippedIn(earlier.facts));
  // The earlier process had another monotonic clock: its wall times are mapped to ours.
  const offset = clock.now() - clock.wall();
  for (const fact of factsInEffect(earlier.facts, { reopen, ended: false })) replay(core, at(fact, fact.at + offset));
  return core;
}

/** Devices, by index, that had nothing to do or were not ready: no part of the roll-out. */
export function skippedIn(facts: readonly Fact[]): Set<number> {
  return new Set(facts.flatMap((fact) => (isLeftOutAtFirst(fact) ? [fact.device] : [])));
}

/** A run tells what it leaves out of the roll-out before anything else. */
function isLeftOutAtFirst(fact: Fact): fact is FactOf<'left_out'> {
  return fact.type === 'left_out' && !fact.late && (fact.outcome === 'skipped' || fact.unready === true);
}

/**
 * The facts that hold: not those of jobs that were withdrawn, nor limits after which a device was asked for again, or is
 * now (`reopen`). What cut a run off ended nothing once it was taken up again, and is its end where it has `ended` so.
 */
export function factsInEffect(facts: readonly Fact[], { reopen, ended }: { reopen: boolean; ended: boolean }): Fact[] {
  // Up to where it was withdrawn: a named run publishes it later under the same `bid`.
  const withdrawn = new Map<string, number>();
  for (const [index, fact] of facts.entries()) {
    if (fact.type === 'job_unsent' && fact.withdrawn) withdrawn.set(fact.bid, index);
  }
  const resumed = ended ? facts.findLastIndex((fact) => fact.type === 'resumed') : facts.length;
  // What a later process asked for again had not ended, whatever a limit said before.
  const reopenedAt = reopen
    ? facts.length
    : facts.findLastIndex((fact) => fact.type === 'resumed' && fact.reopened === true);
  return facts.filter((fact, index) => {
    if (fact.type === 'cut_off') return index > resumed;
    if ('bid' in fact && index <= (withdrawn.get(fact.bid) ?? -1)) return false;
    return !(leavesUnknown(fact) && index < reopenedAt);
  });
}

/** A limit that ended a device which may be asked for again; not one of a device that had told that it has its upgrade. */
function leavesUnknown(fact: Fact): boolean {
  return fact.type === 'limit' && fact.limit !== 'verify' && fact.proven !== true;
}

/** Facts taken as they are read, with none kept. */
export interface Replay {
  take(fact: Fact): void;
  /**
   * What {@link rebuild} gives for the same facts, or null where what one of them said changes what came before it: then all
   * of them are needed.
   */
  end(reopen: boolean): RunCore | null;
}

/** {@link rebuild} for a journal of millions of facts. Facts of another order than a run writes them are noticed. */
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
      // Known before anything was left out.
      if (core === null && type === 'version_reported') {
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

/** `fact` at another time. Nearly all are words of progress, of which there may be millions. */
function at(fact: Fact, time: number): Fact {
  if (fact.type === 'progress') return { type: 'progress', at: time, pid: fact.pid, message: fact.message };
  return { ...fact, at: time };
}

/** Runs to the end of every device, like `push`; tells what happens from here on. */
export async function resume(options: ResumeOptions): Promise<RunResult> {
  const { core, emit } = options;
  const { devices, gateways } = core.plan;
  emit({ event: 'run_started', command: 'resume', devices: devices.length, gateways: gateways.length });
  if (options.reopened) for (const event of splitPairs(core)) emit(event);
  const result = await withTimeLimit(options, (signal) =>
    attempt({ ...options, signal }).catch((error: unknown) => {
      const { exit_code, error: shown } = failedRun([], toOtaError(error), signal, true);
      // What had ended before has ended; of the rest nothing new is known.
      const known = outcomes(core.tracker);
      const code = exit_code === 4 || exit_code === 5 ? exitCodeOf(known, endOf(core, exit_code === 4)) : exit_code;
      return { exit_code: code, totals: totalsOf(known), devices: known, error: shown };
    }),
  );
  return finishRun(result, emit);
}

/** Phases of devices that are still to be started. */
const MAY_WAIT: ReadonlySet<DevicePhase> = new Set(['waiting', 'retry_wait']);

async function attempt(options: ResumeOptions): Promise<RunResult> {
  const { core, clock, signal, verification, readiness } = options;
  const run = openSession({
    ...options,
    readiness: readiness?.watch ?? null,
    listener: verification ? { handle: (message) => verification.handle(message, run.report, run.reportState) } : null,
  });
  options.onPhase?.('preparing');
  // What the broker kept for us may come before the connection is ours to use, so the run listens from the start.
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
