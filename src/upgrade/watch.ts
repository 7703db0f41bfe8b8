/** Follows upgrades that something else started: reads only, publishes nothing. */
import type { Clock } from '../clock.js';
import { type OtaError, toOtaError } from '../errors.js';
import type { FleetFeed } from '../fleet/feed.js';
import type { Broker, BrokerEvents, BrokerMessage } from '../mqtt/broker.js';
import { readCreate, readProgress, readReply, type WatchedDevice } from '../protocol/messages.js';
import { parseTopic, serialDoubt, serialProblem, topicOf } from '../protocol/topics.js';
import { quoted } from '../text.js';
import { cutBy, failedRun, finishRun, interruptCode, interruption, type RunResult, withTimeLimit } from './end.js';
import type { Emit } from './events.js';
import { exitCodeOf } from './exit-code.js';
import type { Fact } from './facts.js';
import type { RunView } from './tracker/state.js';
import { apply, createTracker, outcomes, type Tracker } from './tracker/tracker.js';

export interface WatchOptions {
  pids: readonly string[];
  /** Only these upgrades; empty = all. */
  bids: readonly string[];
  /** Do not end when all upgrades that were seen have ended. */
  follow: boolean;
  /** How long a device may be silent, milliseconds. */
  stallTimeout: number;
  /** Limit for the whole run, milliseconds from its start. */
  timeout?: number | null;
  /** Devices of a job that is known from elsewhere. */
  devicesOf?: ((bid: string) => readonly WatchedDevice[] | null) | undefined;
  /** Hears what the devices say of themselves, where the broker grants it: their rare messages, not those of every two seconds. */
  feed?: FleetFeed | undefined;
  connect(events: BrokerEvents, signal: AbortSignal): Promise<Broker>;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
  onPhase?: (phase: 'preparing' | 'upgrading') => void;
  onView?: (view: RunView) => void;
}

/** Runs until every upgrade that it has seen has ended, or as `follow` and the limits say. Throws nothing of its own. */
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
  let cause: 'timeout' | 'interrupted' | 'broker_lost' | null = null;
  let failure: OtaError | null = null;
  let listening = false;
  let broker: Broker | null = null;
  let over = () => {};
  const done = new Promise<void>((resolve) => {
    over = resolve;
  });

  function take(fact: Fact): void {
    if (cause !== null && fact.type !== 'cut_off') return;
    const { events } = apply(tracker, fact);
    for (const event of events) emit(event);
    if (cause === null && !options.follow && seenAll()) over();
  }

  function seenAll(): boolean {
    if (tracker.devices.length === 0 || tracker.open.size > 0) return false;
    return options.bids.every((bid) => tracker.byBid.has(bid));
  }

  function cut(why: 'timeout' | 'interrupted' | 'broker_lost', error: OtaError | null): void {
    if (cause !== null) return;
    cause = why;
    failure = error;
    const reason = error?.message ?? 'the time limit of the whole run passed';
    take({ type: 'cut_off', at: clock.now(), cause: why, reason });
    over();
  }

  function seen(pid: string, bid: string, devices: readonly WatchedDevice[]): void {
    take({ type: 'create_seen', at: clock.now(), pid, bid, devices });
    named(devices.map(({ sn }) => sn));
  }

  /** Aircraft are known from their jobs and docks alone; a dock has one, and now and then another. */
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

  function onMessage(message: BrokerMessage): void {
    const { topic, payload, retained } = message;
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'state' || parsed?.kind === 'status') feed?.handle(message);
    if (!parsed || retained || !known.has(parsed.serial)) return;
    const at = clock.now();
    const pid = parsed.serial;
    if (parsed.kind === 'services') {
      const create = readCreate(payload);
      if (create) seen(pid, create.bid, create.devices);
    } else if (parsed.kind === 'services_reply') {
      const message = readReply(payload);
      if (message) take({ type: 'reply', at, pid, message });
    } else if (parsed.kind === 'events') {
      const message = readProgress(payload);
      if (!message) return;
      const devices = message.bid === null || tracker.byBid.has(message.bid) ? null : options.devicesOf?.(message.bid);
      if (devices && message.bid !== null) seen(pid, message.bid, devices);
      take({ type: 'progress', at, pid, message });
    }
  }

  options.onPhase?.('preparing');
  const connected = await options.connect(
    {
      onMessage,
      onLost: (reason) => take({ type: 'broker_lost', at: clock.now(), reason }),
      onRestored: ({ sessionPresent }) => take({ type: 'broker_restored', at: clock.now(), sessionPresent }),
      onGone: (error) => cut('broker_lost', toOtaError(error)),
    },
    signal,
  );
  const cancel: (() => void)[] = [];
  try {
    const onAbort = () => cut(cutBy(signal), cutBy(signal) === 'timeout' && listening ? null : interruption(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    cancel.push(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
    const subscribed = subscribe(connected, pids, feed !== undefined).then(() => {
      listening = true;
      broker = connected;
      hear(connected);
    });
    // It may be over before that.
    subscribed.catch(() => {});
    if (feed) cancel.push(feed.onChange(({ learned }) => named(learned)));
    await Promise.race([subscribed, done]);
    options.onPhase?.('upgrading');
    options.onView?.({ devices: tracker.devices, totals: tracker.totals, wave: null, names: new Map() });
    cancel.push(everySecond(clock, () => checkStalls(tracker, options, take)));
    await done;
  } finally {
    for (const stop of cancel) stop();
    await connected.close();
  }
  return resultOf(tracker, options, cause, failure, listening);
}

/** Devices of a gateway that are listened to. */
const MOST_NAMED = 16;

async function subscribe(broker: Broker, pids: readonly string[], reports: boolean): Promise<void> {
  await broker.subscribe(pids.flatMap((pid) => [topicOf('services_reply', pid), topicOf('events', pid)]));
  // Only to name the devices of a job: a broker that denies it to us denies nothing that is needed.
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

function resultOf(
  tracker: Tracker,
  options: WatchOptions,
  cause: 'timeout' | 'interrupted' | 'broker_lost' | null,
  error: OtaError | null,
  listening: boolean,
): RunResult {
  const devices = outcomes(tracker);
  const decided = exitCodeOf(devices, {
    interrupted: cause === 'interrupted' ? interruptCode(options.signal) : null,
    stopped: false,
    brokerLost: cause === 'broker_lost',
    unready: 0,
    split: 0,
  });
  // The limit passed before everything that was waited for had been seen to end, or before anything could be seen.
  const missed = cause === 'timeout' && !(options.follow && listening) && decided === 0;
  return { exit_code: missed ? 5 : decided, totals: { ...tracker.totals }, devices, error };
}
