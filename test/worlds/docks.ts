/** The simulator's docks as clients of the world's broker, with a record of what each of them really did. */
import type { Clock } from '../../src/clock.js';
import { object, parseObject, readProgress, text } from '../../src/protocol/messages.js';
import { isTerminal } from '../../src/protocol/statuses.js';
import { topicOf } from '../../src/protocol/topics.js';
import { type Behavior, DEFAULT_BEHAVIOR, type End } from '../../src/simulator/dock/behavior.js';
import { createDock, type Dock } from '../../src/simulator/dock/dock.js';
import type { DockEvent } from '../../src/simulator/dock/dock-events.js';
import type { DockMessage } from '../../src/simulator/dock/messages.js';
import type { Session, WorldBroker } from './broker.js';
import type { Wire } from './network.js';
import { type Chance, idOf } from './random.js';
import { BEGIN, type WorldTime } from './time.js';

export interface SceneDock {
  pid: string;
  aircraft: string[];
  /** The version of dock and aircraft. */
  version: string;
  behavior: Partial<Behavior>;
  /** The behavior of single devices. A job then reports each one by its serial number. */
  devices: Record<string, Partial<Behavior>>;
  /** Milliseconds between two rounds of osd; null = only changes are reported. */
  telemetry: number | null;
  /** Milliseconds that the broker stores messages while the dock is away; 0 = it does not. */
  session: number;
}

/** An `ota_create` that a dock received, from any sender. */
export interface Request {
  bid: string;
  at: number;
  sns: readonly string[];
  /** What decided: null = not answered yet, 0 = accepted. */
  refused: boolean;
  /** The upgrade has started. */
  started: boolean;
  /** How it ended, by device; `null` means all of them. */
  ends: { sn: string | null; end: End; at: number }[];
}

export interface WorldDock {
  readonly pid: string;
  readonly scene: SceneDock;
  /** In the order in which the dock received them. The same `bid` is there twice if the broker delivered it twice. */
  readonly requests: readonly Request[];
  /** The terminal events that the dock sent, by `bid` (null if its events have none). */
  readonly lastWords: readonly { bid: string | null; sn: string | null; status: string; result: number; at: number }[];
  readonly refusals: ReadonlyMap<string, number>;
  versionOf(sn: string): string | null;
  /** Changes its behavior from now on, for example by a flight or a pressed button. */
  change(behavior: Partial<Behavior>): void;
  /** Loses its connection, and does not reconnect for this long. */
  sleep(ms: number): void;
  start(): void;
  stop(): void;
}

export interface DockPlace {
  time: WorldTime;
  chance: Chance;
  broker: WorldBroker;
  tell(pid: string, what: string): void;
}

/** Neither the progress of an upgrade that goes on nor telemetry, of which there is most. */
const MAY_END = /"result":(?!0[,}])|"(?:ok|rejected|failed|canceled|timeout)"/;

export function worldDock(scene: SceneDock, { time, chance, broker, tell }: DockPlace): WorldDock {
  const { pid } = scene;
  const behavior: Behavior = { ...DEFAULT_BEHAVIOR, ...scene.behavior };
  const clock: Clock = {
    now: () => time.now,
    wall: () => BEGIN + Math.round(time.now),
    after: (ms, run) => time.after(ms, run),
  };
  const requests: Request[] = [];
  const lastWords: { bid: string | null; sn: string | null; status: string; result: number; at: number }[] = [];
  const refusals = new Map<string, number>();
  let refusedBefore = 0;

  const dock: Dock = createDock(
    {
      pid,
      model: '3-2-0',
      firmware_version: scene.version,
      aircraft: scene.aircraft.map((sn) => ({ sn, model: '0-91-1', firmware_version: scene.version })),
    },
    {
      behavior: {
        dock: behavior,
        device: (sn) => (scene.devices[sn] ? { ...behavior, ...scene.devices[sn] } : null),
      },
      clock,
      random: { next: chance.next, id: () => idOf(chance) },
      telemetry: scene.telemetry,
      send(message) {
        note(message);
        // Stored there long before this world began.
        if (message.retain) return void broker.publish(message.topic, message.payload, { retain: true });
        outbox.push(message);
        pump();
      },
      tell: happened,
    },
  );

  /** Whether the dock refused a request is known only after it has processed it. */
  function settle(): void {
    const last = requests.at(-1);
    if (last && !last.refused && !last.started && last.ends.length === 0) {
      last.refused = dock.counts.refused > refusedBefore;
      last.started = !last.refused && behavior.upgrade;
    }
  }

  function happened(event: DockEvent): void {
    if (event.event === 'request_received') {
      settle();
      refusedBefore = dock.counts.refused;
      const sns = event.devices.map(({ sn }) => sn);
      requests.push({ bid: event.bid, at: time.now, sns, refused: false, started: false, ends: [] });
      tell(pid, `takes up the request ${event.bid.slice(0, 8)} for ${sns.join(', ')}`);
      return;
    }
    if (event.event === 'upgrade_ended') {
      settle();
      const { sn, end } = event;
      requests.findLast(({ started }) => started)?.ends.push({ sn, end, at: time.now });
    }
    const { event: name, ...rest } = event;
    tell(pid, [name.replaceAll('_', ' '), ...Object.values(rest).map((value) => value ?? 'all')].join(' '));
  }

  function note({ topic, payload }: DockMessage): void {
    if (typeof payload !== 'string' || !MAY_END.test(payload)) return;
    if (topic === topicOf('services_reply', pid)) {
      const message = parseObject(payload);
      const result = object(message?.data)?.result;
      if (typeof result === 'number' && result !== 0) refusals.set(text(message?.bid) ?? '', result);
    }
    if (topic !== topicOf('events', pid)) return;
    const progress = readProgress(payload);
    if (progress?.status && isTerminal(progress.status)) {
      const { bid, sn, status, result } = progress;
      lastWords.push({ bid, sn, status, result, at: time.now });
    }
  }

  // The dock's own connection, which is simple.
  const id = `dock-${pid}`;
  const outbox: DockMessage[] = [];
  const inFlight = new Set<DockMessage>();
  let wire: Wire | null = null;
  let session: Session | null = null;
  let ready = false;
  let asleepUntil = 0;
  let stopped = false;

  function connect(): void {
    if (stopped || wire) return;
    if (time.now < asleepUntil) return void time.after(asleepUntil - time.now, connect);
    const on: Wire = broker.connect(
      id,
      {
        shipped: false,
        onClosed: {
          client() {
            if (wire === on) away(chance.spread(500, 20_000));
          },
          broker() {},
        },
      },
      (message, number) => {
        if (wire !== on || stopped) return;
        receive(message.topic, message.payload);
        const of = session;
        if (of) on.send('toBroker', () => broker.acknowledged(of, number));
      },
    );
    wire = on;
    on.send('toBroker', () => {
      const arrival = broker.arrive(id, on, { clean: scene.session === 0, expiry: scene.session });
      if (!arrival) return on.cut('not taken');
      session = arrival.session;
      broker.subscribe(session, [topicOf('services', pid), topicOf('events_reply', pid)]);
      on.send('toClient', () => {
        ready = true;
        // Unacknowledged messages are sent again.
        outbox.unshift(...inFlight);
        inFlight.clear();
        pump();
      });
      arrival.flow();
    });
  }

  function away(ms: number): void {
    wire = null;
    session = null;
    ready = false;
    if (!stopped) time.after(ms, connect);
  }

  function pump(): void {
    const on = wire;
    if (!ready || !on) {
      // Telemetry is not queued.
      for (let index = outbox.length - 1; index >= 0; index--) if (outbox[index]?.qos === 0) outbox.splice(index, 1);
      return;
    }
    for (const message of outbox.splice(0)) {
      const { topic, payload, retain, qos } = message;
      if (qos > 0) inFlight.add(message);
      on.send('toBroker', () => {
        if (broker.publish(topic, payload, { retain, fleeting: qos === 0 }))
          on.send('toClient', () => void inFlight.delete(message));
      });
    }
  }

  function receive(topic: string, payload: string | Uint8Array) {
    if (topic !== topicOf('services', pid)) return dock.receive('events_reply', payload);
    dock.receive('services', payload);
    settle();
  }

  return {
    pid,
    scene,
    requests,
    lastWords,
    refusals,
    versionOf: (sn) => dock.devices.find((device) => device.sn === sn)?.firmware_version ?? null,
    change: (now) => void Object.assign(behavior, now),
    sleep(ms) {
      asleepUntil = time.now + ms;
      wire?.hangUp('client', 'asleep');
      away(ms);
    },
    start() {
      connect();
      dock.start();
    },
    stop() {
      stopped = true;
      dock.stop();
      wire = null;
    },
  };
}
