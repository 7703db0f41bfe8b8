/**
 * The topics that the program wants, subscribed one by one or by wildcards. A fleet has two to seven topics per gateway, but
 * some brokers allow a client only fifty subscriptions.
 */
import type { OtaError } from '../../errors.js';
import { parseTopic, topicOf } from '../../protocol/topics.js';
import type { SubscribeBy } from '../broker.js';
import { reasonWords } from '../refusals.js';
import type { Wanted } from '../stream/mqtt-frames.js';
import { isAwsIot } from '../stream/target.js';
import { topicSet } from '../stream/topic-set.js';
import { type Denied, deniedError, type Filters, QUOTA_EXCEEDED } from './filters.js';

/**
 * The number of gateways (and aircraft) from which `auto` uses wildcards: the broker stores fewer entries, and starts faster.
 */
const MANY_SERIALS = 500;
/** If at least this many are refused together, it is probably a limit, unless the broker names access rules as the reason. */
const MANY_DENIED = 8;
/** MQTT 5 section 3.9.3. */
const NOT_AUTHORIZED = 0x87;
/** How many connections may break over a call. A network can cause that too, but rarely so often in a row. */
const PATIENCE = { single: 6, many: 3, wildcard: 2 };

/** The known limits of a broker, by its host name. */
interface BrokerLimits {
  /** Filters in one SUBSCRIBE. */
  packet: number;
  /** Subscriptions of one connection. */
  total: number;
}

/**
 * AWS IoT Core ends the connection over more than 8 filters in a packet or 50 in all
 * (docs.aws.amazon.com/general/latest/gr/iot-core.html). Some of the 50 are left for later subscriptions.
 */
export function limitsOf(host: string): BrokerLimits | null {
  return isAwsIot(host) ? { packet: 8, total: 40 } : null;
}

interface WantedTopics {
  /** Subscribes. @throws OtaError `broker_refused`, which names the denied topics; the others stay subscribed */
  add(topics: readonly string[]): Promise<void>;
  remove(topics: readonly string[]): Promise<void>;
  /** The wanted topics, while wildcards deliver more than these; null = everything is wanted. */
  readonly only: Wanted | null;
}

interface WantedOptions {
  by: SubscribeBy;
  filters: Filters;
  limits: BrokerLimits | null;
  /** `only` has changed. */
  onOnly(): void;
  /** `auto` uses wildcards because of the broker's answer. `why` explains it in words. */
  onLimited(why: string): void;
  /** The error for a broker that breaks the connection instead of answering. `wildcards`: for wildcards, too. */
  dropped(wildcards: boolean): OtaError;
}

/** Creates the set of wanted topics. */
export function wantedTopics({ by, filters, limits, onOnly, onLimited, dropped }: WantedOptions): WantedTopics {
  let mode: 'gateways' | 'wildcard' = by === 'wildcard' ? 'wildcard' : 'gateways';
  let mayTryWildcards = by === 'auto';
  const wanted = topicSet();
  /** Wildcards that were requested themselves: every topic that they match is wanted. */
  const open = new Set<string>();
  /** The number of wanted topics for each wildcard. */
  const uses = new Map<string, number>();
  let only: WantedTopics['only'] = null;
  // Calls run one after the other, because each depends on the result of those before.
  let last: Promise<unknown> = Promise.resolve();

  const matcher: Wanted = {
    hasBytes: (bytes, start, end) =>
      wanted.hasBytes(bytes, start, end) || (open.size > 0 && open.has(wildcardOf(bytes.toString('utf8', start, end)))),
  };

  const setOnly = (on: boolean) => {
    only = on ? matcher : null;
    onOnly();
  };

  const want = (topic: string) => {
    const to = topic.includes('+') ? open : wanted;
    if (to.has(topic)) return;
    to.add(topic);
    const wildcard = wildcardOf(topic);
    uses.set(wildcard, (uses.get(wildcard) ?? 0) + 1);
  };

  /** Removes a topic. Returns its wildcard if no other topic needs it, otherwise null. */
  const forget = (topic: string): string | null => {
    if (!(topic.includes('+') ? open : wanted).delete(topic)) return null;
    const wildcard = wildcardOf(topic);
    const left = (uses.get(wildcard) ?? 1) - 1;
    if (left > 0) uses.set(wildcard, left);
    else uses.delete(wildcard);
    return left > 0 ? null : wildcard;
  };

  const isFleet = (topics: readonly string[]) => {
    if (limits && filters.granted.size + topics.length > limits.total) return true;
    if (topics.length < MANY_SERIALS && wanted.size < MANY_SERIALS) return false;
    const serials = new Set(topics.map(serialOf));
    for (const topic of wanted) serials.add(serialOf(topic));
    return serials.size >= MANY_SERIALS;
  };

  /** Replaces all filters by wildcards. Returns whether the broker granted them; if it did not, nothing has changed. */
  const switchOver = async (topics: readonly string[]): Promise<boolean> => {
    mayTryWildcards = false;
    const before = [...filters.granted].filter((filter) => !filter.includes('+'));
    const wildcards = new Set([...uses.keys(), ...topics.map(wildcardOf)]);
    for (const topic of topics) want(topic);
    setOnly(true);
    const { denied, dropped: broke } = await filters.subscribe(wildcards, PATIENCE.wildcard);
    if (denied.length > 0 || broke) {
      for (const topic of topics) forget(topic);
      await filters.unsubscribe(
        [...wildcards].filter((wildcard) => filters.granted.has(wildcard) && !open.has(wildcard)),
      );
      setOnly(false);
      return false;
    }
    mode = 'wildcard';
    if (before.length > 0) await filters.unsubscribe(before.filter((filter) => filter !== wildcardOf(filter)));
    return true;
  };

  const addByWildcard = async (topics: readonly string[]) => {
    for (const topic of topics) want(topic);
    setOnly(true);
    const { denied, dropped: broke } = await filters.subscribe(topics.map(wildcardOf), PATIENCE.single);
    if (denied.length === 0 && !broke) return;
    const lost = new Set(denied.map(({ filter }) => filter));
    for (const topic of topics) if (broke || lost.has(wildcardOf(topic))) forget(topic);
    throw broke ? dropped(true) : deniedError(denied);
  };

  const add = async (topics: readonly string[]) => {
    if (mode === 'wildcard') return addByWildcard(topics);
    if (mayTryWildcards && isFleet(topics) && (await switchOver(topics))) return;
    const many = mayTryWildcards && topics.length > MANY_DENIED;
    const before = new Set(filters.granted);
    const { denied, dropped: broke } = await filters.subscribe(topics, many ? PATIENCE.many : PATIENCE.single);
    const limited = many && (broke || looksLikeLimit(denied));
    if (limited) {
      // At the limit there is no space for a wildcard: free the topics of this call, or else a few of the earlier ones.
      const fresh = topics.filter((topic) => filters.granted.has(topic) && !before.has(topic));
      const wildcards = new Set([...uses.keys(), ...topics.map(wildcardOf)]).size;
      const room = fresh.length >= wildcards ? fresh : [...fresh, ...[...before].slice(0, wildcards - fresh.length)];
      await filters.unsubscribe(room);
      if (await switchOver(topics)) return onLimited(broke ? HANGS_UP : refusedWords(denied, topics.length));
      await filters.subscribe(
        room.filter((topic) => before.has(topic)),
        PATIENCE.single,
      );
    }
    for (const topic of topics) if (filters.granted.has(topic)) want(topic);
    if (broke) throw dropped(limited);
    if (denied.length > 0) throw deniedError(denied, limited);
  };

  const remove = async (topics: readonly string[]) => {
    const unused = topics.flatMap((topic) => forget(topic) ?? []);
    await filters.unsubscribe(mode === 'wildcard' ? unused : topics);
  };

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };

  return {
    add: (topics) => inTurn(() => add([...new Set(topics)].filter((topic) => !wanted.has(topic)))),
    remove: (topics) => inTurn(() => remove([...new Set(topics)])),
    get only() {
      return only;
    },
  };
}

function looksLikeLimit(denied: readonly Denied[]): boolean {
  if (denied.some(({ code }) => code === QUOTA_EXCEEDED)) return true;
  return denied.length >= MANY_DENIED && denied.every(({ code }) => code !== NOT_AUTHORIZED);
}

const HANGS_UP = 'the broker closes the connection because of the number of subscriptions';

function refusedWords(denied: readonly Denied[], asked: number): string {
  const quota = denied.some(({ code }) => code === QUOTA_EXCEEDED) ? ` (${reasonWords(QUOTA_EXCEEDED)})` : '';
  return `the broker refuses ${denied.length} of ${asked} subscriptions${quota}`;
}

/** The filter that matches `topic` for every gateway; `topic` itself if it does not belong to a gateway. */
function wildcardOf(topic: string): string {
  const parsed = parseTopic(topic);
  return parsed ? topicOf(parsed.kind, '+') : topic;
}

function serialOf(topic: string): string {
  return parseTopic(topic)?.serial ?? topic;
}
