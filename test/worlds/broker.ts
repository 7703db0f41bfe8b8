/** A broker with what upgrades need: QoS 1, sessions that outlive their connection or not, retained messages, restarts. */
import { type Wire, type WireEnds, wireOf } from './network.js';
import type { Chance } from './random.js';
import type { WorldTime } from './time.js';

export interface Message {
  topic: string;
  payload: string | Uint8Array;
  retained: boolean;
  /** QoS 0: not stored for anyone. */
  fleeting: boolean;
}

/** The state of one client at the broker. */
export interface Session {
  readonly id: string;
  readonly topics: Set<string>;
  /** Sent and not acknowledged yet, or waiting for the client to reconnect; in order. */
  readonly unacknowledged: { message: Message; number: number }[];
  wire: Wire | null;
  /** Milliseconds that it outlives its connection. */
  expiry: number;
  end: () => void;
}

export interface Arrival {
  session: Session;
  present: boolean;
  /** Call it when the client can take messages. Stored messages come first. */
  flow(): void;
}

export interface BrokerTrouble {
  /** Does not accept connections. */
  down: boolean;
  /** Accepts connections and sends nothing. */
  mute: boolean;
  /** SUBSCRIBE is refused, or not answered. */
  subscribe: 'granted' | 'refused' | 'unanswered';
  /** The longest delay of an acknowledgement, in milliseconds. */
  slowestAck: number;
  /** PUBLISH on these topics is refused. */
  refused: ((topic: string) => boolean) | null;
}

export interface WorldBroker {
  readonly trouble: BrokerTrouble;
  readonly sessions: ReadonlyMap<string, Session>;
  connect(id: string, ends: WireEnds, onMessage: (message: Message, number: number) => void): Wire;
  /** A CONNECT arrives. Returns null if the broker does not accept it. */
  arrive(id: string, wire: Wire, how: { clean: boolean; expiry: number }): Arrival | null;
  subscribe(session: Session, topics: readonly string[]): void;
  unsubscribe(session: Session, topics: readonly string[]): void;
  /** A PUBLISH arrives. Returns whether the broker was there to accept it. */
  publish(topic: string, payload: string | Uint8Array, how?: { retain?: boolean; fleeting?: boolean }): boolean;
  acknowledged(session: Session, number: number): void;
  /** A DISCONNECT, or the end of the session. */
  leave(session: Session, keep: boolean): void;
  restart(persistent: boolean, downFor: number): void;
  /** Called for every accepted message. */
  onPublish: ((message: Message) => void) | null;
  /** A session was discarded with its stored messages. `left`: its client wanted that. */
  onForgotten: ((session: Session, left: boolean) => void) | null;
}

export function worldBroker(time: WorldTime, chance: Chance): WorldBroker {
  const sessions = new Map<string, Session>();
  const retained = new Map<string, Message>();
  const handlers = new Map<Wire, { id: string; onMessage: (message: Message, number: number) => void }>();
  const trouble: BrokerTrouble = { down: false, mute: false, subscribe: 'granted', slowestAck: 0, refused: null };
  let number = 0;

  function forget(session: Session, left = false): void {
    if (sessions.get(session.id) !== session) return;
    sessions.delete(session.id);
    session.end();
    broker.onForgotten?.(session, left);
  }

  function lost(session: Session, wire: Wire): void {
    if (session.wire !== wire) return;
    session.wire = null;
    if (session.expiry === 0) forget(session);
    else session.end = time.after(session.expiry, () => forget(session));
  }

  function deliver(session: Session, message: Message, of: number): void {
    const { wire } = session;
    const to = wire && handlers.get(wire);
    if (to) wire.send('toClient', () => to.onMessage(message, of));
  }

  function take(session: Session, message: Message): void {
    if (message.fleeting && !session.wire?.open) return;
    const of = number++;
    session.unacknowledged.push({ message, number: of });
    deliver(session, message, of);
  }

  const broker: WorldBroker = {
    trouble,
    sessions,
    onPublish: null,
    onForgotten: null,
    connect(id, ends, onMessage) {
      const wire: Wire = wireOf(time, chance, {
        ...ends,
        onClosed: {
          client: ends.onClosed.client,
          broker(reason) {
            handlers.delete(wire);
            const session = sessions.get(id);
            if (session) lost(session, wire);
            ends.onClosed.broker(reason);
          },
        },
      });
      handlers.set(wire, { id, onMessage });
      return wire;
    },
    arrive(id, wire, { clean, expiry }) {
      if (trouble.down || trouble.mute) return null;
      let session = sessions.get(id);
      if (session?.wire && session.wire !== wire) {
        // MQTT-3.1.4-3: the older connection with the client id is closed.
        const older = session.wire;
        session.wire = null;
        older.hangUp('broker', 'taken over');
      }
      if (session && clean) {
        forget(session, true);
        session = undefined;
      }
      const present = session !== undefined;
      session ??= { id, topics: new Set(), unacknowledged: [], wire: null, expiry, end: () => {} };
      session.end();
      session.end = () => {};
      session.expiry = expiry;
      session.wire = wire;
      sessions.set(id, session);
      const of = session;
      const kept = [...session.unacknowledged];
      return {
        session,
        present,
        flow() {
          for (const { message, number: each } of kept) if (of.wire === wire) deliver(of, message, each);
        },
      };
    },
    subscribe(session, topics) {
      for (const topic of topics) {
        session.topics.add(topic);
        const kept = retained.get(topic);
        if (kept) take(session, kept);
      }
    },
    unsubscribe(session, topics) {
      for (const topic of topics) session.topics.delete(topic);
    },
    publish(topic, payload, { retain = false, fleeting = false } = {}) {
      if (trouble.down) return false;
      const message: Message = { topic, payload, retained: false, fleeting };
      if (retain) retained.set(topic, { ...message, retained: true });
      broker.onPublish?.(message);
      for (const session of sessions.values()) if (session.topics.has(topic)) take(session, message);
      return true;
    },
    acknowledged(session, of) {
      const place = session.unacknowledged.findIndex((each) => each.number === of);
      if (place >= 0) session.unacknowledged.splice(place, 1);
    },
    leave(session, keep) {
      if (!keep) forget(session, true);
    },
    restart(persistent, downFor) {
      trouble.down = true;
      for (const wire of [...handlers.keys()]) wire.cut('the broker closed the connection');
      if (!persistent) {
        retained.clear();
        for (const session of [...sessions.values()]) forget(session);
      }
      time.after(downFor, () => {
        trouble.down = false;
      });
    },
  };
  return broker;
}
