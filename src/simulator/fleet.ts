import { type Clock, systemClock } from '../clock.js';
import { OtaError } from '../errors.js';
import { parseTopic, serialProblem, topicOf } from '../protocol/topics.js';
import { quoted } from '../text.js';
import { type EmbeddedBroker, type EmbeddedBrokerOptions, startBroker } from './broker.js';
import { createDock, type Dock, type DockConfig } from './dock/dock.js';
import type { DockEvent } from './dock/dock-events.js';
import type { DockMessage } from './dock/messages.js';
import { someDocks } from './scenario/configs.js';
import { seededRandom } from './scenario/random.js';
import { behaviorOf, type Scenario } from './scenario/scenario.js';
import { builtInScenario } from './scenario/scenarios.js';
import { sharedClock } from './timers.js';

interface FleetOptions {
  /** The docks, or their number. */
  docks: readonly DockConfig[] | number;
  /** Default `ok`. */
  scenario?: Scenario | undefined;
  clock?: Clock | undefined;
  /** How many times faster than real time the docks work; default 1. */
  speed?: number | undefined;
  /** The same seed gives the same fleet; default 1. */
  seed?: number | undefined;
  /** Milliseconds between two rounds of osd of each dock; null = none. Default 2000, or longer in large fleets. */
  telemetry?: number | null | undefined;
  /** Gets what a dock receives and does. */
  onEvent?: ((pid: string, event: DockEvent) => void) | undefined;
}

/** A broker in this process with simulated docks. */
export interface Simulator extends Pick<EmbeddedBroker, 'url' | 'wsUrl' | 'port' | 'restart'> {
  readonly docks: readonly Dock[];
  readonly broker: EmbeddedBroker;
  /** Stops the docks and the broker. Never throws. */
  close(): Promise<void>;
}

/**
 * Starts a broker and docks on it.
 * @throws OtaError `usage` if it cannot listen on the port, or a serial number cannot be part of a topic
 */
export async function startSimulator(options: FleetOptions & EmbeddedBrokerOptions): Promise<Simulator> {
  const fleet = createFleet(options, (message) => broker.publish(message));
  const broker = await startBroker(options);
  for (const kind of ['services', 'events_reply'] as const) {
    await broker.subscribe(topicOf(kind, '+'), fleet.receive);
  }
  fleet.start();
  return {
    url: broker.url,
    wsUrl: broker.wsUrl,
    port: broker.port,
    docks: fleet.docks,
    broker,
    restart: broker.restart,
    close() {
      fleet.stop();
      return broker.close();
    },
  };
}

/**
 * The part of a broker connection that docks need. The program's own `Broker` implements it, but it retains nothing, so an old
 * `ota_progress` of a dock arrives as a live message there.
 */
export interface DockConnection {
  subscribe(topics: readonly string[]): Promise<void>;
  publish(topic: string, payload: string | Buffer, options?: { retain?: boolean; qos?: 0 | 1 }): Promise<void>;
}

/** Docks that are clients of another broker, over one connection. */
export interface AttachedDocks {
  readonly docks: readonly Dock[];
  /** Takes every message of the connection. */
  receive(topic: string, payload: Uint8Array): void;
  stop(): void;
}

/**
 * Attaches docks to another broker by `connection`, whose messages the caller passes to `receive`. They start when the
 * subscriptions are granted.
 * @throws what `subscribe` throws; OtaError `usage` for a serial number that cannot be part of a topic
 */
export async function attachDocks(
  connection: DockConnection,
  options: FleetOptions & { receiver?: (receive: AttachedDocks['receive']) => void },
): Promise<AttachedDocks> {
  const publish = bounded(({ topic, payload, retain, qos }: DockMessage) =>
    connection.publish(topic, typeof payload === 'string' ? payload : Buffer.from(payload), { retain, qos }),
  );
  const fleet = createFleet(options, publish);
  options.receiver?.(fleet.receive);
  await connection.subscribe(
    fleet.docks.flatMap(({ pid }) => [topicOf('services', pid), topicOf('events_reply', pid)]),
  );
  fleet.start();
  return { docks: fleet.docks, receive: fleet.receive, stop: fleet.stop };
}

function createFleet(options: FleetOptions, publish: (message: DockMessage) => unknown) {
  const configs = typeof options.docks === 'number' ? someDocks(options.docks) : options.docks;
  const scenario = options.scenario ?? (builtInScenario('ok') as Scenario);
  const clock = sharedClock(options.clock ?? systemClock, options.speed);
  const telemetry = options.telemetry === undefined ? defaultTelemetry(configs.length) : options.telemetry;
  const docks = new Map<string, Dock>();
  for (const [index, config] of configs.entries()) {
    for (const sn of [config.pid, ...config.aircraft.map((each) => each.sn)]) checkSerial(sn);
    const dock = createDock(config, {
      behavior: behaviorOf(scenario, config.pid, index),
      clock,
      random: seededRandom(options.seed ?? 1, config.pid),
      telemetry,
      send: publish,
      tell: (event) => options.onEvent?.(config.pid, event),
    });
    docks.set(config.pid, dock);
  }
  return {
    docks: [...docks.values()],
    start() {
      for (const dock of docks.values()) dock.start();
    },
    receive(topic: string, payload: Uint8Array) {
      const parsed = parseTopic(topic);
      if (parsed) docks.get(parsed.serial)?.receive(parsed.kind, payload);
    },
    stop() {
      for (const dock of docks.values()) dock.stop();
      clock.cancelAll();
    },
  };
}

// A round is four messages per dock. More than about 500 messages a second in total would be useless load.
function defaultTelemetry(docks: number): number | null {
  if (docks <= 200) return 2000;
  return docks <= 2000 ? 20_000 : null;
}

function checkSerial(sn: string): void {
  const problem = serialProblem(sn);
  if (problem) throw new OtaError('usage', `simulated device ${quoted(sn)}: serial number ${problem}`);
}

// The most unacknowledged messages of a connection; further ones wait here.
const IN_FLIGHT = 64;

function bounded(publish: (message: DockMessage) => Promise<void>): (message: DockMessage) => void {
  const waiting: DockMessage[] = [];
  let flying = 0;
  const next = () => {
    while (flying < IN_FLIGHT) {
      const message = waiting.shift();
      if (!message) return;
      flying++;
      // A real dock would lose a message with its connection, too.
      publish(message)
        .catch(() => {})
        .finally(() => {
          flying--;
          next();
        });
    }
  };
  return (message) => {
    waiting.push(message);
    next();
  };
}
