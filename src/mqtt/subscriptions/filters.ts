/** The topic filters at the broker: requests them in packets that the broker accepts, and again when it has lost them. */
import type { ISubscriptionGrant } from 'mqtt';
import { OtaError } from '../../errors.js';
import { safeText } from '../../text.js';
import type { Link } from '../link.js';
import { reasonWords } from '../refusals.js';

/** The most filters in one packet: at first, and after each connection that broke while packets were unanswered. */
const BATCHES = [200, 50, 8];
const BATCH_BYTES = 32 * 1024;
/** Unanswered packets: enough to use the connection, and few enough for the queue of any broker. */
const WINDOW = 4;

/** A filter that the broker denied. */
export interface Denied {
  filter: string;
  /** The reason code of the SUBACK, 0x80 or above. */
  code: number;
}

/** The answer of a broker. */
interface Answer {
  denied: readonly Denied[];
  /** Instead of answering, it broke the connection as often as is tolerated. */
  dropped: boolean;
}

/** One call of `subscribe`, or the renewal after a loss. */
interface Call {
  command: 'subscribe' | 'unsubscribe';
  /** The number of unanswered filters. */
  left: number;
  denied: Denied[];
  /** How many more connections may break over it. */
  patience: number;
  /** Requests filters again that were granted before. Starts anew with each connection. */
  renewal: boolean;
  answered: (answer: Answer) => void;
  failed: (error: OtaError) => void;
}

interface Batch {
  call: Call;
  filters: string[];
}

/** The filters of one client. */
export interface Filters {
  /** The filters that the broker has granted, and that were not unsubscribed. */
  readonly granted: ReadonlySet<string>;
  /** Requests those of `filters` that are not granted. `patience`: how many connections may break over it. */
  subscribe(filters: Iterable<string>, patience: number): Promise<Answer>;
  unsubscribe(filters: Iterable<string>): Promise<void>;
  /** There is a connection. `onReady` is called when the broker has all filters again, or with those that it denies. */
  attach(link: Link, onReady: (denied: readonly Denied[]) => void): void;
  detach(): void;
  fail(error: OtaError): void;
  readonly inFlight: number;
}

interface FilterEvents {
  /** A request was sent to the broker. */
  onAsked(): void;
  onAnswered(): void;
}

/**
 * Creates the filters of a client.
 * @param most the most filters that the broker accepts in one packet, if known
 */
export function filtersAt({ onAsked, onAnswered }: FilterEvents, most = Number.POSITIVE_INFINITY): Filters {
  const granted = new Set<string>();
  let waiting: Batch[] = [];
  const inFlight = new Set<Batch>();
  let current: Link | null = null;
  let step = 0;
  const batchSize = () => Math.min(most, BATCHES[step] ?? 1);

  const start = (call: Call, filters: readonly string[], first = false) => {
    call.left = filters.length;
    if (filters.length === 0) return call.answered({ denied: [], dropped: false });
    const batches: Batch[] = [];
    split(filters, batchSize(), (part) => batches.push({ call, filters: part }));
    waiting = first ? [...batches, ...waiting] : [...waiting, ...batches];
    pump();
  };

  const pump = () => {
    while (current && waiting.length > 0 && inFlight.size < WINDOW) send(waiting.shift() as Batch, current);
  };

  const send = (batch: Batch, link: Link) => {
    inFlight.add(batch);
    onAsked();
    const { filters, call } = batch;
    const answered = (codes: readonly number[]) => {
      inFlight.delete(batch);
      onAnswered();
      filters.forEach((filter, index) => {
        const code = codes[index] ?? 0;
        if (call.command === 'unsubscribe' || code >= 0x80) granted.delete(filter);
        else granted.add(filter);
        if (code >= 0x80) call.denied.push({ filter, code });
      });
      call.left -= filters.length;
      if (call.left === 0) call.answered({ denied: call.denied, dropped: false });
      pump();
    };
    if (call.command === 'unsubscribe') {
      link.client.unsubscribe(filters, (error) => {
        if (current === link && !error) answered([]);
      });
      return;
    }
    link.client.subscribe(filters, { qos: 1 }, (error, _grants?: ISubscriptionGrant[], packet?) => {
      if (current !== link) return;
      // Without a packet there is no answer: the connection is about to be reported as broken, and the batch is sent again.
      if (packet?.granted.length !== filters.length) return;
      answered(error ? packet.granted.map(Number) : []);
    });
  };

  const ask = (command: Call['command'], filters: readonly string[], patience: number) =>
    new Promise<Answer>((answered, failed) => {
      start({ command, left: 0, denied: [], patience, renewal: false, answered, failed }, filters);
    });

  return {
    granted,
    subscribe: (filters, patience) =>
      ask(
        'subscribe',
        [...new Set(filters)].filter((filter) => !granted.has(filter)),
        patience,
      ),
    async unsubscribe(filters) {
      await ask('unsubscribe', [...new Set(filters)], Number.POSITIVE_INFINITY);
    },
    attach(link, onReady) {
      current = link;
      const renew = link.sessionPresent ? [] : [...granted];
      const answered = ({ denied }: Answer) => onReady(denied);
      const patience = Number.POSITIVE_INFINITY;
      start(
        { command: 'subscribe', left: 0, denied: [], patience, renewal: true, answered, failed: () => {} },
        renew,
        true,
      );
      pump();
    },
    detach() {
      current = null;
      if (inFlight.size > 0) step = Math.min(step + 1, BATCHES.length - 1);
      for (const call of new Set([...inFlight].map((batch) => batch.call))) call.patience--;
      const unanswered = [...inFlight, ...waiting];
      inFlight.clear();
      waiting = [];
      const over = new Set<Call>();
      for (const { call, filters } of unanswered) {
        if (call.patience <= 0) over.add(call);
        else if (!call.renewal) split(filters, batchSize(), (part) => waiting.push({ call, filters: part }));
      }
      for (const call of over) call.answered({ denied: call.denied, dropped: true });
    },
    fail(error) {
      current = null;
      const calls = new Set([...inFlight, ...waiting].map((batch) => batch.call));
      inFlight.clear();
      waiting = [];
      for (const call of calls) call.failed(error);
    },
    get inFlight() {
      return inFlight.size;
    },
  };
}

function split(filters: readonly string[], most: number, take: (part: string[]) => void): void {
  let part: string[] = [];
  let bytes = 0;
  for (const filter of filters) {
    const size = Buffer.byteLength(filter) + 3;
    if (part.length > 0 && (part.length === most || bytes + size > BATCH_BYTES)) {
      take(part);
      part = [];
      bytes = 0;
    }
    part.push(filter);
    bytes += size;
  }
  if (part.length > 0) take(part);
}

/** The error for denied filters. `limited`: the broker grants neither that many filters nor wildcards instead. */
export function deniedError(denied: readonly Denied[], limited = false): OtaError {
  const shown = denied.slice(0, 5).map(({ filter }) => safeText(filter));
  const more = denied.length - shown.length;
  const quota = denied.find(({ code }) => code === QUOTA_EXCEEDED);
  return new OtaError(
    'broker_refused',
    `the broker denies the subscription to ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}${
      quota ? `: ${reasonWords(QUOTA_EXCEEDED)}` : ''
    }`,
    {
      hint: hintOf(denied, quota !== undefined, limited),
      details: denied.slice(0, 100).map(({ filter }) => safeText(filter)),
    },
  );
}

function hintOf(denied: readonly Denied[], quota: boolean, limited: boolean): string {
  if (limited) {
    return 'It limits the subscriptions of a client, and denies wildcards (thing/product/+/events), which need only a few: allow wildcards in its access rules (ACL), raise its limit, or take a part of the fleet with --shard.';
  }
  if (quota) return 'It limits the subscriptions of a client: --subscribe wildcard needs only a few.';
  const rights = "The user may not read there: allow these topics in the broker's access rules (ACL)";
  return denied.every(({ filter }) => filter.includes('+'))
    ? `${rights}, or subscribe to the topics of each gateway with --subscribe gateways.`
    : `${rights}.`;
}

/** MQTT 5 section 3.9.3. */
export const QUOTA_EXCEEDED = 0x97;
