/** The feed of what docks report: takes the messages of a connection, and subscribes to gateways and the aircraft they name. */
import type { Clock } from '../clock.js';
import type { Broker, BrokerMessage } from '../mqtt/broker.js';
import { topicOf } from '../protocol/topics.js';
import { applyFleetMessage, createFleet, type Fleet, type FleetChange } from './properties.js';

/** Milliseconds. Docks name their aircraft one by one; subscriptions to them are collected. */
const GATHER_FOR = 50;
/** Takes the messages of one connection and keeps the fleet up to date. */
export interface FleetFeed {
  readonly fleet: Fleet;
  /** Takes every message of the connection, on any topic. Never throws. */
  handle(message: BrokerMessage): void;
  /** Calls `listener` for every change from now on. Call the result to unsubscribe. */
  onChange(listener: (change: FleetChange) => void): () => void;
  /** The connection is lost for good. All listeners get the error. */
  fail(error: Error): void;
  onFail(listener: (error: Error) => void): () => void;
}

/** A feed for the `onMessage` of a connection, which must exist before there is a broker to subscribe with. */
export function createFleetFeed(clock: Clock, fleet: Fleet = createFleet()): FleetFeed {
  const changed = new Set<(change: FleetChange) => void>();
  const failed = new Set<(error: Error) => void>();
  const add = <T>(to: Set<T>, listener: T) => {
    to.add(listener);
    return () => void to.delete(listener);
  };
  return {
    fleet,
    handle({ topic, payload, retained }) {
      const change = applyFleetMessage(fleet, topic, payload, retained, clock.now());
      if (change) for (const listener of [...changed]) listener(change);
    },
    onChange: (listener) => add(changed, listener),
    fail(error) {
      for (const listener of [...failed]) listener(error);
    },
    onFail: (listener) => add(failed, listener),
  };
}

/** How a feed subscribes. */
export interface SubscribeOptions {
  clock: Clock;
  /** The broker denied topics of aircraft that were learned later. Their docks still report some of their properties. */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Subscribes to `pids`, `sns` and every aircraft that the gateways name, until the result is called. `pids: 'all'`: every
 * gateway of the broker, by wildcards.
 * @throws OtaError as {@link Broker.subscribe} does
 */
export async function subscribeFleet(
  feed: FleetFeed,
  broker: Broker,
  pids: readonly string[] | 'all',
  sns: readonly string[],
  { clock, onWarning }: SubscribeOptions,
): Promise<() => void> {
  if (pids === 'all') {
    // Aircraft use topics of the same form, so these three wildcards cover everything.
    await broker.subscribe([topicOf('osd', '+'), topicOf('state', '+'), topicOf('status', '+')]);
    return () => {};
  }
  const gateways = new Set(pids);
  const subscribed = new Set([...pids, ...sns]);
  const waiting: string[] = [];
  let cancel: (() => void) | null = null;
  const flush = () => {
    cancel = null;
    const topics = waiting.splice(0).flatMap(ownTopics);
    broker.subscribe(topics).catch((error: Error) => onWarning?.(error.message));
  };
  const learn = (serial: string) => {
    const gateway = feed.fleet.devices.get(serial)?.gateway?.value ?? null;
    if (subscribed.has(serial) || gateway === null || !gateways.has(gateway)) return;
    subscribed.add(serial);
    waiting.push(serial);
    cancel ??= clock.after(GATHER_FOR, flush);
  };
  const stop = feed.onChange((change) => change.serials.concat(change.learned).forEach(learn));
  try {
    const topics = [...subscribed].flatMap(ownTopics).concat([...gateways].map((pid) => topicOf('status', pid)));
    await broker.subscribe(topics);
  } catch (error) {
    stop();
    throw error;
  }
  for (const record of feed.fleet.devices.values()) learn(record.serial);
  return () => {
    stop();
    cancel?.();
  };
}

function ownTopics(serial: string): string[] {
  return [topicOf('osd', serial), topicOf('state', serial)];
}
