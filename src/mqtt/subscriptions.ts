/** What is subscribed to, and asked for again where the broker has forgotten it. */
import type { ISubscriptionGrant } from 'mqtt';
import { OtaError } from '../errors.js';
import { safeText } from '../text.js';
import type { Link } from './link.js';

/** Topics in one packet, at most. */
const BATCH_TOPICS = 200;
/** Some hosted brokers take no more than 8 (AWS IoT), and hang up on a longer packet. */
const SMALLEST_BATCH = 8;
const BATCH_BYTES = 32 * 1024;
/** Packets in flight: enough to fill the line, few enough for any broker's queue. */
const WINDOW = 4;

/** One call of the user, or the renewal after a loss. */
interface Call {
  command: 'subscribe' | 'unsubscribe';
  /** Topics that are not answered yet. */
  left: number;
  denied: string[];
  /** Asks again for what was granted before: starts anew with each connection. */
  renewal: boolean;
  settle: (error: OtaError | null) => void;
}

interface Batch {
  call: Call;
  topics: string[];
}

export interface Subscriptions {
  add(topics: readonly string[]): Promise<void>;
  remove(topics: readonly string[]): Promise<void>;
  /** A connection stands; `onReady` is called once the broker has every topic again, or with what it denies. */
  attach(link: Link, onReady: (error: OtaError | null) => void): void;
  detach(): void;
  fail(error: OtaError): void;
  readonly inFlight: number;
}

export interface SubscriptionEvents {
  /** The broker was asked for something. */
  onAsked(): void;
  onAnswered(): void;
}

export function subscriptions({ onAsked, onAnswered }: SubscriptionEvents): Subscriptions {
  const granted = new Set<string>();
  let waiting: Batch[] = [];
  const inFlight = new Set<Batch>();
  let current: Link | null = null;
  let batchTopics = BATCH_TOPICS;

  const start = (call: Call, topics: readonly string[], first = false) => {
    call.left = topics.length;
    if (topics.length === 0) return call.settle(null);
    const batches: Batch[] = [];
    split(topics, batchTopics, (part) => batches.push({ call, topics: part }));
    waiting = first ? [...batches, ...waiting] : [...waiting, ...batches];
    pump();
  };

  const pump = () => {
    while (current && waiting.length > 0 && inFlight.size < WINDOW) send(waiting.shift() as Batch, current);
  };

  const send = (batch: Batch, link: Link) => {
    inFlight.add(batch);
    onAsked();
    const { topics, call } = batch;
    const answered = (denied: string[]) => {
      inFlight.delete(batch);
      onAnswered();
      for (const topic of topics) {
        if (call.command === 'subscribe') granted.add(topic);
        else granted.delete(topic);
      }
      for (const topic of denied) granted.delete(topic);
      for (const topic of denied) call.denied.push(topic);
      call.left -= topics.length;
      if (call.left === 0) call.settle(call.denied.length > 0 ? deniedError(call.denied) : null);
      pump();
    };
    if (call.command === 'unsubscribe') {
      link.client.unsubscribe(topics, (error) => {
        if (current === link && !error) answered([]);
      });
      return;
    }
    link.client.subscribe(topics, { qos: 1 }, (error, _subscriptions?: ISubscriptionGrant[], packet?) => {
      if (current !== link) return;
      // No packet means no answer: the connection is about to be found broken, and the batch is sent again.
      if (packet?.granted.length !== topics.length) return;
      answered(error ? topics.filter((_, index) => Number(packet.granted[index]) >= 0x80) : []);
    });
  };

  const ask = (command: Call['command'], topics: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      const settle = (error: OtaError | null) => (error ? reject(error) : resolve());
      start({ command, left: 0, denied: [], renewal: false, settle }, topics);
    });

  return {
    add: (topics) =>
      ask(
        'subscribe',
        [...new Set(topics)].filter((topic) => !granted.has(topic)),
      ),
    remove: (topics) => ask('unsubscribe', [...new Set(topics)]),
    attach(link, onReady) {
      current = link;
      const renew = link.sessionPresent ? [] : [...granted];
      start({ command: 'subscribe', left: 0, denied: [], renewal: true, settle: onReady }, renew, true);
      pump();
    },
    detach() {
      current = null;
      if (inFlight.size > 0) batchTopics = Math.max(SMALLEST_BATCH, batchTopics >> 2);
      const unanswered = [...inFlight, ...waiting];
      inFlight.clear();
      waiting = [];
      for (const { call, topics } of unanswered) {
        if (!call.renewal) split(topics, batchTopics, (part) => waiting.push({ call, topics: part }));
      }
    },
    fail(error) {
      current = null;
      const calls = new Set([...inFlight, ...waiting].map((batch) => batch.call));
      inFlight.clear();
      waiting = [];
      for (const call of calls) if (!call.renewal) call.settle(error);
    },
    get inFlight() {
      return inFlight.size;
    },
  };
}

function split(topics: readonly string[], most: number, take: (part: string[]) => void): void {
  let part: string[] = [];
  let bytes = 0;
  for (const topic of topics) {
    const size = Buffer.byteLength(topic) + 3;
    if (part.length > 0 && (part.length === most || bytes + size > BATCH_BYTES)) {
      take(part);
      part = [];
      bytes = 0;
    }
    part.push(topic);
    bytes += size;
  }
  if (part.length > 0) take(part);
}

function deniedError(topics: string[]): OtaError {
  const shown = topics.slice(0, 5).map((topic) => safeText(topic));
  const more = topics.length - shown.length;
  return new OtaError(
    'broker_refused',
    `the broker denies the subscription to ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    {
      hint: 'The user has no right to read there: allow these topics in the broker’s access rules (ACL).',
      details: topics.slice(0, 100).map((topic) => safeText(topic)),
    },
  );
}
