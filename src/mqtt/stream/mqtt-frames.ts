/**
 * Examines incoming MQTT packets before they are parsed. A PUBLISH that is too large, or on an unwanted topic, is skipped
 * without being stored, and acknowledged so that the broker does not keep it. A wanted one is passed directly to its receiver,
 * because the parser of mqtt.js costs more than all other work for a message.
 */
import type { Filter } from './filtered.js';
import type { TopicSet } from './topic-set.js';

interface FrameFilterOptions {
  /** The most bytes of a packet after its fixed header. */
  limit: number;
  /** Called before the first data that arrives in a turn of the event loop. */
  onTurn(): void;
  /** Called at the end of that turn, with the acknowledgements to send; null = none. */
  onTurnEnd(acknowledgements: Buffer | null): void;
  /** A PUBLISH of `bytes` was skipped because of `limit`. */
  onOversized(topic: string, bytes: number): void;
}

/** Takes a message, and may keep its payload; false = do not acknowledge it. Must not throw. */
type Deliver = (topic: string, payload: Buffer, qos: 0 | 1, retained: boolean) => boolean;

/** A filter for the packets of one connection. */
export interface FrameFilter extends Filter {
  /** From now on messages go to `to`, after those that are still with the parser. */
  deliver(to: Deliver, version: '5' | '3.1.1'): void;
  /** A PUBLISH that was passed to the parser has reached its receiver. */
  parsed(): void;
  /** From now on messages on other topics are skipped; null = all topics are wanted. */
  only(topics: Wanted | null): void;
}

/** Answers, for the bytes of a topic, whether its messages are wanted. */
export type Wanted = Pick<TopicSet, 'hasBytes'>;

const PUBLISH = 3;
const PUBACK = 0x40;
const PUBREC = 0x50;
const NOTHING = Buffer.alloc(0);

/** Creates the filter of one connection. */
export function frameFilter({ limit, onTurn, onTurnEnd, onOversized }: FrameFilterOptions): FrameFilter {
  let wanted: Wanted | null = null;
  let receiver: Deliver | null = null;
  let hasProperties = false;
  // The number of messages that are still with the parser. No later message may overtake them.
  let parsing = 0;
  // The beginning of a packet that is not long enough to decide, and how many bytes are needed.
  let held: Buffer[] = [];
  let heldBytes = 0;
  let needed = 0;
  // The remaining bytes of the current packet, and whether they are skipped.
  let left = 0;
  let skipping = false;
  // Nothing after a malformed header is meaningful. mqtt.js reports it and ends the connection.
  let malformed = false;
  // Acknowledgements are sent together after all received bytes: a packet for each one would cost more than everything else.
  let acks: Buffer = Buffer.alloc(1024);
  let owed = 0;
  let turn: NodeJS.Immediate | null = null;

  const endTurn = () => {
    const packets = owed > 0 ? Buffer.from(acks.subarray(0, owed)) : null;
    owed = 0;
    turn = null;
    onTurnEnd(packets);
  };

  const hold = (chunk: Buffer, from: number, bytes: number) => {
    held = [Buffer.from(chunk.subarray(from))];
    heldBytes = chunk.length - from;
    needed = bytes;
  };

  const owe = (type: number, high: number, low: number) => {
    if (owed + 4 > acks.length) acks = Buffer.concat([acks], acks.length * 2);
    acks[owed++] = type;
    acks[owed++] = 2;
    acks[owed++] = high;
    acks[owed++] = low;
  };

  return {
    deliver(to, version) {
      receiver = to;
      hasProperties = version === '5';
    },
    parsed() {
      parsing--;
    },
    only(topics) {
      wanted = topics;
    },
    take(added) {
      if (malformed) return added;
      if (turn === null) {
        turn = setImmediate(endTurn);
        onTurn();
      }
      let chunk = added;
      if (held.length > 0) {
        held.push(Buffer.from(added));
        heldBytes += added.length;
        if (heldBytes < needed) return NOTHING;
        chunk = Buffer.concat(held);
        held = [];
      }
      const { length } = chunk;
      const kept: Buffer[] = [];
      // Bytes from here to `at` are passed on.
      let from = 0;
      let at = 0;
      while (at < length) {
        if (left > 0) {
          const part = Math.min(left, length - at);
          at += part;
          left -= part;
          if (skipping) from = at;
          continue;
        }
        // Fixed header: type and flags, then the remaining length in 1 to 4 bytes of 7 bits (MQTT 5 section 2.1.4).
        const start = at;
        const first = chunk[at++] as number;
        let size = 0;
        let shift = 0;
        let byte = 0x80;
        while (byte & 0x80 && shift < 28 && at < length) {
          byte = chunk[at++] as number;
          size += (byte & 0x7f) << shift;
          shift += 7;
        }
        if (byte & 0x80) {
          if (shift === 28) {
            malformed = true;
            at = length;
            break;
          }
          if (start > from) kept.push(chunk.subarray(from, start));
          hold(chunk, start, length - start + 1);
          from = length;
          break;
        }
        skipping = false;
        if (first >> 4 !== PUBLISH) {
          if (size > limit) throw new Error(`the broker sent a packet of ${size} bytes that is not a message`);
          left = size;
          continue;
        }
        if (size <= limit && wanted === null && receiver === null) {
          parsing++;
          left = size;
          continue;
        }
        const qos = (first >> 1) & 3;
        const known = length - at >= 2;
        const topicEnd = known ? at + 2 + chunk.readUInt16BE(at) : at + 2;
        const end = topicEnd + (qos > 0 ? 2 : 0);
        if (size < 2 || (known && end > at + size)) {
          malformed = true;
          at = length;
          break;
        }
        if (!known || end > length) {
          if (start > from) kept.push(chunk.subarray(from, start));
          hold(chunk, start, (known ? end : at + 2) - start);
          from = length;
          break;
        }
        if (size <= limit && (wanted === null || wanted.hasBytes(chunk, at + 2, topicEnd))) {
          const next = at + size;
          // An empty topic means a topic alias, which this client did not offer.
          const isPlain = receiver !== null && parsing === 0 && qos < 2 && topicEnd > at + 2;
          if (isPlain && next > length) {
            if (start > from) kept.push(chunk.subarray(from, start));
            hold(chunk, start, next - start);
            from = length;
            break;
          }
          const payload = isPlain ? (hasProperties ? afterProperties(chunk, end, next) : end) : -1;
          if (receiver === null || payload < 0) {
            parsing++;
            left = size;
            continue;
          }
          if (start > from) kept.push(chunk.subarray(from, start));
          const topic = chunk.toString('utf8', at + 2, topicEnd);
          const take = receiver(topic, Buffer.from(chunk.subarray(payload, next)), qos as 0 | 1, (first & 1) === 1);
          if (take && qos > 0) owe(PUBACK, chunk[topicEnd] as number, chunk[topicEnd + 1] as number);
          at = next;
          from = at;
          continue;
        }
        left = size;
        if (start > from) kept.push(chunk.subarray(from, start));
        skipping = true;
        if (size > limit) onOversized(chunk.toString('utf8', at + 2, topicEnd), size);
        if (qos > 0) owe(qos === 1 ? PUBACK : PUBREC, chunk[topicEnd] as number, chunk[topicEnd + 1] as number);
        left -= end - at;
        at = end;
        from = at;
      }
      if (at > from) kept.push(chunk.subarray(from, at));
      return kept.length === 1 ? (kept[0] as Buffer) : kept.length === 0 ? NOTHING : Buffer.concat(kept);
    },
  };
}

/** The index of the payload after the properties of MQTT 5 (section 2.2.2); negative = the parser must check them. */
function afterProperties(chunk: Buffer, from: number, end: number): number {
  let at = from;
  let size = 0;
  for (let shift = 0; shift < 28 && at < end; shift += 7) {
    const byte = chunk[at++] as number;
    size += (byte & 0x7f) << shift;
    if (byte < 0x80) return at + size <= end ? at + size : -1;
  }
  return -1;
}
