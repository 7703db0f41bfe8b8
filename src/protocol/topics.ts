/** Topics of the wire (PROTOCOL "Topics"; the seed for services, services_reply and events). */

export type TopicKind = 'services' | 'services_reply' | 'events' | 'events_reply' | 'state' | 'osd' | 'status';

/**
 * Why `pid` cannot be part of a topic, or null where it can. Called before any topic is built.
 * DJI matches `[A-Za-z0-9]+`; only what would change the topic's meaning or break it is refused here.
 */
export function pidProblem(pid: string): string | null {
  if (pid === '') return 'is empty';
  if (pid.length > 128) return 'is longer than 128 characters';
  const bad = /[\s\u0000-\u001f\u007f-\u009f/+#]/u.exec(pid);
  if (bad) return `holds ${JSON.stringify(bad[0])}, which cannot be part of a gateway serial number`;
  return pid.isWellFormed() ? null : 'is not valid Unicode';
}

/** `kind` of topic of the gateway or device `serial`, which {@link pidProblem} has passed. */
export function topicOf(kind: TopicKind, serial: string): string {
  return kind === 'status' ? `sys/product/${serial}/status` : `thing/product/${serial}/${kind}`;
}

const THING = 'thing/product/';
const SYS = 'sys/product/';
const THING_KINDS: ReadonlySet<string> = new Set([
  'services',
  'services_reply',
  'events',
  'events_reply',
  'state',
  'osd',
] satisfies TopicKind[]);

/** Serial and kind of a received topic, or null where it is none of ours. */
export function parseTopic(topic: string): { kind: TopicKind; serial: string } | null {
  const prefix = topic.startsWith(THING) ? THING : topic.startsWith(SYS) ? SYS : null;
  if (prefix === null) return null;
  const slash = topic.indexOf('/', prefix.length);
  if (slash <= prefix.length) return null;
  const serial = topic.slice(prefix.length, slash);
  const rest = topic.slice(slash + 1);
  if (prefix === SYS) return rest === 'status' ? { kind: 'status', serial } : null;
  return THING_KINDS.has(rest) ? { kind: rest as TopicKind, serial } : null;
}
