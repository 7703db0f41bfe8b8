/** A set of topics that is asked with bytes from the wire. */
export interface TopicSet {
  readonly size: number;
  has(topic: string): boolean;
  /** Whether the bytes from `start` to `end` are one of the topics: no text is made of one that is not. */
  hasBytes(bytes: Buffer, start: number, end: number): boolean;
  /** False where it was there. */
  add(topic: string): boolean;
  /** False where it was not there. */
  delete(topic: string): boolean;
  [Symbol.iterator](): Iterator<string>;
}

export function topicSet(): TopicSet {
  const topics = new Set<string>();
  // What was deleted leaves its hash: that only costs a look into `topics`.
  const hashes = new Set<number>();
  return {
    get size() {
      return topics.size;
    },
    has: (topic) => topics.has(topic),
    hasBytes(bytes, start, end) {
      return hashes.has(hashOf(bytes, start, end)) && topics.has(bytes.toString('utf8', start, end));
    },
    add(topic) {
      if (topics.has(topic)) return false;
      topics.add(topic);
      const bytes = Buffer.from(topic);
      hashes.add(hashOf(bytes, 0, bytes.length));
      return true;
    },
    delete: (topic) => topics.delete(topic),
    [Symbol.iterator]: () => topics[Symbol.iterator](),
  };
}

/** FNV-1a, in 32 bits; of a long topic without its beginning, which is the same in all of them. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = end - start > 24 ? start + 12 : start; at < end; at++)
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash;
}
