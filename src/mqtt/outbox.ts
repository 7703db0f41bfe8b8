/** Outgoing messages: sent in order, with a limited number unacknowledged, and sent again after a loss. */
import { OtaError } from '../errors.js';
import { safeText } from '../text.js';
import type { Link } from './link.js';
import { reasonWords } from './refusals.js';

/** With more in flight, brokers that acknowledge in order are not faster, and some are overloaded. */
const WINDOW = 64;

interface Item {
  topic: string;
  payload: string;
  /** The packet id of the last attempt. */
  id: number | null;
  resolve: () => void;
  reject: (error: OtaError) => void;
}

interface OutboxEvents {
  onResend(topic: string, payload: string): void;
  onAcknowledged(): void;
}

interface Outbox {
  add(topic: string, payload: string): Promise<void>;
  /** There is a connection: sends unacknowledged messages again, then the others. */
  attach(link: Link): void;
  /** The connection broke. */
  detach(): void;
  /** No more messages will be sent. */
  fail(error: OtaError): void;
  /** Resolves when no message is unacknowledged. */
  idle(): Promise<void>;
  /** The packet ids of unacknowledged messages. */
  ids(): number[];
  readonly inFlight: number;
}

/** Creates an outbox. */
export function outbox(events: OutboxEvents): Outbox {
  let waiting: Item[] = [];
  let next = 0;
  // The insertion order is the order of sending, and of sending again.
  const inFlight = new Set<Item>();
  let current: Link | null = null;
  const idlers: (() => void)[] = [];

  const pump = () => {
    while (current && next < waiting.length && inFlight.size < Math.min(WINDOW, current.receiveMaximum)) {
      const item = waiting[next++] as Item;
      if (next > 1024 && next * 2 > waiting.length) {
        waiting = waiting.slice(next);
        next = 0;
      }
      send(item, current);
    }
    if (inFlight.size === 0 && next === waiting.length) {
      for (const idler of idlers.splice(0)) idler();
    }
  };

  const send = (item: Item, link: Link) => {
    const limit = link.maximumPacketSize;
    const size = Buffer.byteLength(item.payload) + Buffer.byteLength(item.topic) + 16;
    if (limit !== null && size > limit) {
      item.reject(tooLarge(item.topic, size, limit));
      return;
    }
    inFlight.add(item);
    const again = item.id !== null;
    if (item.id !== null) {
      events.onResend(item.topic, item.payload);
      if (link.sessionPresent) link.ids.force(item.id);
    }
    // As bytes, so that signed URLs are not printed under DEBUG=mqtt*.
    link.client.publish(item.topic, Buffer.from(item.payload), { qos: 1, dup: again }, (error) => {
      if (current !== link) return;
      const code = (error as { code?: unknown } | undefined)?.code;
      // An error without a code does not come from the broker: the connection is about to be reported as broken.
      if (error && typeof code !== 'number') return;
      inFlight.delete(item);
      events.onAcknowledged();
      if (typeof code === 'number') item.reject(refused(item.topic, code));
      else item.resolve();
      pump();
    });
    item.id = link.ids.getLastAllocated();
  };

  return {
    add(topic, payload) {
      return new Promise((resolve, reject) => {
        waiting.push({ topic, payload, id: null, resolve, reject });
        pump();
      });
    },
    attach(link) {
      current = link;
      pump();
    },
    detach() {
      current = null;
      waiting = [...inFlight, ...waiting.slice(next)];
      next = 0;
      inFlight.clear();
    },
    fail(error) {
      current = null;
      const left = [...inFlight, ...waiting.slice(next)];
      waiting = [];
      next = 0;
      inFlight.clear();
      for (const item of left) item.reject(error);
      pump();
    },
    idle() {
      return new Promise((resolve) => {
        idlers.push(resolve);
        pump();
      });
    },
    ids: () => [...inFlight, ...waiting.slice(next)].flatMap((item) => (item.id === null ? [] : [item.id])),
    get inFlight() {
      return inFlight.size;
    },
  };
}

function refused(topic: string, code: number): OtaError {
  const shown = safeText(topic);
  return new OtaError('broker_refused', `the broker did not accept the message on ${shown}: ${reasonWords(code)}`, {
    hint:
      code === 0x87
        ? `The user may not publish there: allow writing to ${shown} in the broker's access rules (ACL).`
        : 'Check the log of the broker.',
  });
}

function tooLarge(topic: string, size: number, limit: number): OtaError {
  return new OtaError(
    'broker_refused',
    `the message on ${safeText(topic)} has ${size} bytes, and the broker accepts at most ${limit}`,
    { hint: 'Raise the largest packet size in the configuration of the broker.' },
  );
}
