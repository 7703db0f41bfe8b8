/** Follows upgrades that another program started. It only reads, and publishes nothing. */
import type { Clock } from '../clock.js';
import { toOtaError } from '../errors.js';
import type { FleetFeed } from '../fleet/feed.js';
import type { Broker, BrokerEvents } from '../mqtt/broker.js';
import { readCreate, type WatchedDevice } from '../protocol/messages.js';
import { serialDoubt, serialProblem, topicOf } from '../protocol/topics.js';
import { quoted } from '../text.js';
import { failedRun, finishRun, interruptCode, type RunResult, withTimeLimit } from './end.js';
import type { Emit } from './events.js';
import { exitCodeOf } from './exit-code.js';
import type { Fact } from './facts.js';
import { openLoop, type SessionLoop } from './session-loop.js';
import type { RunView } from './tracker/state.js';
import { apply, createTracker, outcomes, type Tracker } from './tracker/tracker.js';

/** Everything that a watch needs from its caller. */
export interface WatchOptions {
  pids: readonly string[];
  /** Only these upgrades; empty = all. */
  bids: readonly string[];
  /** Do not end when all observed upgrades have ended. */
  follow: boolean;
  /** How long a device may be silent, milliseconds. */
  stallTimeout: number;
  /** Limit for the whole run, milliseconds from its start. */
  timeout?: number | null;
  /** The devices of a job that are known from another source, for example a journal. */
  devicesOf?: ((bid: string) => readonly WatchedDevice[] | null) | undefined;
  /** Reads what the devices report of themselves, if the broker grants it: `state`, not the frequent `osd`. */
  feed?: FleetFeed | undefined;
  connect(events: BrokerEvents, signal: AbortSignal): Promise<Broker>;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  onPhase?: (phase: 'preparing' | 'upgrading') => void;
  onView?: (view: RunView) => void;
}

/** Runs until every observed upgrade has ended, or until `follow` and the limits end it. Throws nothing of its own. */
export async function watch(options: WatchOptions): Promise<RunResult> {
  const { emit, pids } = options;
  emit({ event: 'run_started', command: 'watch', devices: 0, gateways: pids.length });
  for (const pid of pids) {
    const doubt = serialDoubt(pid);
    if (doubt !== null) emit({ event: 'warning', code: 'odd_serial', message: `gateway ${quoted(pid)} ${doubt}` });
  }
  const result = await withTimeLimit(options, (signal) =>
    attempt({ ...options, signal }).catch((error: unknown) => failedRun([], toOtaError(error), signal, true)),
  );
  return finishRun(result, emit);
}

async function attempt(options: WatchOptions): Promise<RunResult> {
  const { clock, emit, signal, pids, feed } = options;
  const wanted = new Set(options.bids);
  const known = new Set(pids);
  const tracker = createTracker([], {
    match: 'bid',
    retries: 0,
    verify: 'off',
    adopt: wanted.size > 0 ? wanted : 'all',
  });
  let listening = false;
  let broker: Broker | null = null;
  const loop = openLoop({
    ...{ clock, signal },
    knows: (pid) => known.has(pid),
    onFact(fact) {
      for (const event of apply(tracker, fact).events) emit(event);
    },
    isOver: () => !options.follow && seenAll(),
    onProgress(pid, { bid }, take) {
      const devices = bid === null || tracker.byBid.has(bid) ? null : options.devicesOf?.(bid);
      if (devices && bid !== null) seen(pid, bid, devices);
      take();
    },
    onOther(kind, serial, message) {
      if (kind === 'state' || kind === 'status') feed?.handle(message);
      if (kind !== 'services' || message.retained || !known.has(serial)) return;
      const create = readCreate(message.payload);
      if (create) seen(serial, create.bid, create.devices);
    },
  });

  function seenAll(): boolean {
    if (tracker.devices.length === 0 || tracker.open.size > 0) return false;
    return options.bids.every((bid) => tracker.byBid.has(bid));
  }

  function seen(pid: string, bid: string, devices: readonly WatchedDevice[]): void {
    loop.take({ type: 'create_seen', at: loop.now(), pid, bid, devices });
    named(devices.map(({ sn }) => sn));
  }

  /** Aircraft are known only from their jobs and docks. A dock may get another aircraft. */
  const listenedTo = new Set(pids);
  const waiting: string[] = [];
  function named(sns: readonly string[]): void {
    const room = MOST_NAMED * pids.length - listenedTo.size;
    const fresh = sns.filter((sn) => !listenedTo.has(sn) && serialProblem(sn) === null).slice(0, Math.max(0, room));
    if (!feed || fresh.length === 0) return;
    for (const sn of fresh) listenedTo.add(sn);
    waiting.push(...fresh);
    if (broker) hear(broker);
  }
  function hear(connected: Broker): void {
    const topics = waiting.splice(0).map((sn) => topicOf('state', sn));
    if (topics.length > 0) connected.subscribe(topics).catch(() => {});
  }

  options.onPhase?.('preparing');
  const connected = await options.connect(loop.events, signal);
  const cancel: (() => void)[] = [];
  try {
    cancel.push(loop.heedSignal());
    const subscribed = subscribe(connected, pids, feed !== undefined).then(() => {
      listening = loop.cut === null;
      broker = connected;
      hear(connected);
    });
    // The watch may be over before the subscription is.
    subscribed.catch(() => {});
    if (feed) cancel.push(feed.onChange(({ learned }) => named(learned)));
    await Promise.race([subscribed, loop.over]);
    options.onPhase?.('upgrading');
    options.onView?.({ devices: tracker.devices, totals: tracker.totals, wave: null });
    cancel.push(everySecond(clock, () => checkStalls(tracker, options, loop.take)));
    await loop.over;
  } finally {
    for (const stop of cancel) stop();
    await connected.close();
  }
  return resultOf(tracker, options, loop.cut, listening);
}

/** The most devices of a gateway that are listened to. */
const MOST_NAMED = 16;

async function subscribe(broker: Broker, pids: readonly string[], reports: boolean): Promise<void> {
  await broker.subscribe(pids.flatMap((pid) => [topicOf('services_reply', pid), topicOf('events', pid)]));
  // Only used to name the devices of a job, so a refusal by the broker does no harm.
  await broker.subscribe(pids.map((pid) => topicOf('services', pid))).catch(() => {});
  if (!reports) return;
  await broker.subscribe(pids.flatMap((pid) => [topicOf('state', pid), topicOf('status', pid)])).catch(() => {});
}

function everySecond(clock: Clock, run: () => void): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = clock.after(1000, () => {
      run();
      next();
    });
  };
  next();
  return () => cancel();
}

function checkStalls(tracker: Tracker, options: WatchOptions, take: (fact: Fact) => void): void {
  if (tracker.lostAt !== null) return;
  const now = options.clock.now();
  const ms = options.stallTimeout;
  for (const job of [...tracker.open]) {
    for (const device of job.devices) {
      if (device.phase !== 'open' || Math.max(device.heardAt ?? 0, tracker.restoredAt) + ms > now) continue;
      take({ type: 'limit', at: now, device: device.index, limit: 'stall', ms });
    }
  }
}

function resultOf(tracker: Tracker, options: WatchOptions, cut: SessionLoop['cut'], listening: boolean): RunResult {
  const cause = cut?.cause ?? null;
  const devices = outcomes(tracker);
  const decided = exitCodeOf(devices, {
    interrupted: cause === 'interrupted' ? interruptCode(options.signal) : null,
    stopped: false,
    brokerLost: cause === 'broker_lost',
    unready: 0,
    split: 0,
  });
  // A time limit is no error if the watch had begun to listen.
  const error = cause === 'timeout' && listening ? null : (cut?.error ?? null);
  // The time limit passed before all observed upgrades had ended, or before the watch had begun to listen.
  const missed = cause === 'timeout' && !(options.follow && listening) && decided === 0;
  return { exit_code: missed ? 5 : decided, totals: { ...tracker.totals }, devices, error };
}
