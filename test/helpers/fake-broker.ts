/** A broker in memory with docks that follow a script. Everything that a run does is recorded in order, and takes no time. */
import { OtaError } from '../../src/errors.js';
import type { Broker, BrokerEvents } from '../../src/mqtt/broker.js';
import { topicOf } from '../../src/protocol/topics.js';

/** An `ota_create` as a dock received it. */
export interface ReceivedJob {
  pid: string;
  bid: string;
  tid: string;
  devices: { sn: string }[];
  /** How many requests this dock has received, including this one. */
  count: number;
}

export type DockScript = (job: ReceivedJob, dock: FakeDock) => void;

export interface FakeDock {
  reply(job: ReceivedJob, result?: number, status?: string | null): void;
  progress(job: ReceivedJob, status: string, percent?: number, more?: Record<string, unknown>): void;
}

export interface Published {
  topic: string;
  payload: string;
  message: Record<string, unknown>;
}

export interface FakeBrokerOptions {
  docks?: Record<string, DockScript>;
  /** Subscriptions that the broker denies. */
  denies?: (topic: string) => boolean;
  /** Publishes that the broker refuses. */
  refuses?: (topic: string) => boolean;
  /** Subscriptions wait for {@link FakeBroker.grant}. */
  holdGrants?: boolean;
  /** Acknowledgements wait for {@link FakeBroker.acknowledge}; docks still receive at once. */
  holdAcks?: boolean;
}

export interface FakeBroker {
  connect(events: BrokerEvents): Promise<Broker>;
  readonly broker: Broker;
  /** What happened, in order: `subscribe topic`, `granted`, `publish topic`, `close`, and entries of tests. */
  readonly journal: string[];
  readonly published: Published[];
  /** Published requests, the oldest first. */
  jobs(pid?: string): ReceivedJob[];
  readonly closed: { keepSession: boolean } | null;
  grant(): void;
  acknowledge(): void;
  /** Delivers a message unchanged. */
  say(topic: string, message: unknown, retained?: boolean): void;
  readonly dock: FakeDock;
  lose(reason?: string): void;
  restore(sessionPresent?: boolean): void;
  /** The connection is lost for good: pending calls fail as well. */
  vanish(): void;
  /** Sends the newest request to its dock again, like a client whose connection broke before the acknowledgement. */
  resend(): void;
}

export function fakeBroker(options: FakeBrokerOptions = {}): FakeBroker {
  const journal: string[] = [];
  const published: Published[] = [];
  const received: ReceivedJob[] = [];
  const grants: (() => void)[] = [];
  const acks: (() => void)[] = [];
  const failures: ((error: OtaError) => void)[] = [];
  let events: BrokerEvents = { onMessage() {} };
  let connected = true;
  let closed: { keepSession: boolean } | null = null;
  const gone = () => new OtaError('broker_lost', 'the broker was lost');

  function wait(held: (() => void)[] | null): Promise<void> {
    if (held === null) return Promise.resolve();
    return new Promise((resolve, reject) => {
      held.push(resolve);
      failures.push(reject);
    });
  }

  function deliver(pid: string, message: Record<string, unknown>): void {
    const data = message.data as { devices: { sn: string }[] };
    const count = received.filter((job) => job.pid === pid).length + 1;
    const job = { pid, bid: String(message.bid), tid: String(message.tid), devices: data.devices, count };
    received.push(job);
    // A dock answers later than it is asked.
    const script = options.docks?.[pid];
    if (script) queueMicrotask(() => script(job, dock));
  }

  const broker: Broker = {
    url: 'mqtt://fake:1883',
    version: '5',
    get connected() {
      return connected;
    },
    async subscribe(topics) {
      for (const topic of topics) journal.push(`subscribe ${topic}`);
      const denied = topics.filter((topic) => options.denies?.(topic));
      if (denied.length > 0) throw new OtaError('broker_refused', `denied: ${denied.join(', ')}`);
      await wait(options.holdGrants ? grants : null);
      journal.push('granted');
    },
    async unsubscribe() {},
    async publish(topic, payload) {
      journal.push(`publish ${topic}`);
      if (options.refuses?.(topic)) throw new OtaError('broker_refused', `not taken: ${topic}`);
      const message = JSON.parse(payload) as Record<string, unknown>;
      published.push({ topic, payload, message });
      const pid = /^thing\/product\/(.+)\/services$/.exec(topic)?.[1];
      if (pid !== undefined) deliver(pid, message);
      await wait(options.holdAcks || !connected ? acks : null);
    },
    async close(how) {
      journal.push('close');
      closed = { keepSession: how?.keepSession ?? false };
    },
  };

  const dock: FakeDock = {
    reply({ pid, bid, tid }, result = 0, status = 'in_progress') {
      const data = { result, ...(status === null ? {} : { output: { status } }) };
      say(topicOf('services_reply', pid), { method: 'ota_create', bid, tid, timestamp: 1, data });
    },
    progress({ pid, bid, tid }, status, percent = 0, more = {}) {
      const { result = 0, step = 'download_firmware', ...rest } = more;
      const data = { result, output: { status, progress: { percent, step_key: step } } };
      say(topicOf('events', pid), { method: 'ota_progress', bid, tid, data, ...rest });
    },
  };

  function say(topic: string, message: unknown, retained = false): void {
    const payload = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    events.onMessage({ topic, payload, retained });
  }

  return {
    async connect(to) {
      events = to;
      return broker;
    },
    broker,
    journal,
    published,
    jobs: (pid) => received.filter((job) => pid === undefined || job.pid === pid),
    get closed() {
      return closed;
    },
    grant: () => grants.splice(0).forEach((grant) => void grant()),
    acknowledge: () => acks.splice(0).forEach((ack) => void ack()),
    say,
    dock,
    lose(reason = 'connection reset') {
      connected = false;
      events.onLost?.(reason);
    },
    restore(sessionPresent = true) {
      connected = true;
      events.onRestored?.({ sessionPresent });
    },
    vanish() {
      connected = false;
      for (const fail of failures.splice(0)) fail(gone());
      events.onGone?.(gone());
    },
    resend() {
      const last = published.filter(({ topic }) => topic.endsWith('/services')).at(-1);
      if (!last) throw new Error('nothing was published');
      events.onResend?.(last.topic, last.payload);
      deliver(last.topic.split('/')[2] ?? '', last.message);
    },
  };
}

/** A dock that accepts, downloads and ends well. */
export const goodDock: DockScript = (job, dock) => {
  dock.reply(job);
  dock.progress(job, 'in_progress', 40);
  dock.progress(job, 'ok', 100, { step: 'upgrade_firmware' });
};

/** A dock that refuses with each of `codes` in turn, then behaves like {@link goodDock}. */
export function refusingDock(...codes: number[]): DockScript {
  return (job, dock) => {
    const code = codes[job.count - 1];
    if (code === undefined) goodDock(job, dock);
    else dock.reply(job, code, null);
  };
}
