/** Messages on their way out: in order, a bounded number unacknowledged, and sent again after a loss. */
import { OtaError } from '../errors.js';
import { safeText } from '../text.js';
import type { Link } from './link.js';
import { reasonWords } from './refusals.js';

/** More in flight gains nothing on a broker that acknowledges in order, and overruns some. */
const WINDOW = 64;

interface Item {
  topic: string;
  payload: string;
  /** Packet id of the last attempt. */
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
  /** A connection stands: sends again what was not acknowledged, then the rest. */
  attach(link: Link): void;
  /** The connection broke. */
  detach(): void;
  /** Nothing will be sent any more. */
  fail(error: OtaError): void;
  /** Resolves once nothing is on its way. */
  idle(): Promise<void>;
  /** Packet ids of what is unacknowledged. */
  ids(): number[];
  readonly inFlight: number;
}

export function outbox(events: OutboxEvents): Outbox {
  let waiting: Item[] = [];
  let next = 0;
  // Insertion order is the order of sending, and with it of sending again.
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
    // As bytes: signed URLs must not come out under DEBUG=mqtt*.
    link.client.publish(item.topic, Buffer.from(item.payload), { qos: 1, dup: again }, (error) => {
      if (current !== link) return;
      const code = (error as { code?: unknown } | undefined)?.code;
      // Without a code it is not the broker's word but a connection that is about to be found broken.
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
        ? `The user may not publish there: allow writing to ${shown} in the broker’s access rules (ACL).`
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
