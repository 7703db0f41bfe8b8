/**
 * A whole push: reads the firmware and connects to the broker in parallel, asks the docks if needed, then runs the upgrades.
 */
import { abortable } from '../abort.js';
import type { Clock } from '../clock.js';
import { OtaError, toOtaError } from '../errors.js';
import type { Labels } from '../manifest/model.js';
import type { Broker, BrokerEvents, BrokerMessage } from '../mqtt/broker.js';
import { type CoreOptions, createCore, type RunCore, replay } from './core/core.js';
import { earlierJobs, type HeardJobs } from './core/earlier-jobs.js';
import type { LastHeard } from './counting.js';
import { failedRun, finishRun, interruption, type RunResult, withTimeLimit } from './end.js';
import type { Emit } from './events.js';
import type { Fact, FactOf, ReportedState } from './facts.js';
import { makePlan, type Plan, type PlannedDevice } from './plan/plan.js';
import type { ReadyWatch } from './preflight/ready-watch.js';
import type { BidOf, FactLog } from './publisher.js';
import { openSession, type RunSession, replyTopics } from './session.js';
import type { RunView } from './tracker/state.js';

/** The check of the docks before the first publish. */
export interface Preflight {
  /** Whether the docks are asked, which takes some seconds. Otherwise only known values decide. */
  asks: boolean;
  /** Takes every message that arrives before the run begins. */
  handle(message: BrokerMessage): void;
  /** Returns the devices (indexes) that have nothing to do or are left out. @throws OtaError `preflight_refused` */
  check(broker: Broker, plan: Plan): Promise<LeftOut[]>;
}

/** A device that is not upgraded, and why. */
export interface LeftOut {
  device: number;
  /** Its gateway was not ready, although there was something to do. */
  unready?: boolean;
  reason: string;
}

type Devices = { devices: readonly { sn: string }[] };

/** Listens to the devices' own reports during the run, to show and verify their versions. */
export interface Verification {
  /** Whether {@link topics} must be granted before the first publish. Otherwise a refusal is ignored. */
  required: boolean;
  topics(plan: Plan): string[];
  /** The versions that were reported live before the run began. */
  heard?(plan: Devices): Iterable<{ sn: string; version: string }>;
  /** The versions from earlier runs and from the manifest. `heardAt`: milliseconds since 1970. */
  noted?(plan: Devices): Iterable<{ sn: string; version: string; heardAt: number }>;
  /** The model of a device, as far as it is known when the run begins. */
  modelOf?(sn: string): string | null;
  heardStates?(plan: Plan): Iterable<{ sn: string; key: ReportedState; value: string }>;
  handle(message: BrokerMessage, to: Pick<RunSession, 'report' | 'reportState' | 'reportModel'>): void;
}

/** Everything that a push needs from its caller. */
export interface PushOptions {
  /** The manifest's devices, before their firmware has been read. */
  devices: readonly { sn: string; pid: string; labels?: Labels }[];
  /** Warnings about the manifest, emitted first. */
  warnings?: readonly { code: string; message: string }[] | undefined;
  /** Reads the firmware and returns the devices as they will be published. */
  prepare(signal: AbortSignal): Promise<PlannedDevice[]>;
  connect(events: BrokerEvents, signal: AbortSignal): Promise<Broker>;
  /** Creates the journal of the run as soon as there is a plan. @throws OtaError `journal_unwritable` */
  openLog?(core: RunCore, leftOut: readonly FactOf<'left_out'>[]): Promise<FactLog>;
  core: CoreOptions | ((plan: Plan) => CoreOptions);
  /** Limit for the whole run, in milliseconds from its start. */
  timeout?: number | null;
  preflight?: Preflight | null;
  /** Called when everything is known and nothing is published yet; false ends the run. */
  confirm?: ((plan: Plan, left: LeftOut[]) => Promise<boolean>) | null;
  verification?: Verification | null;
  /** Watches the readiness of gateways that wait (`--wait-ready`). */
  readiness?: ((plan: Plan) => ReadyWatch) | null;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  newId: () => string;
  /** Computes the `bid` of each job. Without it each job gets a new one. */
  bidOf?: ((plan: Plan) => (job: BidOf) => string) | undefined;
  /** An earlier process may have sent the jobs: listen for their `bid`s for this long, in milliseconds. */
  earlier?: { listenFor: number; onHeard(gateways: number, of: number): void } | undefined;
  onPhase?: (phase: 'preparing' | 'preflight' | 'upgrading') => void;
  onView?: (view: RunView) => void;
  downloads?: RunView['downloads'];
}

/**
 * Upgrades every device and follows it to its end. Emits `run_started` first and `run_finished` last. Returns the program's own
 * errors in the result; does not throw them.
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

/** The last known version of each device, for a run that does not start: reported now, or else recorded earlier. */
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
  // Before the run begins only the check needs the messages.
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
  // The state of the connection while there is no run that listens to it.
  let lostEarly: string | null = null;
  let goneWhy: Error | null = null;
  const events: BrokerEvents = {
    onMessage: (message) => onMessage(message),
    onBatch: (open) => rest.onBatch?.(open),
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
      // A gateway that is already upgrading is not asked whether it is ready.
      const asked = { ...plan, gateways: plan.gateways.filter(({ pid }) => !heard?.pids.has(pid)) };
      left = await race(preflight.check(broker, asked), goneEarly, signal);
    }
    if (options.confirm && !(await race(options.confirm(plan, left), goneEarly, signal))) {
      throw new OtaError('interrupted', 'not confirmed', { hint: 'Nothing was published.' });
    }
    const coreOptions = typeof options.core === 'function' ? options.core(plan) : options.core;
    const core = createCore(plan, coreOptions, new Set(left.map(({ device }) => device)));
    const leftOut = left.map(({ device, unready = false, reason }): FactOf<'left_out'> => {
      const outcome = unready ? 'not_started' : 'skipped';
      return { type: 'left_out', at: clock.now(), device, outcome, ...(unready ? { unready } : {}), reason };
    });
    const log = (await options.openLog?.(core, leftOut)) ?? null;
    const opened = heard?.opened(Math.floor(clock.now()), options.newId) ?? [];
    if (opened.length > 0) await log?.write(opened);
    for (const fact of opened) {
      for (const event of replay(core, fact)) options.emit(event);
      // An earlier process sent it, so no `job_published` is emitted.
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
      listener: verification ? { handle: (message) => verification.handle(message, run) } : null,
    });
    rest = run.events;
    onMessage = run.events.onMessage;
    onPhase?.('upgrading');
    // Before anything is left out, so that devices which end there have their models and versions, too.
    reportModels(run, plan, verification);
    for (const { sn, version, heardAt } of verification?.noted?.(plan) ?? []) {
      run.take({ type: 'version_reported', at: clock.now(), sn, version, wall: heardAt, noted: true });
    }
    for (const { sn, version } of verification?.heard?.(plan) ?? []) run.report(sn, version);
    for (const fact of leftOut) run.take(fact);
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

/** Gives a run the models that are known when it begins. A model that a device reports later replaces it. */
export function reportModels(
  { reportModel }: RunSession,
  { devices }: Devices,
  verification: Verification | null | undefined,
): void {
  for (const { sn } of devices) {
    const model = verification?.modelOf?.(sn) ?? null;
    if (model !== null) reportModel(sn, model, false);
  }
}

/** Subscribes to the topics that a run needs, and to the versions if the broker grants them. @throws OtaError of the broker */
export async function subscribeRun(broker: Broker, plan: Plan, verification: Verification | null | undefined) {
  const told = verification?.topics(plan) ?? [];
  await broker.subscribe(verification?.required ? [...replyTopics(plan), ...told] : replyTopics(plan));
  if (!verification || verification.required) return;
  await broker.subscribe(told).catch((error: unknown) => {
    if (toOtaError(error).code !== 'broker_refused') throw error;
  });
}

/** Reads the firmware and connects in parallel. If one fails the other one is aborted; a firmware error is reported first. */
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
  // Skip the error of the one that was only aborted.
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

/** The error of a run without any device, for example if `--only` matches none. */
export function nothingToDo(): OtaError {
  return new OtaError('usage', 'no device is selected', { hint: 'Check --only, --exclude and --shard.' });
}
