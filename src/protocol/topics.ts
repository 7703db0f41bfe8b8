/** The topics on the wire (PROTOCOL "Topics"; from the seed: services, services_reply and events). */

/** The kind of a topic, which is its last part. */
export type TopicKind = 'services' | 'services_reply' | 'events' | 'events_reply' | 'state' | 'osd' | 'status';

const PLAIN_SERIAL = /^[A-Za-z0-9]{1,128}$/;

/** Characters that are invisible, by kind. */
const UNSEEN: readonly (readonly [string, RegExp])[] = [
  ['a control character', /\p{Cc}/u],
  ['white space', /\p{White_Space}/u],
  ['an invisible character', /[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1d159}]/u],
];

/**
 * Why `serial` cannot be the serial number of a gateway or device; null = it can. Called before any topic is built. DJI matches
 * `[A-Za-z0-9]+`; other visible characters that a topic may contain only cause a warning, see {@link serialDoubt}.
 */
export function serialProblem(serial: string): string | null {
  if (PLAIN_SERIAL.test(serial)) return null;
  if (serial === '') return 'is empty';
  if (serial.length > 128) return 'is longer than 128 characters';
  if (!serial.isWellFormed()) return 'is not valid Unicode';
  const bad = /[/+#]/.exec(serial)?.[0] ?? unseenIn(serial);
  return bad === null ? null : `holds ${showCharacter(bad)}, which cannot be part of a serial number`;
}

/** The first invisible character in `text`, including white space; null = there is none. */
export function unseenIn(text: string): string | null {
  for (const [, pattern] of UNSEEN) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found;
  }
  return null;
}

/** Why `serial` is probably mistyped; null = no doubt. It must have passed {@link serialProblem}. */
export function serialDoubt(serial: string): string | null {
  if (PLAIN_SERIAL.test(serial)) return null;
  const odd = [...new Set(serial.match(/[^A-Za-z0-9]/gu))];
  const shown = `${odd.slice(0, 3).map(showCharacter).join(', ')}${odd.length > 3 ? ', ...' : ''}`;
  return `holds ${shown}, but a serial number has only A-Z, a-z and 0-9`;
}

/** A character with its code point, which distinguishes look-alikes: `"С" (U+0421)`, `an invisible character (U+200B)`. */
export function showCharacter(char: string): string {
  const point = `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const unseen = UNSEEN.find(([, pattern]) => pattern.test(char));
  return `${unseen ? unseen[0] : `"${char}"`} (${point})`;
}

/** The topic of `kind` for the gateway or device `serial`, which must have passed {@link serialProblem}. */
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

/** Serial number and kind of a received topic; null = not a topic of this protocol. */
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
