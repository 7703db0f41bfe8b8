/** A whole push: firmware and broker side by side, then the looks at the docks that were asked for, then the run itself. */
import { abortable } from '../abort.js';
import type { Clock } from '../clock.js';
import { OtaError, toOtaError } from '../errors.js';
import type { Labels } from '../manifest/model.js';
import type { Broker, BrokerEvents, BrokerMessage } from '../mqtt/broker.js';
import { type CoreOptions, createCore, type RunCore, replay } from './core.js';
import type { LastHeard } from './counting.js';
import { earlierJobs, type HeardJobs } from './earlier-jobs.js';
import { failedRun, finishRun, interruption, type RunResult, withTimeLimit } from './end.js';
import type { Emit } from './events.js';
import type { Fact, ReportedState } from './facts.js';
import { makePlan, type Plan, type PlannedDevice } from './plan.js';
import type { ReadyWatch } from './preflight/ready-watch.js';
import type { BidOf, FactLog } from './publisher.js';
import { openSession, replyTopics } from './session.js';
import type { RunView } from './tracker/state.js';

/** A look at the docks before anything is published to them. */
export interface Preflight {
  /** Whether the docks are asked, which takes some seconds; else only what is known already decides. */
  asks: boolean;
  /** Every message that arrives before the run begins. */
  handle(message: BrokerMessage): void;
  /** Devices, by index into the plan, that have nothing to do or are to be left out. @throws OtaError `preflight_refused` */
  check(broker: Broker, plan: Plan): Promise<LeftOut[]>;
}

export interface LeftOut {
  device: number;
  /** Not ready, where it would have had something to do. */
  unready?: boolean;
  reason: string;
}

type Devices = { devices: readonly { sn: string }[] };

/** What listens to the devices' own reports while the run goes on, to tell and to verify their versions. */
export interface Verification {
  /** Whether {@link topics} have to be granted before anything is published; else a refusal is no matter. */
  required: boolean;
  topics(plan: Plan): string[];
  /** What was heard live before the run began, by a look at the docks. */
  heard?(plan: Devices): Iterable<{ sn: string; version: string; model: string | null }>;
  /** What is known of the plan's devices from before the run; `heardAt`: milliseconds since 1970. */
  noted?(plan: Devices): Iterable<{ sn: string; version: string; heardAt: number; model: string | null }>;
  heardStates?(plan: Plan): Iterable<{ sn: string; key: ReportedState; value: string }>;
  handle(
    message: BrokerMessage,
    report: (sn: string, version: string, model?: string | null) => void,
    reportState: (sn: string, key: ReportedState, value: string) => void,
  ): void;
}

export interface PushOptions {
  /** The manifest's devices; what is known of them before their firmware is. */
  devices: readonly { sn: string; pid: string; labels?: Labels }[];
  /** What is to be said of the manifest before anything else happens. */
  warnings?: readonly { code: string; message: string }[] | undefined;
  /** Reads the firmware and gives the devices as they are to be published. */
  prepare(signal: AbortSignal): Promise<PlannedDevice[]>;
  connect(events: BrokerEvents, signal: AbortSignal): Promise<Broker>;
  /** Opens the journal of the run, once there is a plan to keep. @throws OtaError `journal_unwritable` */
  openLog?(core: RunCore): Promise<FactLog>;
  core: CoreOptions | ((plan: Plan) => CoreOptions);
  /** Limit for the whole run, milliseconds from its start. */
  timeout?: number | null;
  preflight?: Preflight | null;
  /** Asked once everything is known and nothing is published; false ends the run. */
  confirm?: ((plan: Plan, left: LeftOut[]) => Promise<boolean>) | null;
  verification?: Verification | null;
  /** Where gateways wait until they are ready (`--wait-ready`): by what they are. */
  readiness?: ((plan: Plan) => ReadyWatch) | null;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  newId: () => string;
  /** The `bid` of each job, where they are not to be new ones. */
  bidOf?: ((plan: Plan) => (job: BidOf) => string) | undefined;
  /** Nobody knows whether an earlier process has sent the jobs: their `bid`s are listened for so long, milliseconds. */
  earlier?: { listenFor: number; onHeard(gateways: number, of: number): void } | undefined;
  onPhase?: (phase: 'preparing' | 'preflight' | 'upgrading') => void;
  onView?: (view: RunView) => void;
  names?: RunView['names'];
  downloads?: RunView['downloads'];
}

/**
 * Runs to the end of every device. Tells `run_started` first and `run_finished` last; never throws what is the product's
 * own error, but gives it in the result.
 */
export async function push(options: PushOptions): Promise<RunResult> {
  const { devices, emit } = options;
  const gateways = new Set(devices.map(({ pid }) => pid)).size;
  emit({ event: 'run_started', command: 'push', devices: devices.length, gateways });
  for (const { code, message } of options.warnings ?? []) emit({ event: 'warning', code, message });
  const result = await withTimeLimit(options, (signal) =>
    attempt({ ...options, signal }).catch((error: unknown) =>
      failedRun(devices, toOtaError(error), signal, false, lastHeard(options)),
    ),
  );
  return finishRun(result, emit);
}

/** What the devices of a run that does not begin run by what is known: as they tell it now, else as they told it before. */
function lastHeard({ verification, devices, clock }: PushOptions): (sn: string) => LastHeard {
  const known = new Map<string, LastHeard>();
  for (const { sn, version, heardAt } of verification?.noted?.({ devices }) ?? []) {
    known.set(sn, { version, heard_at: heardAt });
  }
  for (const { sn, version } of verification?.heard?.({ devices }) ?? []) {
    known.set(sn, { version, heard_at: clock.wall() });
  }
  return (sn) => known.get(sn);
}

async function attempt(options: PushOptions): Promise<RunResult> {
  const { clock, signal, onPhase, preflight } = options;
  // Until the run begins, messages can only matter to the look before it.
  const earlier = options.earlier ? earlierJobs() : null;
  let onMessage = (message: BrokerMessage) => {
    preflight?.handle(message);
    earlier?.handle(message);
  };
  let rest: Partial<BrokerEvents> = {};
  let gone: ((error: Error) => void) | null = null;
  const goneEarly = new Promise<never>((_, reject) => {
    gone = reject;
  });
  goneEarly.catch(() => {});
  // What the broker says while no run is there to hear it.
  let lostEarly: string | null = null;
  let goneWhy: Error | null = null;
  const events: BrokerEvents = {
    onMessage: (message) => onMessage(message),
    onLost: (reason) => {
      if (rest.onLost) rest.onLost(reason);
      else lostEarly = reason;
    },
    onRestored: (info) => {
      if (rest.onRestored) rest.onRestored(info);
      else lostEarly = null;
    },
    onGone: (error) => {
      goneWhy = error;
      if (rest.onGone) rest.onGone(error);
      else gone?.(error);
    },
    onResend: (topic, payload) => rest.onResend?.(topic, payload),
  };
  onPhase?.('preparing');
  const { broker, planned } = await both(options, events);
  let keepSession = false;
  try {
    const plan = makePlan(planned);
    const { verification } = options;
    await race(subscribeRun(broker, plan, verification), goneEarly, signal);
    const bidOf = options.bidOf?.(plan);
    let heard: HeardJobs | null = null;
    if (earlier && options.earlier && bidOf) {
      const { listenFor } = options.earlier;
      let cancel = () => {};
      const listened = new Promise<void>((resolve) => {
        cancel = clock.after(listenFor, resolve);
      });
      await race(listened, goneEarly, signal).finally(() => cancel());
      heard = earlier.found(plan, bidOf);
      options.earlier.onHeard(heard.pids.size, plan.gateways.length);
    }
    let left: LeftOut[] = [];
    if (preflight) {
      if (preflight.asks) onPhase?.('preflight');
      // What upgrades already is not asked whether it is ready for it.
      const asked = { ...plan, gateways: plan.gateways.filter(({ pid }) => !heard?.pids.has(pid)) };
      left = await race(preflight.check(broker, asked), goneEarly, signal);
    }
    if (options.confirm && !(await race(options.confirm(plan, left), goneEarly, signal))) {
      throw new OtaError('interrupted', 'not confirmed', { hint: 'Nothing was published.' });
    }
    const coreOptions = typeof options.core === 'function' ? options.core(plan) : options.core;
    const core = createCore(plan, coreOptions, new Set(left.map(({ device }) => device)));
    const log = (await options.openLog?.(core)) ?? null;
    const opened = heard?.opened(Math.floor(clock.now()), options.newId) ?? [];
    if (opened.length > 0) await log?.write(opened);
    for (const fact of opened) {
      for (const event of replay(core, fact)) options.emit(event);
      // An earlier process has sent it: this one does not tell that it did.
      const known: Fact = { type: 'job_acknowledged', at: fact.at, bid: fact.bid };
      log?.append(known);
      replay(core, known);
    }
    const { bidOf: _, readiness, ...forSession } = options;
    const run = openSession({
      ...forSession,
      readiness: readiness?.(plan) ?? null,
      core,
      log,
      ...(bidOf ? { bidOf } : {}),
      maybeSent: earlier !== null,
      listener: verification
        ? { handle: (message) => verification.handle(message, run.report, run.reportState) }
        : null,
    });
    rest = run.events;
    onMessage = run.events.onMessage;
    onPhase?.('upgrading');
    // Before anything is left out: what ends there has its versions, too.
    for (const { sn, version, heardAt, model } of verification?.noted?.(plan) ?? []) {
      const known = { sn, version, wall: heardAt, noted: true, ...(model ? { model } : {}) };
      run.take({ type: 'version_reported', at: clock.now(), ...known });
    }
    for (const { sn, version, model } of verification?.heard?.(plan) ?? []) run.report(sn, version, model);
    for (const { device, unready = false, reason } of left) {
      const outcome = unready ? 'not_started' : 'skipped';
      run.take({ type: 'left_out', at: clock.now(), device, outcome, ...(unready ? { unready } : {}), reason });
    }
    for (const { sn, key, value } of verification?.heardStates?.(plan) ?? []) run.reportState(sn, key, value);
    for (const message of heard?.messages ?? []) run.events.onMessage(message);
    if (lostEarly !== null) rest.onLost?.(lostEarly);
    if (goneWhy !== null) rest.onGone?.(goneWhy);
    const result = await run.toEnd(broker);
    keepSession = log !== null && core.cut !== null;
    return result;
  } finally {
    await broker.close({ keepSession });
  }
}

/** The topics of a run: those that it needs, and versions where the broker grants them. @throws OtaError as the broker does */
export async function subscribeRun(broker: Broker, plan: Plan, verification: Verification | null | undefined) {
  const told = verification?.topics(plan) ?? [];
  await broker.subscribe(verification?.required ? [...replyTopics(plan), ...told] : replyTopics(plan));
  if (!verification || verification.required) return;
  await broker.subscribe(told).catch((error: unknown) => {
    if (toOtaError(error).code !== 'broker_refused') throw error;
  });
}

/** Reads and connects side by side. One failing ends the other; what is wrong with the firmware is said first. */
async function both(options: PushOptions, events: BrokerEvents): Promise<{ broker: Broker; planned: PlannedDevice[] }> {
  const other = new AbortController();
  const signal = AbortSignal.any([options.signal, other.signal]);
  const end = (error: unknown) => {
    other.abort();
    throw error;
  };
  const [connected, prepared] = await Promise.allSettled([
    options.connect(events, signal).catch(end),
    options.prepare(signal).catch(end),
  ]);
  if (connected.status === 'fulfilled' && prepared.status === 'fulfilled') {
    return { broker: connected.value, planned: prepared.value };
  }
  if (connected.status === 'fulfilled') await connected.value.close();
  const errors = [prepared, connected].flatMap((part) => (part.status === 'rejected' ? [part.reason as unknown] : []));
  // The one that was only ended by the other has nothing to say.
  throw errors.find((error) => toOtaError(error).code !== 'interrupted') ?? errors[0];
}

async function race<T>(work: Promise<T>, gone: Promise<never>, signal: AbortSignal): Promise<T> {
  try {
    return await abortable(Promise.race([work, gone]), signal);
  } catch (error) {
    throw signal.aborted ? interruption(signal) : error;
  } finally {
    work.catch(() => {});
  }
}

/** The error that stands for a run without any device, e.g. when `--only` leaves none. */
export function nothingToDo(): OtaError {
  return new OtaError('usage', 'no device is selected', { hint: 'Check --only, --exclude and --shard.' });
}
