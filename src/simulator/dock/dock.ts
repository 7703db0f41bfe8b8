import type { Clock } from '../../clock.js';
import { parseObject, text } from '../../protocol/messages.js';
import { type TopicKind, topicOf } from '../../protocol/topics.js';
import type { Random } from '../scenario/random.js';
import type { DockBehavior } from '../scenario/scenario.js';
import type { DockEvent } from './dock-events.js';
import { oldProgress } from './garbage.js';
import { type Job, startJob } from './job.js';
import { type DockMessage, replyPayload } from './messages.js';
import { answerTo, type DockRequest, readRequest } from './request.js';
import { selfReport } from './self-report.js';
import type { SimulatedDevice } from './telemetry.js';
import { respelled } from './versions.js';

/** A dock and its aircraft before anything happens. */
export interface DockConfig {
  pid: string;
  /** Model key of the dock, for example `3-2-0`. */
  model: string;
  firmware_version: string;
  compatible_status?: 0 | 1;
  aircraft: readonly { sn: string; model: string; firmware_version: string; compatible_status?: 0 | 1 }[];
}

interface DockOptions {
  behavior: DockBehavior;
  clock: Clock;
  random: Random;
  /** Milliseconds between two rounds of osd; null = the dock reports only changes. */
  telemetry: number | null;
  send(message: DockMessage): void;
  /** Gets what the dock receives and does. Must not throw. */
  tell?(event: DockEvent): void;
}

/** Counters of what a dock has received and sent, for tests and for the log. */
interface DockCounts {
  requests: number;
  refused: number;
  events: number;
  /** Events that requested an answer and got one, and those that got none. */
  answered: number;
  unanswered: number;
}

/** A dock without transport: call it with the messages on its topics, and it sends what a dock would. */
export interface Dock {
  readonly pid: string;
  /** The dock first, then its aircraft. */
  readonly devices: readonly Readonly<SimulatedDevice>[];
  readonly busy: boolean;
  readonly counts: Readonly<DockCounts>;
  /** Reports its topology and versions once, and starts its osd. */
  start(): void;
  /** Takes any message on `services` or `events_reply`. Never throws. */
  receive(kind: TopicKind, payload: Uint8Array | string): void;
  /** Stops. It sends nothing afterwards. */
  stop(): void;
}

const MOST_KEPT = 64;
/**
 * Milliseconds from the last event of an upgrade to the restart of the dock; and from an upgrade until it switches its aircraft
 * off.
 */
const RESTART_AFTER = 500;
const ASLEEP_AFTER = 60_000;

/** Creates a dock that follows `options.behavior`. It sends nothing before `start` or a request. */
export function createDock(config: DockConfig, options: DockOptions): Dock {
  const { clock, random } = options;
  const behavior = options.behavior.dock;
  const { pid } = config;
  const dock: SimulatedDevice = { ...device(pid, config), sn: pid };
  const aircraft = config.aircraft.map((each) => device(each.sn, each));
  const counts: DockCounts = { requests: 0, refused: 0, events: 0, answered: 0, unanswered: 0 };
  const waits = new Set<() => void>();
  // The latest upgrade. Kept after its end, because its last event may still wait for an answer.
  let job: Job | null = null;
  let busy = false;
  let away = !behavior.online;
  // Offline for good.
  let silent = away && behavior.ready_after_seconds === null;
  // New firmware was installed, and runs from the next restart.
  let installed = false;
  // Messages that arrive while the dock reboots. A real broker would queue them.
  const kept: [TopicKind, Uint8Array | string][] = [];
  let stopped = false;
  let refusedByScenario = 0;

  const tell = (event: DockEvent) => options.tell?.(event);
  const send = (message: DockMessage) => {
    if (!stopped) options.send(message);
  };
  function after(ms: number, run: () => void): void {
    const cancel = clock.after(ms, () => {
      waits.delete(cancel);
      run();
    });
    waits.add(cancel);
  }

  const self = selfReport({
    ...{ pid, dock, aircraft, behavior, clock, telemetry: options.telemetry, send, after },
    stamp: () => ({ tid: random.id(), bid: random.id(), timestamp: Math.floor(clock.wall()) }),
    moment: () => ({ busy, away }),
  });

  function find(sn: string): SimulatedDevice {
    const known = sn === pid ? dock : aircraft.find((each) => each.sn === sn);
    if (known) return known;
    // A serial number that the user chose: the dock takes it for another aircraft of its own.
    const adopted = device(sn, { model: aircraft[0]?.model ?? '0-91-1', firmware_version: '0.0.0' });
    aircraft.push(adopted);
    return adopted;
  }

  function connect(): void {
    if (behavior.retained) send(oldProgress(pid, random.id()));
    if (options.telemetry === null) return;
    self.connected();
    self.repeat(random.next());
  }

  function request(read: ReturnType<typeof readRequest>): void {
    if (read === null) {
      tell({ event: 'request_ignored' });
      return;
    }
    counts.requests++;
    const devices = 'devices' in read ? read.devices : [];
    tell({ event: 'request_received', tid: read.tid, bid: read.bid, devices });
    if (!('devices' in read)) {
      reply(read, 312012, behavior.reply_ms);
      return;
    }
    const situation = { pid, behavior, condition: self.condition(), refused: refusedByScenario, compatible };
    const result = answerTo(read, situation);
    if (result !== 0) {
      counts.refused++;
      if (result === behavior.result) refusedByScenario++;
      reply(read, result, behavior.reply_ms);
      return;
    }
    if (behavior.reply === 'late') reply(read, 0, behavior.reply_ms + behavior.interval_ms * 3);
    else if (behavior.reply === 'normal') reply(read, 0, behavior.reply_ms);
    if (behavior.upgrade) upgrade(read);
  }

  const compatible = (sn: string) =>
    (sn === pid ? dock : aircraft.find((each) => each.sn === sn))?.compatible_status ?? 0;

  function reply(ids: { tid: string; bid: string }, result: number, ms: number): void {
    after(ms * (0.8 + random.next() * 0.4), () => {
      const payload = replyPayload({ ...ids, timestamp: Math.floor(clock.wall()), pid }, result, behavior);
      send({ topic: topicOf('services_reply', pid), payload, qos: 1, retain: false });
      tell({ event: 'reply_sent', bid: ids.bid, result });
    });
  }

  function upgrade(request: DockRequest): void {
    const targets = request.devices.map((each) => find(each.sn));
    job?.stop();
    const flown = targets.some((each) => each !== dock);
    if (flown) self.wake(1);
    busy = true;
    job = startJob(request, {
      pid,
      clock,
      random,
      behavior: options.behavior,
      // The first event follows the reply, unless the reply is late.
      delay: behavior.reply_ms * 1.3,
      send(message) {
        // An event that is due again while the dock reboots.
        if (away) return;
        counts.events++;
        send(message);
      },
      unanswered: () => void counts.unanswered++,
      reboot(gone) {
        tell({ event: gone ? 'rebooting' : 'back' });
        if (gone) self.leaves();
        away = gone;
        if (!gone) back(true);
      },
      ended(sn, end, target) {
        tell({ event: 'upgrade_ended', bid: request.bid, sn, end });
        // One of several devices may fall silent alone; otherwise the whole dock is offline for good.
        if (end === 'silent' && sn === null) away = silent = true;
        if (end === 'ok' || end === 'missed') install(target);
      },
      done() {
        busy = false;
        if (flown) after(ASLEEP_AFTER, () => self.wake(-1));
        if (installed) after(RESTART_AFTER, restart);
        else self.changed(targets, { firmware_upgrade_status: 0 });
      },
    });
    self.changed(targets, { firmware_upgrade_status: 1 });
  }

  /** Restarts the dock. Upgraded devices run the new firmware from here on, and report their versions again. */
  function restart(): void {
    // The next upgrade has begun: the dock restarts after that one.
    if (busy) return;
    installed = false;
    tell({ event: 'restarting' });
    away = true;
    after(behavior.restart_seconds * 1000, () => {
      away = false;
      tell({ event: 'back' });
      back(false);
    });
  }

  function back(rebooted: boolean): void {
    self.connected(rebooted);
    takeKept();
  }

  function takeKept(): void {
    for (const [kind, payload] of kept.splice(0)) receive(kind, payload);
  }

  function receive(kind: TopicKind, payload: Uint8Array | string): void {
    if (stopped || silent) return;
    if (away) {
      if (kept.length < MOST_KEPT) kept.push([kind, payload]);
      return;
    }
    if (kind === 'services') request(readRequest(payload));
    if (kind !== 'events_reply') return;
    const tid = text(parseObject(payload)?.tid);
    if (tid !== null && job?.answered(tid)) counts.answered++;
  }

  function install(target: readonly { sn: string; version: string }[]): void {
    for (const { sn, version } of target) {
      const own = options.behavior.device(sn) ?? behavior;
      const found = find(sn);
      installed = true;
      if (own.version !== 'unchanged') {
        found.firmware_version = own.version === 'respelled' ? respelled(version) : version;
        found.compatible_status = 0;
      }
    }
  }

  return {
    pid,
    get devices() {
      return [dock, ...aircraft];
    },
    get busy() {
      return busy;
    },
    counts,
    start() {
      self.start();
      if (!away) connect();
      const { ready_after_seconds: ready } = behavior;
      if (ready === null) return;
      after(ready * 1000, () => {
        tell({ event: 'ready' });
        if (!behavior.online) {
          away = false;
          connect();
          takeKept();
        } else if (!away && options.telemetry !== null) self.connected(true);
      });
    },
    receive,
    stop() {
      stopped = true;
      job?.stop();
      for (const cancel of waits) cancel();
      waits.clear();
    },
  };
}

function device(sn: string, from: Omit<SimulatedDevice, 'sn' | 'compatible_status'> & { compatible_status?: 0 | 1 }) {
  const { model, firmware_version, compatible_status = 0 } = from;
  return { sn, model, firmware_version, compatible_status };
}
