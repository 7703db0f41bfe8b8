/** A set of topics that can be searched with bytes from the wire. */
export interface TopicSet {
  readonly size: number;
  has(topic: string): boolean;
  /**
   * Whether the bytes from `start` to `end` are one of the topics, by their hash only, so that no string is created. Another
   * topic may have the same hash, so the receiver of the message must check its topic again.
   */
  hasBytes(bytes: Buffer, start: number, end: number): boolean;
  /** Returns false if it was already there. */
  add(topic: string): boolean;
  /** Returns false if it was not there. */
  delete(topic: string): boolean;
  [Symbol.iterator](): Iterator<string>;
}

/** Creates an empty set. */
export function topicSet(): TopicSet {
  const topics = new Set<string>();
  // The number of topics for each hash.
  const hashes = new Map<number, number>();
  return {
    get size() {
      return topics.size;
    },
    has: (topic) => topics.has(topic),
    hasBytes: (bytes, start, end) => hashes.has(hashOf(bytes, start, end)),
    add(topic) {
      if (topics.has(topic)) return false;
      topics.add(topic);
      const hash = hashOfText(topic);
      hashes.set(hash, (hashes.get(hash) ?? 0) + 1);
      return true;
    },
    delete(topic) {
      if (!topics.delete(topic)) return false;
      const hash = hashOfText(topic);
      const left = (hashes.get(hash) ?? 1) - 1;
      if (left > 0) hashes.set(hash, left);
      else hashes.delete(hash);
      return true;
    },
    [Symbol.iterator]: () => topics[Symbol.iterator](),
  };
}

/** FNV-1a in 32 bits. The beginning of a long topic is skipped, because it is the same for all topics. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = end - start > 24 ? start + 12 : start; at < end; at++)
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash;
}

function hashOfText(topic: string): number {
  const bytes = Buffer.from(topic);
  return hashOf(bytes, 0, bytes.length);
}
