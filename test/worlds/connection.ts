/**
 * The connection of a run, which replaces src/mqtt/connect.ts with the same contract (src/mqtt/broker.ts): reconnects,
 * subscribes again, sends again what was not acknowledged, gives up in time, and gives way to another client with its id.
 */
import { OtaError } from '../../src/errors.js';
import type { Broker, BrokerEvents } from '../../src/mqtt/broker.js';
import type { Message, Session, WorldBroker } from './broker.js';
import { fallSilent, type Way, type Wire } from './network.js';
import type { Chance } from './random.js';
import type { WorldTime } from './time.js';

export interface ConnectionPlace {
  time: WorldTime;
  chance: Chance;
  broker: WorldBroker;
  /** Directions in which the network drops everything at the moment. */
  network: { silent: readonly Way[] };
  process: { readonly alive: boolean };
  /** An error that shipped code threw while it took a message. */
  onThrown(error: unknown): void;
}

export interface ConnectionSettings {
  clientId: string;
  /** Milliseconds. */
  sessionExpiry: number;
  resumeSession: boolean;
  connectTimeout: number;
  reconnectTimeout: number;
  /** MQTT 5: the broker says why it closes a connection. */
  saysWhy: boolean;
}

/** The connection as tests see it. */
export interface WorldConnection extends Broker {
  /** The current wire. */
  readonly wire: Wire | null;
  /** It is connected, and every requested topic was granted. */
  readonly ready: boolean;
  readonly clientId: string;
}

interface Item {
  topic: string;
  payload: string;
  sent: boolean;
  resolve(): void;
  reject(error: Error): void;
}

export function connectTo(
  place: ConnectionPlace,
  settings: ConnectionSettings,
  events: BrokerEvents,
  signal: AbortSignal,
  onConnection: (connection: WorldConnection) => void,
): Promise<Broker> {
  const { time, chance, broker, network, process } = place;
  const { clientId } = settings;
  const topics = new Set<string>();
  const asks: { topics: readonly string[]; resolve(): void; reject(error: Error): void }[] = [];
  let wire: Wire | null = null;
  let session: Session | null = null;
  let present = false;
  let attached = false;
  /** Whether it has subscribed to something. */
  let granted = false;
  let restored = true;
  let silences = 0;
  let shortLives = 0;
  let linkedAt = 0;
  let lostAt = 0;
  let ended: OtaError | null = null;
  let closing = false;
  let closed: Promise<void> | null = null;
  let waiting: Item[] = [];
  const inFlight = new Set<Item>();
  let batched = false;
  const unacknowledged: (() => void)[] = [];

  const later = (ms: number, run: () => void) =>
    time.after(
      ms,
      () => {
        if (process.alive) run();
      },
      true,
    );

  function receive({ topic, payload, retained }: Message, number: number, on: Wire): void {
    if (!process.alive || wire !== on || closing) return;
    if (!batched) {
      batched = true;
      events.onBatch?.(true);
      later(chance.between(0, 2), endBatch);
    }
    try {
      events.onMessage({ topic, payload: typeof payload === 'string' ? Buffer.from(payload) : payload, retained });
    } catch (error) {
      place.onThrown(error);
    }
    const of = session;
    if (of) unacknowledged.push(() => on.send('toBroker', () => broker.acknowledged(of, number)));
  }

  /** Messages that arrive together are acknowledged together, after the receiver has stored them. */
  function endBatch(): void {
    batched = false;
    events.onBatch?.(false);
    for (const acknowledge of unacknowledged.splice(0)) acknowledge();
  }

  /** One attempt to connect. `done` is called once: null = connected, otherwise the reason. */
  function dial(clean: boolean, expiry: number, timeout: number, done: (reason: string | null) => void): void {
    let over = false;
    const finish = (reason: string | null) => {
      if (over || !process.alive) return;
      over = true;
      cancel();
      if (reason !== null && wire === on) wire = null;
      done(reason);
    };
    const on: Wire = broker.connect(
      clientId,
      {
        shipped: true,
        onClosed: {
          client(reason) {
            if (!process.alive) return;
            if (!over) finish(reason);
            else if (wire === on) lost(reason);
          },
          broker() {},
        },
      },
      (message, number) => receive(message, number, on),
    );
    wire = on;
    for (const way of network.silent) on.silent[way] = true;
    const cancel = later(timeout, () => {
      on.hangUp('client', 'timed out');
      finish('timed out');
    });
    on.send('toBroker', () => {
      const arrival = broker.arrive(clientId, on, { clean, expiry });
      if (!arrival) {
        if (broker.trouble.down) on.cut('connection refused');
        return;
      }
      on.send('toClient', () => {
        session = arrival.session;
        present = arrival.present;
        finish(null);
      });
      arrival.flow();
    });
  }

  function linked() {
    linkedAt = time.now;
    if (topics.size === 0) return attach();
    ask([...topics], () => {
      if (!restored) {
        restored = true;
        events.onRestored?.({ sessionPresent: present });
      }
      attach();
    });
  }

  function ask(list: readonly string[], done: () => void): void {
    const on = wire;
    const of = session;
    if (!on || !of) return;
    const cancel = later(settings.connectTimeout, () => {
      if (wire !== on) return;
      on.hangUp('client', 'silent');
      if (restored && ++silences >= 2) gone(new OtaError('broker_lost', 'the broker leaves subscriptions unanswered'));
      else lost('no answer to a subscription');
    });
    on.send('toBroker', () => {
      const { subscribe } = broker.trouble;
      if (subscribe === 'unanswered') return;
      if (subscribe === 'granted') broker.subscribe(of, list);
      on.send('toClient', () => {
        if (!process.alive || wire !== on) return;
        cancel();
        silences = 0;
        if (subscribe !== 'granted') return denied(list);
        granted = true;
        done();
      });
    });
  }

  function denied(list: readonly string[]) {
    const error = new OtaError('broker_refused', `the broker denies ${list.length} topics`);
    if (attached || asks.length === 0) return gone(error);
    for (const each of list) topics.delete(each);
    for (const each of asks.splice(0)) each.reject(error);
    attach();
  }

  function attach(): void {
    attached = true;
    for (const each of asks.splice(0)) each.resolve();
    pump();
  }

  function pump(): void {
    for (const item of attached ? waiting.splice(0) : []) {
      const on = wire;
      if (!on) return;
      inFlight.add(item);
      if (item.sent) events.onResend?.(item.topic, item.payload);
      item.sent = true;
      on.send('toBroker', () => {
        if (broker.trouble.refused?.(item.topic)) {
          on.send('toClient', () => answered(on, item, new OtaError('broker_refused', `refused: ${item.topic}`)));
          return;
        }
        if (!broker.publish(item.topic, item.payload)) return;
        const ms = broker.trouble.slowestAck > 0 ? chance.spread(1, broker.trouble.slowestAck) : 0;
        time.after(ms, () => on.send('toClient', () => answered(on, item, null)));
      });
    }
  }

  function answered(on: Wire, item: Item, error: OtaError | null): void {
    if (!process.alive || wire !== on || !inFlight.delete(item)) return;
    if (error) item.reject(error);
    else item.resolve();
  }

  function detach(): void {
    wire = null;
    session = null;
    attached = false;
    waiting = [...inFlight, ...waiting];
    inFlight.clear();
  }

  function lost(reason: string): void {
    if (closing || ended) return;
    detach();
    if (time.now - linkedAt > 10_000) shortLives = 0;
    if (restored) {
      restored = false;
      lostAt = time.now;
      shortLives++;
      events.onLost?.(reason);
      if (closing) return;
    }
    const pushedOut = reason === 'taken over' && (settings.saysWhy || shortLives >= 4);
    if (pushedOut) gone(new OtaError('broker_lost', 'another client has taken the session'));
    else seek(500, reason);
  }

  function seek(wait: number, reason: string): void {
    const left = lostAt + settings.reconnectTimeout - time.now;
    if (left <= 0) {
      gone(new OtaError('broker_lost', `the broker was not found again: ${reason}`));
      return;
    }
    later(Math.min(left, wait * chance.between(0.5, 1)), () => {
      if (closing || ended) return;
      const limit = Math.min(settings.connectTimeout, Math.max(1000, lostAt + settings.reconnectTimeout - time.now));
      dial(settings.sessionExpiry === 0, settings.sessionExpiry, limit, (why) => {
        if (closing || ended) return;
        if (why === null) linked();
        else seek(Math.min(30_000, wait * 2), why);
      });
    });
  }

  function gone(error: OtaError): void {
    if (closing || ended) return;
    ended = error;
    wire?.hangUp('client', 'gone');
    fail(error);
    events.onGone?.(error);
  }

  function fail(error: OtaError): void {
    detach();
    for (const item of waiting.splice(0)) item.reject(error);
    for (const each of asks.splice(0)) each.reject(error);
  }

  function close(keepSession: boolean): Promise<void> {
    const wasGone = ended !== null;
    const draining = wire && inFlight.size > 0 ? 300 : 0;
    return new Promise((resolve) => {
      const farewell = () => {
        closing = true;
        // As link.ts does: what was received is stored before the connection ends.
        if (batched) endBatch();
        const last = wire;
        const of = session;
        ended ??= new OtaError('broker_lost', 'the connection was closed');
        fail(ended);
        const endsSession = settings.sessionExpiry > 0 && !keepSession && !wasGone;
        if (last && of) {
          last.send('toBroker', () => broker.leave(of, keepSession && settings.sessionExpiry > 0));
          last.hangUp('client', 'closed');
          later(chance.between(5, 350), resolve);
        } else if (endsSession) {
          dial(true, 0, 700, (why) => {
            const session = why === null ? broker.sessions.get(clientId) : undefined;
            if (session) broker.leave(session, false);
            wire?.hangUp('client', 'closed');
            resolve();
          });
        } else resolve();
      };
      if (draining > 0) later(draining, farewell);
      else farewell();
    });
  }

  const connection: WorldConnection = {
    url: 'mqtt://broker:1883',
    version: '5',
    clientId,
    get wire() {
      return wire;
    },
    get ready() {
      return attached && restored && granted && asks.length === 0;
    },
    get connected() {
      return attached;
    },
    async subscribe(list) {
      if (ended) throw ended;
      const fresh = list.filter((topic) => !topics.has(topic));
      for (const topic of fresh) topics.add(topic);
      if (fresh.length === 0) return;
      await new Promise<void>((resolve, reject) => {
        asks.push({ topics: fresh, resolve, reject });
        if (wire && restored) ask(fresh, attach);
      });
    },
    async unsubscribe(list) {
      if (ended) throw ended;
      for (const topic of list) topics.delete(topic);
      const of = session;
      if (of) wire?.send('toBroker', () => broker.unsubscribe(of, list));
    },
    publish(topic, payload) {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        waiting.push({ topic, payload, sent: false, resolve, reject });
        pump();
      });
    },
    close({ keepSession = false } = {}) {
      closed ??= close(keepSession);
      return closed;
    },
  };

  return new Promise<Broker>((resolve, reject) => {
    const until = time.now + settings.connectTimeout;
    const interrupted = () =>
      signal.reason instanceof OtaError ? signal.reason : new OtaError('interrupted', 'interrupted while connecting');
    let over = false;
    const stop = (error: Error) => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', onAbort);
      closing = true;
      wire?.hangUp('client', 'given up');
      wire = null;
      reject(error);
    };
    const onAbort = () => stop(interrupted());
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const attempt = (wait: number, clean: boolean) => {
      if (over) return;
      dial(clean, settings.sessionExpiry, Math.max(1, until - time.now), (reason) => {
        if (over) return;
        if (reason === null && present && !settings.resumeSession) {
          // An unwanted session: end it, and start a new one.
          wire?.hangUp('client', 'stale');
          detach();
          return attempt(wait, true);
        }
        if (reason === null) {
          over = true;
          signal.removeEventListener('abort', onAbort);
          linked();
          onConnection(connection);
          return resolve(connection);
        }
        if (until - time.now <= 100) {
          return stop(new OtaError('broker_unreachable', `cannot reach the broker: ${reason}`));
        }
        later(Math.min(wait * chance.between(0.5, 1), until - time.now - 100), () =>
          attempt(Math.min(2000, wait * 2), clean),
        );
      });
    };
    attempt(200, settings.sessionExpiry === 0);
  });
}

export { fallSilent };
