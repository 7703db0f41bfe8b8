/**
 * The topics that this program wants, by filters of their own or by wildcards that hold them: a fleet has two to seven
 * topics a gateway, and some brokers grant a client fifty.
 */
import type { OtaError } from '../../errors.js';
import { parseTopic, topicOf } from '../../protocol/topics.js';
import type { SubscribeBy } from '../broker.js';
import { reasonWords } from '../refusals.js';
import type { Wanted } from '../stream/mqtt-frames.js';
import { isAwsIot } from '../stream/target.js';
import { topicSet } from '../stream/topic-set.js';
import { type Denied, deniedError, type Filters, QUOTA_EXCEEDED } from './filters.js';

/** `auto` takes wildcards from this many gateways (and aircraft) on: the broker then keeps fewer entries, and starts faster. */
const MANY_SERIALS = 500;
/** So many refused at once look like a limit, where the broker does not say that access rules are why. */
const MANY_DENIED = 8;
/** MQTT 5 section 3.9.3. */
const NOT_AUTHORIZED = 0x87;
/** Connections that may break over a call: a network does that too, but hardly so often in a row. */
const PATIENCE = { single: 6, many: 3, wildcard: 2 };

/** What is known of a broker by its name. */
interface BrokerLimits {
  /** Filters in one SUBSCRIBE. */
  packet: number;
  /** Subscriptions of one connection. */
  total: number;
}

/**
 * AWS IoT Core ends the connection over more than 8 filters in a packet or 50 in all (docs.aws.amazon.com/general/latest/gr/iot-core.html);
 * some are left for what comes later.
 */
export function limitsOf(host: string): BrokerLimits | null {
  return isAwsIot(host) ? { packet: 8, total: 40 } : null;
}

interface WantedTopics {
  /** @throws OtaError `broker_refused`, naming what is denied; the others of `topics` are kept. */
  add(topics: readonly string[]): Promise<void>;
  remove(topics: readonly string[]): Promise<void>;
  /** What arrives is asked for here while wildcards bring more than is wanted; null = everything is wanted. */
  readonly only: Wanted | null;
}

interface WantedOptions {
  by: SubscribeBy;
  filters: Filters;
  limits: BrokerLimits | null;
  /** `only` is another one now. */
  onOnly(): void;
  /** `auto` takes wildcards because of what the broker answered: `why`, in words. */
  onLimited(why: string): void;
  /** The error of a broker that breaks the connection instead of an answer; `wildcards`: to wildcards as well. */
  dropped(wildcards: boolean): OtaError;
}

export function wantedTopics({ by, filters, limits, onOnly, onLimited, dropped }: WantedOptions): WantedTopics {
  let mode: 'gateways' | 'wildcard' = by === 'wildcard' ? 'wildcard' : 'gateways';
  let mayTryWildcards = by === 'auto';
  const wanted = topicSet();
  /** Wildcards that were asked for as such: everything on them is wanted. */
  const open = new Set<string>();
  /** How many of `wanted` each wildcard stands for. */
  const uses = new Map<string, number>();
  let only: WantedTopics['only'] = null;
  // One call after the other: each decides by what the ones before it have left.
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

  /** The wildcard that nothing needs any more, or null. */
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

  /** Takes wildcards for everything; whether the broker granted them. Where it did not, all is as before. */
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
      // What is full takes no wildcard either: the topics of this call make room, else a few of the earlier ones.
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

/** The filter that holds `topic` for every gateway; `topic` itself where it is none of a gateway's. */
function wildcardOf(topic: string): string {
  const parsed = parseTopic(topic);
  return parsed ? topicOf(parsed.kind, '+') : topic;
}

function serialOf(topic: string): string {
  return parseTopic(topic)?.serial ?? topic;
}
